import pytest

from slipway.checks.images.stage import HEALTHCHECK
from slipway.config.workspace import Role
from slipway.rehearsal.stage.stopping import stops_well
from tests.rehearsal.stage.conftest import SERVING, Stand

pytestmark = pytest.mark.docker


def stops(stand: Stand, files: dict[str, str], role: Role = Role.STATIC) -> list[str]:
    with stand(files, role) as (scene, hosts):
        return [issue.message for issue in stops_well(scene, "admin", hosts, 1)]


def test_an_image_that_drains_is_fine(stand: Stand) -> None:
    assert stops(stand, {}) == []


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"/start": SERVING.replace("drain()", "drain() { exit 0; }; unused()")}, "does not serve on after SIGTERM"),
        ({HEALTHCHECK: "#!/bin/sh\nexit 0\n"}, "the check is not red after SIGTERM"),
        ({"/start": SERVING.replace("touch /run/d", "kill $server; touch /run/d")}, "does not serve on while draining"),
        ({"/start": SERVING.replace("exit 0", "exit 3")}, "ends with 3 after SIGTERM"),
        ({"/start": SERVING.replace("sleep 1.5", "sleep 0.4")}, "before its drain of 1 s"),
    ],
)
def test_an_image_that_stops_badly_is_caught(stand: Stand, files: dict[str, str], words: str) -> None:
    found = stops(stand, files)
    assert any(words in message for message in found), found


@pytest.mark.slow
def test_a_worker_that_ignores_the_signal_is_caught(stand: Stand) -> None:
    ignoring = SERVING.replace("trap drain TERM", "trap '' TERM")
    assert any("still runs 13 s after" in m for m in stops(stand, {"/start": ignoring}, Role.WORKER))
