"""The lock and the journal, with real scripts on real files of this machine."""

import json
import threading
import time
from pathlib import Path

import pytest

from slipway.engines.host.lock import HostJournal, HostLock
from slipway.engines.local_shell import LocalShell
from slipway.errors import PersonNeeded, Refused, Unreachable
from slipway.plan import Execution, Outcome, Plan, PlanFailed, StepResult
from slipway.steps.guard import AcquireLock, ReleaseLock
from slipway.testing import FakeStep, Lines


@pytest.fixture
def folder(tmp_path: Path) -> str:
    return str(tmp_path / "rehearsal")


def _lock(folder: str, owner: str = "ada@laptop", lease: int = 600) -> HostLock:
    return HostLock(LocalShell(), folder, owner, lease)


def _expire(folder: str) -> None:
    """Let the lease end without waiting for it."""
    file = Path(folder, "lock")
    token, _, since, owner = file.read_text().split(" ", 3)
    file.write_text(f"{token} {int(time.time()) - 1} {since} {owner}")


def test_who_holds_it_and_since_when_is_said(folder: str) -> None:
    holder = _lock(folder, "ada\n  @laptop")
    assert holder.acquire() == 1
    with pytest.raises(Refused, match=r"held by ada @laptop since 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\+00:00") as raised:
        _lock(folder, "bob@ci").acquire()
    assert raised.value.exit_code == 1
    assert "inv deploy.unlock" in raised.value.hint
    assert raised.value.where == f"this machine:{folder}/lock"
    holder.release()


def test_after_its_release_the_next_token_is_greater(folder: str) -> None:
    first = _lock(folder)
    assert first.acquire() == 1
    first.release()
    assert first.token is None
    first.release()
    second = _lock(folder)
    assert second.acquire() == 2
    second.release()


def test_only_one_of_many_gets_it(folder: str) -> None:
    locks = [_lock(folder, f"runner-{number}") for number in range(8)]
    got: list[int] = []
    refused: list[str] = []

    def take(lock: HostLock) -> None:
        try:
            got.append(lock.acquire())
        except Refused as error:
            refused.append(error.message)

    threads = [threading.Thread(target=take, args=(lock,)) for lock in locks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [1]
    assert len(refused) == 7
    for lock in locks:
        lock.release()


def test_a_lease_that_ended_is_taken_over_and_the_old_holder_is_shut_out(folder: str) -> None:
    asleep = _lock(folder)
    asleep.acquire()
    _expire(folder)
    heir = _lock(folder, "bob@ci")
    assert heir.acquire() == 2
    with pytest.raises(PersonNeeded, match=r"not ours any more \(held by: bob@ci\)") as raised:
        asleep.prove()
    assert raised.value.exit_code == 4
    asleep.release()
    heir.prove()
    heir.release()


def test_a_lease_that_ended_but_was_not_taken_over_goes_on(folder: str) -> None:
    lock = _lock(folder)
    lock.acquire()
    _expire(folder)
    lock.prove()
    with pytest.raises(Refused):
        _lock(folder, "bob@ci").acquire()
    lock.release()


def test_the_lease_is_renewed_while_a_long_step_runs(folder: str) -> None:
    lock = _lock(folder, lease=2)
    lock.acquire()
    time.sleep(3.2)
    with pytest.raises(Refused):
        _lock(folder, "bob@ci").acquire()
    lock.release()


def test_taken_away_by_hand(folder: str) -> None:
    lock = _lock(folder)
    lock.acquire()
    said = _lock(folder, "bob@ci").take_away()
    assert said is not None
    assert said.startswith("ada@laptop, since 20")
    assert _lock(folder).take_away() is None
    with pytest.raises(PersonNeeded, match="held by: nobody"):
        lock.prove()
    lock.release()


@pytest.mark.parametrize("damage", ["", "x", "1 2", "1 2 x ada", "-1 2 3 ada", "1; 2 3 ada"])
def test_a_damaged_lock_needs_a_person(folder: str, damage: str) -> None:
    Path(folder).mkdir()
    Path(folder, "lock").write_text(damage)
    with pytest.raises(PersonNeeded, match="lock is damaged"):
        _lock(folder).acquire()
    assert Path(folder, "lock").read_text() == damage
    assert str(_lock(folder).take_away()).startswith("somebody" if len(damage.split()) < 4 else "ada, since")
    lock = _lock(folder)
    lock.acquire()
    lock.release()


def _journal(folder: str) -> list[dict[str, str]]:
    (file,) = Path(folder, "journal").glob("*.jsonl")
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_the_journal_tells_the_run(folder: str) -> None:
    lock = _lock(folder)
    journal = HostJournal(LocalShell(), folder, lock)
    steps = (AcquireLock(lock), FakeStep("one"), FakeStep("two"), ReleaseLock(lock))
    Execution(Lines(), journal).run(Plan("all", steps))
    entries = _journal(folder)
    assert [(entry["step"], entry.get("outcome", "begins")) for entry in entries] == [
        ("lock", "begins"),
        ("lock", "done"),
        ("one", "begins"),
        ("one", "done"),
        ("two", "begins"),
        ("two", "done"),
        ("unlock", "begins"),
    ]
    assert not Path(folder, "lock").exists()


def test_a_lost_lock_stops_the_plan_before_its_next_step(folder: str) -> None:
    lock = _lock(folder)
    heir = _lock(folder, "bob@ci")

    def lose(_: object) -> str:
        heir.take_away()
        heir.acquire()
        return "done"

    later = FakeStep("later")
    plan = Plan("all", (AcquireLock(lock), FakeStep("loses", lose), later, ReleaseLock(lock)))
    with pytest.raises(PlanFailed, match="not ours any more") as raised:
        Execution(Lines(), HostJournal(LocalShell(), folder, lock)).run(plan)
    assert raised.value.exit_code == 4
    assert later.ran == 0
    heir.prove()
    heir.release()


def test_a_plan_that_fails_gives_the_lock_back(folder: str) -> None:
    lock = _lock(folder)

    def fail(_: object) -> str:
        raise Refused("no")

    with pytest.raises(PlanFailed, match="no"):
        Execution(Lines(), HostJournal(LocalShell(), folder, lock)).run(
            Plan("all", (AcquireLock(lock), FakeStep("fails", fail)))
        )
    assert not Path(folder, "lock").exists()
    entries = _journal(folder)
    assert ("fails", "failed") in [(entry["step"], entry.get("outcome")) for entry in entries]
    assert ("undo fails", "undone") in [(entry["step"], entry.get("outcome")) for entry in entries]


def test_a_journal_that_cannot_be_written_does_not_hide_why_a_step_failed(folder: str) -> None:
    lock = _lock(folder)
    lock.acquire()
    journal = HostJournal(LocalShell(), folder, lock)
    Path(folder, "journal").write_text("a file where a folder should be")
    journal.after(StepResult("x", Outcome.FAILED, 1.0, "the reason"))
    with pytest.raises(Unreachable):
        journal.after(StepResult("x", Outcome.DONE, 1.0))
    lock.release()


def test_journals_of_old_runs_are_cleared_away(folder: str) -> None:
    journals = Path(folder, "journal")
    journals.mkdir(parents=True)
    for number in range(60):
        (journals / f"{number:08d}.jsonl").write_text("{}\n")
    Path(folder, "lock.token").write_text("100\n")
    lock = _lock(folder)
    lock.acquire()
    HostJournal(LocalShell(), folder, lock).before("x")
    lock.release()
    assert max(path.name for path in journals.iterdir()) == "00000101.jsonl"
    assert len(list(journals.iterdir())) == 40
