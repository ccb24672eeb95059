"""The traps of Coolify that show on a real engine only; numbers are those of the fact sheet."""

import pytest

from tests.rehearsal.standin import trap_scenarios_engine as traps
from tests.rehearsal.standin.trap_scenarios_engine import Deployer

pytestmark = pytest.mark.docker


def test_trap_08_the_tag_is_read_when_the_job_starts(world: Deployer) -> None:
    assert traps.trap_08(world) == traps.SEEN_08


def test_trap_10_a_bad_tag_stays_and_restart_is_a_deployment(world: Deployer) -> None:
    assert traps.trap_10(world) == traps.SEEN_10


def test_trap_14_the_pull_must_succeed(world: Deployer) -> None:
    assert traps.trap_14(world) == traps.SEEN_14


def test_trap_15_without_a_check_the_old_goes_at_once(world: Deployer) -> None:
    assert traps.trap_15(world) == traps.SEEN_15


def test_trap_16_an_http_check_without_a_port_fails_every_deployment(world: Deployer) -> None:
    assert traps.trap_16(world) == traps.SEEN_16


def test_trap_17_still_starting_at_the_end_is_a_failure(world: Deployer) -> None:
    assert traps.trap_17(world) == traps.SEEN_17


def test_trap_20_non_rolling_stops_first_and_waits_for_nothing(world: Deployer) -> None:
    assert traps.trap_20(world) == traps.SEEN_20


def test_trap_21_the_old_container_is_stopped_without_a_drain(world: Deployer) -> None:
    assert traps.trap_21(world) == traps.SEEN_21


def test_trap_22_switching_to_a_consistent_name_leaves_the_old_container(world: Deployer) -> None:
    assert traps.trap_22(world) == traps.SEEN_22


def test_trap_23_no_stable_name_unless_aliases_are_set(world: Deployer) -> None:
    assert traps.trap_23(world) == traps.SEEN_23


def test_trap_24_only_the_entrypoint_option_overrides_the_command(world: Deployer) -> None:
    assert traps.trap_24(world) == traps.SEEN_24


def test_trap_28_what_compose_makes_of_values(world: Deployer) -> None:
    assert traps.trap_28(world) == traps.SEEN_28


def test_trap_29_injected_variables_reach_the_container(world: Deployer) -> None:
    assert traps.trap_29(world) == traps.SEEN_29
