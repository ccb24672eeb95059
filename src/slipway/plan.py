"""Step, Plan and the way a plan is carried out: journal before and after, timings, the way back on failure."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from slipway.errors import PersonNeeded, Refused, SlipwayError, Unreachable

_UNDO = "undo "


class Outcome(StrEnum):
    """How a step ended; the words of the JSON contract."""

    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"
    UNDONE = "undone"


@dataclass(frozen=True, slots=True)
class StepResult:
    """One step as it went: `seconds` of wall time, `observed` is what another route than the acting one has seen."""

    name: str
    outcome: Outcome
    seconds: float
    observed: str = ""

    def as_json(self) -> dict[str, object]:
        """Return the step in the form of the JSON contract (design §4)."""
        return {
            "name": self.name,
            "outcome": str(self.outcome),
            "seconds": round(self.seconds, 3),
            "observed": self.observed,
        }


class Step(Protocol):
    """One act. `run` performs it and returns what was observed afterwards, in a few words for a person.

    `undo` takes the act back where that is possible and returns whether it did.
    """

    @property
    def name(self) -> str:
        """Short and unique in its plan: `migrate`, `deploy api`."""

    def describe(self) -> str:
        """Say in one line what `run` would do; shown as the dry run."""

    def run(self, say: Callable[[str], None]) -> str:
        """Act, then look; `say` takes progress lines. Raises a `SlipwayError` on failure."""

    def undo(self) -> bool:
        """Take the act back; False where nothing can or need be taken back."""


class Progress(Protocol):
    """Who is told while a plan runs (the console, or nobody)."""

    def started(self, name: str) -> None:
        """`name` begins."""

    def line(self, name: str, text: str) -> None:
        """One line of what happens inside `name`."""

    def ended(self, result: StepResult) -> None:
        """The step is over."""


class Journal(Protocol):
    """Where a plan writes down what it is about to do and what it did, so that a killed run can be understood."""

    def before(self, name: str) -> None:
        """Written before a step, or `undo <name>`, acts; raising here keeps it from happening (a lost lock does)."""

    def after(self, result: StepResult) -> None:
        """Written when the step, or its `undo <name>`, is over."""


class _NoJournal:
    def before(self, name: str) -> None:
        """Keep nothing."""

    def after(self, result: StepResult) -> None:
        """Keep nothing."""


@dataclass(frozen=True, slots=True)
class Plan:
    """An ordered list of steps: a value, made without effects. Empty means "already so"."""

    title: str
    steps: tuple[Step, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing needs to be done."""
        return not self.steps

    def describe(self) -> list[str]:
        """Return one line a step: the dry run."""
        return [f"{step.name}: {step.describe()}" for step in self.steps]


class PlanFailed(SlipwayError):
    """A step failed; `results` holds every step so far and what was taken back. The message is the step's own.

    The exit code is the step's own, too, unless it would not be true: 3 says that nothing was changed, so it becomes 1
    once something was done and stays; a step that could not be taken back needs a person, 4.
    """

    def __init__(self, error: SlipwayError, results: tuple[StepResult, ...]) -> None:
        stuck = [r for r in results if r.name.startswith(_UNDO) and r.outcome is Outcome.FAILED]
        details = (*error.details, *(f"{r.name} failed: {r.observed}" for r in stuck))
        super().__init__(error.message, where=error.where, hint=error.hint, details=details)
        self.error = error
        self.results = results
        undone = {result.name for result in results if result.outcome is Outcome.UNDONE}
        stays = any(result.outcome is Outcome.DONE and result.name not in undone for result in results)
        if stuck:
            self.exit_code = PersonNeeded.exit_code
        elif stays and error.exit_code == Unreachable.exit_code:
            self.exit_code = Refused.exit_code
        else:
            self.exit_code = error.exit_code


@dataclass(slots=True)
class Execution:
    """Carries a plan out, one step after another."""

    progress: Progress
    journal: Journal = field(default_factory=_NoJournal)
    clock: Callable[[], float] = time.monotonic

    def run(self, plan: Plan) -> tuple[StepResult, ...]:
        """Run every step in order and return their results.

        When a step raises, it and the steps before it are taken back in reverse order where they can be, and
        `PlanFailed` carries the results. An interrupt (Ctrl-C) or a defect takes them back too and is raised again.
        """
        results: list[StepResult] = []
        begun: list[Step] = []
        for step in plan.steps:
            try:
                self._attempt(step, results, begun)
            except SlipwayError as error:
                results += self._take_back(begun)
                raise PlanFailed(error, tuple(results)) from error
            except BaseException:
                self._take_back(begun)
                raise
        return tuple(results)

    def _attempt(self, step: Step, results: list[StepResult], begun: list[Step]) -> None:
        """Add the step to `begun` once the journal let it begin, and its result to `results` however it ends."""
        begin = self.clock()
        try:
            self.journal.before(step.name)
            self.progress.started(step.name)
            begun.append(step)
            begin = self.clock()
            observed = step.run(lambda text: self.progress.line(step.name, text))
            result = StepResult(step.name, Outcome.DONE, self.clock() - begin, observed)
            self.journal.after(result)  # an act that could not be written down counts as failed and is taken back
        except BaseException as error:
            result = StepResult(step.name, Outcome.FAILED, self.clock() - begin, _first_line(error))
            results.append(result)
            if step in begun:
                self._write_down(result)
            self.progress.ended(result)
            raise
        results.append(result)
        self.progress.ended(result)

    def _take_back(self, steps: Sequence[Step]) -> list[StepResult]:
        """Undo in reverse. Each begins with a journal line of its own, so a lost lock stops the way back, too."""
        undone = []
        for step in reversed(steps):
            act = f"{_UNDO}{step.name}"
            try:
                self.journal.before(act)
            except SlipwayError as error:
                self.progress.line(step.name, f"nothing more is taken back: {error.message}")
                undone.append(StepResult(act, Outcome.FAILED, 0.0, error.message))
                break
            begin = self.clock()
            try:
                outcome, observed = (Outcome.UNDONE, "") if step.undo() else (Outcome.SKIPPED, "")
            except Exception as error:  # noqa: BLE001 - a defect in one undo must not keep the others from theirs
                outcome, observed = Outcome.FAILED, _first_line(error)
                self.progress.line(step.name, f"could not be taken back: {observed}")
            seconds = self.clock() - begin
            self._write_down(StepResult(act, outcome, seconds, observed))
            if outcome is not Outcome.SKIPPED:
                result = StepResult(step.name if outcome is Outcome.UNDONE else act, outcome, seconds, observed)
                self.progress.ended(result)
                undone.append(result)
        return undone

    def _write_down(self, result: StepResult) -> None:
        """Write the line after something that failed or was undone; the first error is the one to report."""
        try:
            self.journal.after(result)
        except SlipwayError as error:
            self.progress.line(result.name, f"the journal could not be written: {error.message}")


def _first_line(error: BaseException) -> str:
    text = error.message if isinstance(error, SlipwayError) else str(error) or type(error).__name__
    return text.splitlines()[0] if text else type(error).__name__
