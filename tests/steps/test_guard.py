"""Lock and record, against ports in memory."""

from datetime import UTC, datetime

import pytest

from slipway.errors import PersonNeeded, Refused
from slipway.plan import Execution, Plan, PlanFailed
from slipway.release.image import Version
from slipway.release.release import Release
from slipway.steps.guard import AcquireLock, RecordRelease, ReleaseLock
from slipway.testing import FakeLock, FakeState, FakeStep, Lines

RELEASE = Release(
    Version("0.1.0", "abc"), {"backend": "r@sha256:1"}, datetime(2026, 1, 1, tzinfo=UTC), {}, {"a": "0001"}
)


def test_the_lock_is_taken_proved_and_given_back() -> None:
    lock = FakeLock()
    results = Execution(Lines()).run(Plan("p", (AcquireLock(lock), ReleaseLock(lock))))
    assert lock.said == ["acquire", "prove", "release"]
    assert [result.observed for result in results] == ["held, token 1", "free"]


def test_a_held_lock_stops_the_plan() -> None:
    later = FakeStep("later")
    with pytest.raises(PlanFailed, match="held by bob"):
        Execution(Lines()).run(Plan("p", (AcquireLock(FakeLock(holder="bob")), later)))
    assert later.ran == 0


def test_a_later_failure_gives_the_lock_back() -> None:
    lock = FakeLock()

    def fail(_: object) -> str:
        raise Refused("no")

    with pytest.raises(PlanFailed):
        Execution(Lines()).run(Plan("p", (AcquireLock(lock), FakeStep("fails", fail))))
    assert lock.said[-1] == "release"
    assert AcquireLock(lock).undo() is False
    assert ReleaseLock(lock).undo() is False


def test_a_release_is_recorded_with_its_values_and_read_back() -> None:
    store, values = FakeState(), {"api": {"DEBUG": "0"}}
    step = RecordRelease(store, RELEASE, values)
    assert step.run(Lines()) == "1 in the history, the last is 0.1.0-abc"
    assert Release.from_json(store.records[-1]) == RELEASE
    assert store.values == {"0.1.0-abc": values}
    assert "0.1.0-abc" in step.describe()
    assert step.undo() is False


def test_another_record_in_between_needs_a_person() -> None:
    other = Release(Version("0.2.0", "abc"), {}, RELEASE.created, {}, {})
    with pytest.raises(PersonNeeded, match="last record is another one"):
        RecordRelease(FakeState(meanwhile=other.to_json()), RELEASE, {}).run(Lines())
