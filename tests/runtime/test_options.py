import pytest
from slipway_runtime.options import ROLES, WrongOption, read
from slipway_runtime.start import command, main, stop_plan


def test_the_role_comes_from_the_command_line_then_from_the_environment_then_it_is_web() -> None:
    assert read(["worker"], {"SLIPWAY_ROLE": "beat"}).role == "worker"
    assert read([], {"SLIPWAY_ROLE": "beat"}).role == "beat"
    assert read([], {}).role == read([], {"SLIPWAY_ROLE": ""}).role == "web"


@pytest.mark.parametrize(
    ("argv", "environment", "message"),
    [
        (["webb"], {}, "not 'webb'"),
        ([], {"SLIPWAY_ROLE": "static"}, "not 'static'"),
        (["web", "worker"], {}, "one role at most"),
        ([], {"PORT": "80a"}, "PORT"),
        ([], {"PORT": "0"}, "PORT"),
        ([], {"PORT": "70000"}, "PORT"),
        ([], {"PORT": "٨٠"}, "PORT"),
        ([], {"SLIPWAY_DRAIN_SECONDS": "-1"}, "SLIPWAY_DRAIN_SECONDS"),
        ([], {"SLIPWAY_DRAIN_SECONDS": "nan"}, "SLIPWAY_DRAIN_SECONDS"),
        ([], {"SLIPWAY_DRAIN_SECONDS": "1e9"}, "SLIPWAY_DRAIN_SECONDS"),
        ([], {"SLIPWAY_WAIT_SECONDS": "soon"}, "SLIPWAY_WAIT_SECONDS"),
        ([], {"SLIPWAY_DRAIN_SECONDS": "43"}, "no time to stop"),
    ],
)
def test_a_wrong_option_is_named(argv: list[str], environment: dict[str, str], message: str) -> None:
    with pytest.raises(WrongOption, match=message):
        read(argv, environment)


def test_a_wrong_option_ends_the_container_with_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PORT", "eighty")
    assert main(["web"]) == 2
    assert "PORT is a port number" in capsys.readouterr().err


@pytest.mark.parametrize("role", ROLES)
def test_every_role_stops_within_the_grace_period(role: str) -> None:
    options = read([role], {})
    plan = stop_plan(options)
    assert plan.drain + plan.kill_after < options.grace
    assert plan.quit_after is None or plan.quit_after < plan.kill_after
    assert command(options)[-1] == f"slipway_runtime.{role}"


def test_only_web_drains() -> None:
    assert {role: stop_plan(read([role], {})).drain for role in ROLES} == {
        "web": 14,
        "worker": 0,
        "beat": 0,
        "migrate": 0,
    }
