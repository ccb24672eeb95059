from pathlib import Path

import pytest

from slipway.config.config import Config, load_config
from slipway.config.rotation import rotation
from slipway.config.workspace import Workspace
from slipway.errors import UsageError

FILE = "env/production.secrets.env"


def production(root: Path, workspace: Workspace, text: str, **more: str) -> Config:
    (root / FILE).write_text(text)
    for name, other in more.items():
        with (root / "env" / f"production{name}.env").open("a") as file:
            file.write(other)
    return load_config(root, "production", workspace)


def test_the_older_signing_key_stays_first_among_those_that_still_verify(root: Path, workspace: Workspace) -> None:
    config = production(root, workspace, "SECRET_KEY=now\nSECRET_KEY_FALLBACKS=older, oldest,now\n")
    turn = rotation(config, "SECRET_KEY")
    assert turn.file == FILE
    assert turn.values["SECRET_KEY_FALLBACKS"].reveal() == "now,older,oldest"
    assert len(turn.values["SECRET_KEY"].reveal()) == 64
    assert "now" not in repr(turn)


def test_the_first_key_and_any_other_secret_bring_nothing_else(root: Path, workspace: Workspace) -> None:
    config = production(root, workspace, "DEMO_USER_PASSWORD=x\n")
    assert [*rotation(config, "SECRET_KEY").values] == ["SECRET_KEY"]
    assert [*rotation(config, "DEMO_USER_PASSWORD").values] == ["DEMO_USER_PASSWORD"]


@pytest.mark.parametrize(
    ("name", "told", "hint"),
    [
        ("POSTGRES_PASSWORD", "what the database was created with", "ALTER ROLE"),
        ("REDIS_PASSWORD", "what the database was created with", "Redis anew"),
        ("EMAIL_HOST_PASSWORD", "given out by somebody else", "ask whoever gives it out"),
        ("DATABASE_URL", "given out by somebody else", ""),
        ("DEBUG", "is no secret", "SECRET_KEY"),
        ("SECRET_KEYS", "is not a variable", "SECRET_KEY"),
    ],
)
def test_what_nobody_here_can_renew_is_refused_with_the_reason(
    root: Path, workspace: Workspace, name: str, told: str, hint: str
) -> None:
    with pytest.raises(UsageError, match=told) as raised:
        rotation(production(root, workspace, "SECRET_KEY=x\n"), name)
    assert hint in raised.value.hint


@pytest.mark.parametrize("key", ["a,b", "it's", "back\\slash"])
def test_a_key_that_cannot_stand_in_a_list_is_refused(root: Path, workspace: Workspace, key: str) -> None:
    with pytest.raises(UsageError, match="cannot stand in the list") as raised:
        rotation(production(root, workspace, f'SECRET_KEY="{key}"\n'.replace("\\", "\\\\")), "SECRET_KEY")
    assert key not in str(raised.value)


def test_a_secret_outside_the_file_of_secrets_is_moved_by_a_person(root: Path, workspace: Workspace) -> None:
    config = production(root, workspace, "SECRET_KEY=x\n", **{".api": "SECRET_KEY=y\n"})
    with pytest.raises(UsageError, match="outside the file of secrets") as raised:
        rotation(config, "SECRET_KEY")
    assert raised.value.where == f"{FILE}:1, env/production.api.env:1"


def test_older_keys_in_another_file_are_not_changed_unseen(root: Path, workspace: Workspace) -> None:
    config = production(root, workspace, "SECRET_KEY=x\n", **{"": "SECRET_KEY_FALLBACKS=z\n"})
    with pytest.raises(UsageError, match="stands in another file"):
        rotation(config, "SECRET_KEY")
