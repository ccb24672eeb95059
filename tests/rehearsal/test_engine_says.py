from collections.abc import Callable

import pytest
from docker.errors import APIError, DockerException, ImageNotFound
from requests import ConnectionError as LostConnection
from requests import ReadTimeout
from urllib3.exceptions import ReadTimeoutError

from slipway.errors import Refused, SlipwayError, Unreachable, UsageError
from slipway.rehearsal.engine_says import asking


def api_error(text: str) -> APIError:
    return APIError("500 Server Error", explanation=text)


@pytest.mark.parametrize(
    ("error", "kind", "message", "hint"),
    [
        (
            api_error("could not find an available, non-overlapping IPv4 address pool among the defaults"),
            Unreachable,
            "no address range left",
            "docker network prune",
        ),
        (api_error("all predefined address pools have been fully subnetted"), Unreachable, "no address range", "prune"),
        (
            api_error("write /var/lib/docker/x: no space left on device"),
            Unreachable,
            "no space left on its disk",
            "docker system prune",
        ),
        (api_error("Bind for 127.0.0.1:80 failed: port is already allocated"), UsageError, "a port is taken", "ss"),
        (ImageNotFound("404", explanation="No such image: a:1"), UsageError, "No such image: a:1", "inv build.bases"),
        (api_error("something new"), Unreachable, "the engine says no: something new", "docker ps -a"),
        (ReadTimeout("read timed out"), Unreachable, "connection to the Docker engine was lost", "docker version"),
        (LostConnection("reset"), Unreachable, "connection to the Docker engine was lost", "docker version"),
        (ReadTimeoutError(None, "", "slow"), Unreachable, "was lost", "docker version"),  # type: ignore[arg-type]
        (DockerException("no"), Unreachable, "was lost", "docker version"),
    ],
)
def test_what_an_engine_refuses_is_told_with_place_and_way_out(
    error: Exception, kind: type[SlipwayError], message: str, hint: str
) -> None:
    with pytest.raises(kind) as raised, asking("rehearsal r", "registry did not start"):
        raise error
    assert raised.value.where == "rehearsal r"
    assert raised.value.message.startswith("registry did not start: ")
    assert message in raised.value.message
    assert hint in raised.value.hint


@pytest.mark.parametrize("make", [lambda: Refused("as it is", where="there"), KeyboardInterrupt])
def test_what_is_an_error_of_ours_or_an_interrupt_passes(make: Callable[[], BaseException]) -> None:
    error = make()
    with pytest.raises(type(error)) as raised, asking("rehearsal r"):
        raise error
    assert raised.value is error
