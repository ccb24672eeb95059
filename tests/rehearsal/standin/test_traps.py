"""The traps of Coolify that need no engine, each as a client meets it; numbers are those of the fact sheet."""

import pytest

from slipway.rehearsal.standin import deployment_job, run_options
from tests.rehearsal.standin import trap_scenarios as traps
from tests.rehearsal.standin.ground import Standin


def test_trap_02_without_accept_json_errors_are_no_json(standin: Standin) -> None:
    assert traps.trap_02(standin) == traps.SEEN_02


def test_trap_03_get_on_actions_is_405_other_methods_404(standin: Standin) -> None:
    assert traps.trap_03(standin) == traps.SEEN_03


def test_trap_06_phantom_deployment_uuid(standin: Standin) -> None:
    assert traps.trap_06(standin) == traps.SEEN_06


def test_trap_07_a_full_queue_is_said_by_deploy_only(standin: Standin) -> None:
    assert traps.trap_07(standin) == traps.SEEN_07


def test_trap_08_the_tag_is_not_in_the_deployments_row(standin: Standin) -> None:
    assert traps.trap_08_row(standin) == traps.SEEN_08_ROW


def test_trap_15_the_check_is_off_by_default(standin: Standin) -> None:
    assert traps.trap_15_default(standin) == traps.SEEN_15_DEFAULT


def test_trap_16_a_command_check_has_no_quotes_and_no_dollar(standin: Standin) -> None:
    assert traps.trap_16_command(standin) == traps.SEEN_16_COMMAND


def test_trap_17_the_wait_is_start_period_and_retries_times_interval() -> None:
    assert traps.trap_17_budget() == traps.SEEN_17_BUDGET


@pytest.mark.parametrize(
    ("fields", "rolls"),
    [
        ({}, True),
        ({"ports_mappings": "8080:80"}, False),
        ({"is_consistent_container_name_enabled": True}, False),
        ({"custom_internal_name": "beat"}, False),
        ({"custom_docker_run_options": "--ip 10.0.0.5"}, False),
        ({"custom_docker_run_options": "--ipc=host"}, False),
        ({"custom_docker_run_options": "--init"}, True),
    ],
)
def test_trap_20_what_switches_rolling_updates_off(fields: dict[str, object], rolls: bool) -> None:
    assert (deployment_job.why_not_rolling(traps.row(**fields)) is None) == rolls


def test_trap_21_the_grace_period_is_30_seconds_unless_set() -> None:
    assert deployment_job.grace_period(traps.row()) == 30
    assert deployment_job.grace_period(traps.row(stop_grace_period=45)) == 45


def test_trap_23_names_and_ids(standin: Standin) -> None:
    assert traps.trap_23_names(standin) == traps.SEEN_23_NAMES


def test_trap_24_options_are_read_inside_quotes_too() -> None:
    options = '--entrypoint "celery -A zamio worker --hostname=w1@%h --ulimit nofile=1024:2048"'
    keys = run_options.compose_keys(traps.row(custom_docker_run_options=options))
    assert keys["hostname"] == "w1@%h"
    assert keys["ulimits"] == {"nofile": {"soft": 1024, "hard": 2048}}
    assert keys["entrypoint"].startswith("celery -A zamio worker")


def test_trap_25_a_domain_is_made_up_unless_the_request_says_no(standin: Standin) -> None:
    assert traps.trap_25(standin) == traps.SEEN_25


def test_trap_26_ports_alone_leave_stale_proxy_labels(standin: Standin) -> None:
    assert traps.trap_26(standin) == traps.SEEN_26


def test_trap_27_variables_have_twins_and_forgetful_flags(standin: Standin) -> None:
    assert traps.trap_27(standin) == traps.SEEN_27


def test_trap_29_what_is_injected_and_how_it_is_written() -> None:
    assert traps.trap_29_file() == traps.SEEN_29_FILE
