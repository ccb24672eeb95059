"""What the overlay reads and what `env/schema.yaml` declares are the same words."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slipway_runtime import healthcheck, options
from slipway_runtime.options import WrongOption, read
from slipway_runtime.start import stop_plan

from slipway.config.health import CHECK_DEADLINE, KILL_MARGIN, HealthContract
from slipway.config.schema import Schema
from slipway.config.schema_file import read_schema
from slipway.config.workspace import Workspace

ROOT = Path(__file__).parents[2]
# Variables that the image, the supervisor or the platform set, and no env file may.
_OF_THE_IMAGE = {
    "DJANGO_SETTINGS_MODULE",
    "SLIPWAY_ASGI",
    "SLIPWAY_CELERY",
    "SLIPWAY_HEALTH_PATH",
    "SLIPWAY_REVISION",
    "SLIPWAY_RUN_DIR",
    "SLIPWAY_VERSION",
}
_READS = (
    re.compile(r"\benv\.(?:text|integer|boolean|seconds|items|number)\(\s*\"([A-Z][A-Z0-9_]+)\""),
    re.compile(r"\benviron(?:ment)?(?:\.get\(|\[)\s*\"([A-Z][A-Z0-9_]+)\""),
    re.compile(r"\b_(?:seconds|whole)\(environment, \"([A-Z][A-Z0-9_]+)\""),
)
_KINDS = {
    "boolean": {"boolean"},
    "integer": {"integer"},
    "seconds": {"duration", "integer"},
    "items": {"list", "host_list", "origin_list"},
}


@pytest.fixture
def schema(workspace: Workspace) -> Schema:
    found, faults = read_schema(ROOT / "env" / "schema.yaml", ROOT, workspace)
    assert faults == []
    assert found is not None
    return found


def sources() -> str:
    return "\n".join(file.read_text() for file in (ROOT / "runtime" / "src").rglob("*.py"))


def test_every_variable_that_the_overlay_reads_is_declared(schema: Schema) -> None:
    text = sources()
    read = {match[1] for pattern in _READS for match in pattern.finditer(text)} - _OF_THE_IMAGE

    assert len(read) > 60
    assert sorted(read - set(schema.variables)) == []


def test_each_is_read_as_the_type_that_it_is_declared_with(schema: Schema) -> None:
    found = re.findall(r"\benv\.(integer|boolean|seconds|items)\(\s*\"([A-Z][A-Z0-9_]+)\"", sources())
    wrong = [(name, how) for how, name in found if schema.variables[name].type not in _KINDS[how]]

    assert wrong == []


@given(drain=st.integers(6, 60), grace=st.integers(4, 70))
def test_a_drain_fits_into_the_grace_period_for_the_check_exactly_where_the_process_starts(
    drain: int, grace: int
) -> None:
    told = HealthContract(interval=1, retries=1, drain=drain, grace=grace).problems()
    environment = {"SLIPWAY_DRAIN_SECONDS": str(drain), "SLIPWAY_GRACE_SECONDS": str(grace)}
    if told:
        with pytest.raises(WrongOption, match="no time to stop"):
            read(["web"], environment)
    else:
        stop = stop_plan(read(["web"], environment))
        assert stop.drain + stop.kill_after + KILL_MARGIN <= grace


def test_the_health_contract_counts_with_the_images_own_figures() -> None:
    portal = (ROOT / "images" / "portal" / "healthcheck").read_text()
    waits = {float(seconds) for seconds in re.findall(r"read -r -t (\d+)", portal)}
    assert waits == {healthcheck.DEADLINE} == {CHECK_DEADLINE}
    assert options.KILL_MARGIN == KILL_MARGIN
    assert HealthContract(timeout=int(healthcheck.DEADLINE)).problems()
