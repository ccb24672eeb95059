from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from slipway.errors import PersonNeeded, Refused, SlipwayError, Unreachable
from slipway.plan import Execution, Outcome, Plan, PlanFailed, StepResult


@dataclass
class Told:
    """Progress, journal and steps write into one list, so that their order shows."""

    events: list[str] = field(default_factory=list)
    refuses: dict[str, BaseException] = field(default_factory=dict)
    now: float = 0.0

    def clock(self) -> float:
        self.now += 1
        return self.now

    def before(self, name: str) -> None:
        self._write(f"before {name}")

    def after(self, result: StepResult) -> None:
        self._write(f"after {result.name} {result.outcome}")

    def started(self, name: str) -> None:
        self.events.append(f"started {name}")

    def line(self, name: str, text: str) -> None:
        self.events.append(f"line {name}: {text}")

    def ended(self, result: StepResult) -> None:
        self.events.append(f"ended {result.name} {result.outcome}")

    def _write(self, line: str) -> None:
        if line in self.refuses:
            raise self.refuses[line]
        self.events.append(line)


@dataclass
class Act:
    name: str
    told: Told
    error: BaseException | None = None
    undo_error: BaseException | None = None
    can_undo: bool = True

    def describe(self) -> str:
        return f"would {self.name}"

    def run(self, say: Callable[[str], None]) -> str:
        say("working")
        self.told.events.append(f"run {self.name}")
        if self.error:
            raise self.error
        return f"saw {self.name}"

    def undo(self) -> bool:
        self.told.events.append(f"undo {self.name}")
        if self.undo_error:
            raise self.undo_error
        return self.can_undo


def undone(told: Told) -> list[str]:
    return [event.removeprefix("undo ") for event in told.events if event.startswith("undo ")]


def run(told: Told, *acts: Act) -> tuple[StepResult, ...]:
    return Execution(told, told, told.clock).run(Plan("a plan", acts))


def test_a_plan_is_a_value() -> None:
    told = Told()
    plan = Plan("a plan", (Act("one", told), Act("two", told)))
    assert plan.describe() == ["one: would one", "two: would two"]
    assert not plan.is_empty
    assert Plan("nothing").is_empty
    assert Execution(told).run(Plan("nothing")) == ()
    assert not told.events


def test_steps_run_in_order_between_two_journal_lines() -> None:
    told = Told()
    results = run(told, Act("one", told), Act("two", told))
    assert results == (
        StepResult("one", Outcome.DONE, 1.0, "saw one"),
        StepResult("two", Outcome.DONE, 1.0, "saw two"),
    )
    one = ["before one", "started one", "line one: working", "run one", "after one done", "ended one done"]
    assert told.events == one + [event.replace(" one", " two") for event in one]
    assert results[0].as_json() == {"name": "one", "outcome": "done", "seconds": 1.0, "observed": "saw one"}


@pytest.mark.parametrize("error", [Refused("no\nreally"), Unreachable("silence"), PersonNeeded("look", where="there")])
def test_a_failure_takes_everything_back_in_reverse(error: SlipwayError) -> None:
    told = Told()
    with pytest.raises(PlanFailed) as raised:
        run(told, Act("one", told), Act("look", told, can_undo=False), Act("two", told, error), Act("three", told))
    failed = raised.value
    # 3 would say that nothing was changed, and `look` was done and stays.
    code = 1 if error.exit_code == 3 else error.exit_code
    assert (failed.exit_code, failed.message, failed.where) == (code, error.message, error.where)
    assert failed.error is error
    assert failed.__cause__ is error
    assert [(r.name, r.outcome) for r in failed.results] == [
        ("one", Outcome.DONE),
        ("look", Outcome.DONE),
        ("two", Outcome.FAILED),
        ("two", Outcome.UNDONE),
        ("one", Outcome.UNDONE),
    ]
    assert failed.results[2] == StepResult("two", Outcome.FAILED, 1.0, error.message.splitlines()[0])
    assert undone(told) == ["two", "look", "one"]
    assert "run three" not in told.events
    assert [e for e in told.events if e.startswith(("before", "after"))][4:] == [
        "before two",
        "after two failed",
        "before undo two",
        "after undo two undone",
        "before undo look",
        "after undo look skipped",
        "before undo one",
        "after undo one undone",
    ]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ZeroDivisionError("a defect"), SystemExit(3)])
def test_an_interrupt_or_a_defect_takes_back_and_is_raised_again(error: BaseException) -> None:
    told = Told()
    with pytest.raises(type(error)) as raised:
        run(told, Act("one", told), Act("two", told, error))
    assert raised.value is error
    assert undone(told) == ["two", "one"]
    assert "after two failed" in told.events
    assert "ended two failed" in told.events


@pytest.mark.parametrize("error", [Refused("cannot"), RuntimeError("a defect")])
def test_what_cannot_be_taken_back_keeps_nothing_else_from_it(error: Exception) -> None:
    told = Told()
    with pytest.raises(PlanFailed) as raised:
        run(told, Act("one", told), Act("two", told, undo_error=error), Act("three", told, Refused("no")))
    assert undone(told) == ["three", "two", "one"]
    assert [r.name for r in raised.value.results if r.outcome is Outcome.UNDONE] == ["three", "one"]
    assert [r.name for r in raised.value.results if r.outcome is Outcome.FAILED] == ["three", "undo two"]
    assert raised.value.exit_code == 4
    assert raised.value.details == (f"undo two failed: {error}",)
    assert f"line two: could not be taken back: {error}" in told.events
    assert "after undo two failed" in told.events


def test_a_journal_that_refuses_keeps_the_step_from_acting_and_from_being_undone() -> None:
    told = Told(refuses={"before two": Unreachable("the host is gone")})
    with pytest.raises(PlanFailed) as raised:
        run(told, Act("one", told), Act("two", told))
    assert raised.value.exit_code == 3
    assert "run two" not in told.events
    assert undone(told) == ["one"]
    assert "after two failed" not in told.events


def test_without_the_lock_nothing_is_taken_back() -> None:
    lost = PersonNeeded("the lock is another's")
    told = Told(refuses={"before two": lost, "before undo one": lost})
    with pytest.raises(PlanFailed) as raised:
        run(told, Act("one", told), Act("two", told))
    assert raised.value.exit_code == 4
    assert undone(told) == []
    assert "line one: nothing more is taken back: the lock is another's" in told.events


def test_an_act_that_could_not_be_written_down_failed() -> None:
    told = Told(refuses={"after one done": Unreachable("no space")})
    with pytest.raises(PlanFailed, match="no space") as raised:
        run(told, Act("one", told))
    assert [r.outcome for r in raised.value.results] == [Outcome.FAILED, Outcome.UNDONE]
    assert "ended one done" not in told.events


def test_a_journal_that_fails_after_a_failure_hides_nothing() -> None:
    told = Told(refuses={"after one failed": Unreachable("no space"), "after undo one undone": Unreachable("no")})
    with pytest.raises(KeyboardInterrupt):
        run(told, Act("one", told, KeyboardInterrupt()))
    assert undone(told) == ["one"]
    assert "line one: the journal could not be written: no space" in told.events
