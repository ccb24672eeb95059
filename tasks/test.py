"""`inv test`: everything this project checks itself with, in order, the cheapest first."""

import shlex
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from invoke import Context, task

from slipway.errors import SlipwayError
from slipway.plan import Outcome, StepResult
from tasks._session import ROOT, answer, helped, session

if TYPE_CHECKING:
    from slipway.engines.console import Console


@dataclass(frozen=True, slots=True)
class Stage:
    """One command; `engine` says whether a Docker engine has to answer before it starts."""

    name: str
    argv: tuple[str, ...]
    engine: bool = False


def stages(*, fast: bool) -> tuple[Stage, ...]:
    """Return what `inv test` runs; `fast` leaves out what needs an engine or seconds."""
    python = (sys.executable, "-m")
    # Tests of one file share servers and folders, so a file stays in one process.
    parallel = ("-n", "auto", "--dist", "loadfile")
    # These wait for containers more than they compute; an engine with more than two at once is what they would measure.
    in_twos = ("-n", "2", "--dist", "loadfile")
    quick = (
        Stage("style", (*python, "ruff", "check", "--quiet")),
        Stage("format", (*python, "ruff", "format", "--check", "--quiet")),
        Stage("types", (*python, "mypy")),
        Stage("imports", (str(Path(sys.executable).with_name("lint-imports")),)),
        Stage("tests", (*python, "pytest", "-q", *parallel, "-m", "not docker and not rehearsal and not slow")),
    )
    whole = (
        Stage("slow tests", (*python, "pytest", "-q", *parallel, "-m", "slow and not docker and not rehearsal")),
        Stage("engine tests", (*python, "pytest", "-q", *in_twos, "-m", "docker and not rehearsal"), engine=True),
        Stage("rehearsal tests", (*python, "pytest", "-q", "-m", "rehearsal"), engine=True),
    )
    return quick if fast else quick + whole


def run_stage(c: Context, stage: Stage, console: "Console") -> StepResult:
    """Run one stage with its output shown, and return how it went; an engine that cannot be had is a failure of it."""
    began = time.monotonic()
    console.say(f"\n== {stage.name}: {shlex.join(stage.argv).replace(sys.executable, 'python')}")
    observed = ""
    try:
        if stage.engine:
            from slipway.engines.engine_setup import ensure_engine

            ensure_engine(console.say)
        stream = sys.stderr if console.as_json else sys.stdout
        with c.cd(ROOT):
            ran = c.run(shlex.join(stage.argv), warn=True, in_stream=False, out_stream=stream)
        passed = ran is not None and ran.ok
        observed = "" if passed or ran is None else f"exit code {ran.exited}"
    except SlipwayError as error:
        console.error(error)
        passed, observed = False, error.message
    return StepResult(stage.name, Outcome.DONE if passed else Outcome.FAILED, time.monotonic() - began, observed)


def run_stages(c: Context, todo: Sequence[Stage], console: "Console") -> tuple[StepResult, ...]:
    """Run stages up to the first that fails and return all of them; those after it are skipped."""
    results: list[StepResult] = []
    for stage in todo:
        if results and results[-1].outcome is not Outcome.DONE:
            results.append(StepResult(stage.name, Outcome.SKIPPED, 0.0))
        else:
            results.append(run_stage(c, stage, console))
    return tuple(results)


@task(
    help=helped("format", fast="only what needs no engine and takes seconds: style, format, types, imports, unit tests")
)
def test(c: Context, fast: bool = False, format: str = "text") -> None:
    """Run the whole test suite; a missing Docker engine is installed or started where this user may do that."""
    with session(format=format) as s:
        results = run_stages(c, stages(fast=fast), s.console)
        s.console.say("")
        for result in results:
            s.console.ended(result)
        ok = all(result.outcome is Outcome.DONE for result in results)
        if s.as_json:
            s.console.document({"ok": ok, "steps": [result.as_json() for result in results]})
        answer(ok)
