from pathlib import Path

from slipway.config.config import load_config
from slipway.config.differences import Outcome, configured, differences, given
from slipway.config.workspace import Workspace
from slipway.secret import Secret


def test_two_environments_share_references_and_differ_in_values(root: Path, workspace: Workspace) -> None:
    for name, key in (("production", "same"), ("staging", "same")):
        (root / "env" / f"{name}.secrets.env").write_text(f"SECRET_KEY={key}\nEMAIL_HOST_PASSWORD=of-{name}\n")
    left, right = (configured(load_config(root, name, workspace)) for name in ("production", "staging"))
    found = {one.name: one for one in differences(left, right)}
    assert found["BASE_URL"].outcome is Outcome.SAME, "written alike; what it stands for follows from the domain"
    assert (found["SLIPWAY_DOMAIN"].left, found["SLIPWAY_DOMAIN"].right) == ("zamio.com", "staging.zamio.com")
    assert found["SECRET_KEY"].outcome is Outcome.SAME
    assert found["SECRET_KEY"].secret
    assert found["EMAIL_HOST_PASSWORD"].outcome is Outcome.DIFFERENT
    assert not found["DATABASE_URL"].secret, "a reference is no secret"
    assert "of-production" not in repr([one.as_json() for one in found.values()]) + repr(found)


def test_what_a_platform_has_is_compared_by_service(root: Path, workspace: Workspace) -> None:
    schema = load_config(root, "production", workspace).schema
    wanted = given({"api": {"DEBUG": "false", "SECRET_KEY": Secret("a")}, "worker": {"DEBUG": "false"}}, schema)
    have = given({"api": {"DEBUG": "true", "SECRET_KEY": "a"}, "worker": {"DEBUG": "true", "ODD": "hidden"}}, schema)
    found = differences(wanted, have)
    assert [(one.name, str(one.outcome), one.services) for one in found] == [
        ("SECRET_KEY", "same", ("api",)),
        ("DEBUG", "different", ("api", "worker")),
        ("ODD", "only right", ("worker",)),
    ]
    assert "hidden" not in repr(found), "what the schema does not know may be a secret"


def test_equal_sides_do_not_differ() -> None:
    assert differences({}, {}) == ()
