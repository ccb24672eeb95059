"""A second release over the first one, while visitors keep asking."""

import sys

import pytest

from tests.e2e.conftest import Standing
from tests.e2e.looks import IMAGES, SERVICES, Looks
from tests.e2e.person import Person
from tests.e2e.traffic import streaming

pytestmark = pytest.mark.rehearsal


def test_a_changed_line_rolls_out_without_a_lost_request(
    standing: Standing, person: Person, looks: Looks, capfd: pytest.CaptureFixture[str]
) -> None:
    before, releases = looks.ids(), len(looks.history())
    views = "zamio_backend/core/views.py"
    tag = standing.source.edit(views, '("artists", "plays", "stats")', '("artists", "plays", "stats", "live")').commit()
    assert "live" not in looks.visitor.asks("api", "/").json()
    person.types("build.all", *standing.words).ended(0)
    with (
        streaming(looks.visitor, "api", "/api/artists/") as api,
        streaming(looks.visitor, "frontend", "/", pause=0.2) as portal,
    ):
        deployed = person.types("deploy", *standing.words, "--format", "json").ended(0).document
    with capfd.disabled():
        sys.stdout.write(f"\napi: {api}\nportal: {portal}\n")

    assert deployed["ok"] is True
    assert {step["outcome"] for step in deployed["steps"]} == {"done"}
    looks.settled()
    running = looks.running()
    for name in SERVICES:
        built = looks.client.images.get(f"zamio/{IMAGES[name]}:{tag}")
        assert running[name].attrs["Image"] == built.id
        assert running[name].id != before[name]
    assert "live" in looks.visitor.asks("api", "/").json()
    assert len(looks.history()) == releases + 1
    assert not looks.is_locked()
    assert api.sent > 200
    assert portal.sent > 100
    assert api.failures + portal.failures == [], f"api: {api}; portal: {portal}"
