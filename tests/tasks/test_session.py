import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import pytest

from slipway.checks.environment import check_environment
from slipway.errors import UsageError
from slipway.rehearsal.owner import alone
from tasks._session import ROOT, Session, session
from tests.rehearsal.test_ground import GROUND


def test_a_variable_of_somebodys_shell_never_becomes_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEBUG", "true")
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:p@elsewhere:5432/app")

    with session(env="production") as s:
        assert set(s.process) & {"DEBUG", "DATABASE_URL"} == set()


def test_a_value_given_on_purpose_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPWAY_VAR_CELERY_LOG_LEVEL", "DEBUG")
    monkeypatch.setenv("SLIPWAY_DOMAIN", "zamio.example.org")

    with session(env="production") as s:
        given = (s.process["CELERY_LOG_LEVEL"], s.process["SLIPWAY_DOMAIN"])

    assert given == ("DEBUG", "zamio.example.org")


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A rehearsal's folder of this test's own."""
    folder = tmp_path / ".slipway" / "rehearsal"
    folder.mkdir(parents=True)
    monkeypatch.setattr(Session, "rehearsal_folder", folder)
    return folder


def test_what_a_standing_ground_gives_is_not_the_environment_of_the_process(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "ground.json").write_text(json.dumps(asdict(GROUND)))
    with session() as s:
        issues = check_environment(ROOT, s.env, s.workspace, {**s.process, **s.ground_settings()}, s.secrets_file)
        registry = s.config.setting("SLIPWAY_REGISTRY")
    assert [issue for issue in issues if issue.id == "env.given"] == []
    assert registry is not None
    assert registry.where.endswith(".slipway/rehearsal/ground.json")


def test_without_a_ground_a_rehearsals_target_says_so(folder: Path) -> None:
    with session() as s, pytest.raises(UsageError, match="no rehearsal is standing") as raised, s.target(s.config):
        pass
    assert "./inv rehearse --keep" in raised.value.hint


def test_base_images_come_from_the_registry_that_the_process_names(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[tuple[str, ...], str, bool]] = []

    def ensure(_: object, names: Iterable[str], __: object, *, registry: str, fresh: bool) -> dict[str, str]:
        asked.append((tuple(names), registry, fresh))
        return {}

    monkeypatch.setattr("slipway.engines.images.bases.ensure_bases", ensure)
    monkeypatch.setenv("SLIPWAY_BASE_REGISTRY", "registry.example.org:5000/mirror")
    with session() as s:
        s.bases(("python",), s.console.say)
        s.bases(("node",), s.console.say, fresh=True)
    registry = "registry.example.org:5000/mirror"
    assert asked == [(("python",), registry, False), (("node",), registry, True)]


@pytest.mark.parametrize("given", ["https://r.example.org", "me:secret@r.example.org", "a b", "-r", "r:port", "/x"])
def test_a_registry_that_is_none_is_refused_before_anything_is_pulled(
    monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    monkeypatch.setenv("SLIPWAY_BASE_REGISTRY", given)
    with session() as s, pytest.raises(UsageError) as raised:
        s.bases(("python",), s.console.say)
    assert raised.value.where == "SLIPWAY_BASE_REGISTRY"
    assert given not in str(raised.value)


def test_a_rehearsal_elsewhere_or_beside_another_is_refused_before_an_engine_is_asked(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> None:
        pytest.fail("an engine was asked for")

    monkeypatch.setattr("slipway.engines.engine_setup.ensure_engine", refuse)
    with session() as s, alone(folder), pytest.raises(UsageError, match="under way"), s.rehearsing():
        pass
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")
    with session() as s, pytest.raises(UsageError, match="this machine's own engine"), s.rehearsing():
        pass
