"""`--configure` and what it makes of images that are there already."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from slipway.config.workspace import Configured
from slipway.errors import UsageError
from slipway.plans.build_portals import built_with
from slipway.ports import BuiltImage
from slipway.rehearsal.stages import workspace_builds
from slipway.release.inputs import INPUTS_LABEL
from slipway.testing import FakeImages
from tasks._session import ROOT, Session, session


@pytest.mark.parametrize("way", ["start", "build"])
def test_the_option_decides_for_every_portal(way: str) -> None:
    with session(env="production") as s:
        s.configure_portals(way)
        assert {portal.configure for portal in s.workspace.frontend.portals.values()} == {Configured(way)}
        assert s.config.workspace is s.workspace


def test_without_the_option_the_workspace_file_decides() -> None:
    with session(env="production") as s:
        before = s.workspace
        s.configure_portals("")
        assert s.workspace is before


def test_another_word_is_wrong_use() -> None:
    with session(env="production") as s, pytest.raises(UsageError, match="--configure later"):
        s.configure_portals("later")


class Engine(FakeImages):
    """An engine that has every image of the workspace, the portals' with the labels given."""

    def __init__(self, labels: Mapping[str, str]) -> None:
        super().__init__()
        self.labels = labels
        self.inputs: dict[str, str] = {}

    def inspect(self, reference: str) -> BuiltImage:
        name = reference.rpartition(":")[0].rpartition("/")[2]
        labels = {INPUTS_LABEL: self.inputs.get(name, ""), **({} if name == "backend" else self.labels)}
        return BuiltImage("", f"sha256:{reference}", (reference,), 1, labels)


@contextmanager
def having(monkeypatch: pytest.MonkeyPatch, env: str, *, stale: str = "", **labels: str) -> Iterator[Session]:
    """A session whose engine has every image as it would be built now, but the one called `stale`."""
    monkeypatch.setattr(Session, "ensure_engine", lambda _: None)
    engine = Engine({f"slipway.{name}": value for name, value in labels.items()})
    monkeypatch.setattr(Session, "images", engine)
    with session(env=env) as s:
        inputs = engine.read(workspace_builds(s.config, s.version, ROOT))
        engine.inputs = {name: one.digest for name, one in inputs.items() if name != stale}
        yield s


@pytest.mark.parametrize("env", ["staging", "production"])
def test_images_configured_at_start_serve_every_environment(monkeypatch: pytest.MonkeyPatch, env: str) -> None:
    with having(monkeypatch, env, configured="start") as s:
        assert set(s.built_images()) == set(s.workspace.image_names)


def test_images_built_for_one_environment_serve_that_one_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = {"configured": "build", "built-with": built_with({"VITE_API_URL": "https://api.staging.zamio.com"})}
    with having(monkeypatch, "staging", **labels) as s:
        assert set(s.built_images()) == set(s.workspace.image_names)
    with having(monkeypatch, "production", **labels) as s, pytest.raises(UsageError, match="another environment"):
        s.built_images()


def test_what_is_tried_is_given_the_rehearsals_values_whatever_images_are_compared_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`inv check.images --env staging`: the right images are taken, and nothing is started with staging's secrets."""
    labels = {"configured": "build", "built-with": built_with({"VITE_API_URL": "https://api.staging.zamio.com"})}
    with having(monkeypatch, "staging", **labels) as s:
        tried = s.for_rehearsal()
        assert (tried.config.environment, s.config.environment) == ("rehearsal", "staging")
        assert tried.config.build_arguments("admin") == {"VITE_API_URL": "https://api.zamio.localhost"}
        assert tried.mask is s.mask
        assert tried.for_rehearsal() is tried


@pytest.mark.parametrize("name", ["backend", "admin"])
def test_an_image_of_something_else_than_what_lies_here_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    with (
        having(monkeypatch, "production", stale=name, configured="start") as s,
        pytest.raises(UsageError, match=f"made from something else than what lies here now: zamio/{name}:") as raised,
    ):
        s.built_images()
    assert "inv build.all" in raised.value.hint


def test_an_image_that_says_nothing_of_itself_is_foreign(monkeypatch: pytest.MonkeyPatch) -> None:
    with having(monkeypatch, "staging") as s, pytest.raises(UsageError, match="of another environment"):
        s.built_images()
