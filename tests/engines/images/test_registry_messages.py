"""What an engine says of a push, laid out by a fake one."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import stamina

from slipway.engines.images.buildkit import BuildKitImages
from slipway.errors import Refused
from slipway.ports import Pushed
from tests.engines.images.fake_engine import FakeEngine, fake_engine


def _quiet(_: object) -> None:
    pass


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[FakeEngine]:
    with fake_engine(tmp_path) as served, stamina.set_testing(True, attempts=3):
        yield served


def test_a_push_tries_again_while_the_registry_is_busy(engine: FakeEngine) -> None:
    busy: list[object] = [{"error": "received unexpected HTTP status: 503 Service Unavailable"}]
    engine.answers["/push"] = [busy, busy, [{"aux": {"Tag": "1", "Digest": "sha256:ab", "Size": 1}}]]
    assert BuildKitImages(engine.url).push("r:5000/a:1", _quiet).reference == "r:5000/a@sha256:ab"


def test_a_refused_push_is_not_tried_again(engine: FakeEngine) -> None:
    engine.answers["/push"] = [[{"status": "Preparing", "id": "x"}, {"error": "denied: no"}]]
    with pytest.raises(Refused, match=r"(?s)r:5000 refuses.*docker login r:5000"):
        BuildKitImages(engine.url).push("r:5000/a:1", _quiet)
    assert sum("/push" in path for path in engine.asked) == 1


def test_a_push_without_a_digest_is_no_success(engine: FakeEngine) -> None:
    engine.answers["/push"] = [[{"status": "Pushed", "id": "x"}]]
    with pytest.raises(Refused, match="no digest"):
        BuildKitImages(engine.url).push("r:5000/a:1", _quiet)


def test_the_engines_own_retries_are_told_once_each(engine: FakeEngine) -> None:
    waits: list[object] = [{"id": "l1", "status": f"Retrying in {left} seconds"} for left in (3, 2, 1)]
    sends: list[object] = [{"id": "l1", "status": "Pushing", "progressDetail": {"current": 5, "total": 9}}]
    end: list[object] = [{"id": "l1", "status": "Pushed"}, {"aux": {"Digest": "sha256:ab"}}]
    engine.answers["/push"] = [[*sends, *waits, *sends, *waits, *end]]
    lines: list[str] = []
    assert BuildKitImages(engine.url).push("r:5000/a:1", lines.append) == Pushed("r:5000/a@sha256:ab", 1, 5)
    assert lines.count("layer l1: retrying in 3 seconds") == 2
    assert len(lines) == 3
