"""The task `test` stops at the first stage that fails, and names them all."""

import gc
import io
import json
import sys
import warnings
from collections.abc import Iterator

import pytest
from invoke import Context, Exit

from slipway.engines.console import Console
from slipway.errors import Unreachable
from slipway.plan import Outcome
from tasks import test as module

# The collector may also come by while one of these tests still runs.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")


@pytest.fixture(autouse=True)
def _invokes_pipes() -> Iterator[None]:
    """Invoke leaves the pipes of a finished command to the collector, which would complain in some later test."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def stage(name: str, code: int, *, engine: bool = False) -> module.Stage:
    return module.Stage(name, (sys.executable, "-c", f"print('{name} speaks'); raise SystemExit({code})"), engine)


def test_the_first_failure_ends_the_run_and_the_rest_is_named(capfd: pytest.CaptureFixture[str]) -> None:
    todo = (stage("one", 0), stage("two", 5), stage("three", 0))
    results = module.run_stages(Context(), todo, Console())
    assert [(r.name, r.outcome, r.observed) for r in results] == [
        ("one", Outcome.DONE, ""),
        ("two", Outcome.FAILED, "exit code 5"),
        ("three", Outcome.SKIPPED, ""),
    ]
    said = capfd.readouterr().out
    assert "two speaks" in said
    assert "three" not in said


def test_a_missing_engine_fails_the_stage_that_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(say: object) -> None:
        raise Unreachable("no Docker engine answers", hint="type 'sudo apt-get install -y docker.io'")

    monkeypatch.setattr("slipway.engines.engine_setup.ensure_engine", silent)
    err = io.StringIO()
    console = Console(out=io.StringIO(), err=err)
    results = module.run_stages(Context(), (stage("one", 0), stage("two", 0, engine=True)), console)
    assert [r.outcome for r in results] == [Outcome.DONE, Outcome.FAILED]
    assert "sudo apt-get install -y docker.io" in err.getvalue()


def test_the_answer_is_the_exit_code_and_json_has_stdout_for_itself(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "stages", lambda *, fast: (stage("one", 0), stage("two", 1)))
    with pytest.raises(Exit) as caught:
        module.test(Context(), format="json")
    assert caught.value.code == 1
    out, err = capfd.readouterr()
    document = json.loads(out)
    assert document["ok"] is False
    assert [step["outcome"] for step in document["steps"]] == ["done", "failed"]
    assert "two speaks" in err


def test_all_stages_pass_quietly(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(module, "stages", lambda *, fast: (stage("one", 0),))
    module.test(Context())
    assert "ok one" in capfd.readouterr().out


def test_an_unknown_format_is_wrong_use() -> None:
    with pytest.raises(Exit) as caught:
        module.test(Context(), format="xml")
    assert caught.value.code == 2


def test_fast_needs_no_engine_and_the_whole_leaves_no_test_out() -> None:
    assert not any(stage.engine for stage in module.stages(fast=True))
    assert len(module.stages(fast=True)) == 5
    whole = module.stages(fast=False)
    assert whole[:5] == module.stages(fast=True)
    selected = [stage.argv[-1] for stage in whole if "pytest" in stage.argv]
    for docker in (True, False):
        for rehearsal in (True, False):
            for slow in (True, False):
                marks = {"docker": docker, "rehearsal": rehearsal, "slow": slow}
                assert sum(eval(words, dict(marks)) for words in selected) == 1
