"""At once: independent questions, several at a time, that an interrupt ends without waiting for their answers."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Value = TypeVar("Value")
PATIENCE = 2.0
"""Seconds that whoever was cancelled gets to clean up; what hangs longer than that holds nothing that is missed."""


def at_once(acts: Sequence[Callable[[], Value]], many: int, cancel: Callable[[], None]) -> list[Value]:
    """Do every act, `many` at a time; return what they gave, in their order.

    The first failure is raised, and an interrupt; before that `cancel` is called, which must make the acts end. Those
    that do not within `PATIENCE` are left behind: their threads do not keep the process from ending.
    """
    run = _Run(acts)
    threads = [threading.Thread(target=run.work, daemon=True) for _ in range(min(max(1, many), len(acts)))]
    try:
        for thread in threads:
            thread.start()
        run.wait()
    except BaseException:
        run.stop()
        cancel()
        run.wait_for_those_begun(PATIENCE)
        raise
    return [run.values[number] for number in range(len(acts))]


@dataclass(slots=True)
class _Run(Generic[Value]):
    acts: Sequence[Callable[[], Value]]
    values: dict[int, Value] = field(default_factory=dict)
    _begun: int = 0
    _ended: int = 0
    _failures: list[BaseException] = field(default_factory=list)
    _is_stopped: bool = False
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def work(self) -> None:
        """Do acts until none is left to begin."""
        while (number := self._next()) is not None:
            failure: BaseException | None = None
            try:
                self.values[number] = self.acts[number]()
            except BaseException as error:  # noqa: BLE001 - raised where it is waited for
                failure = error
            with self._changed:
                self._ended += 1
                self._failures += [failure] if failure else []
                self._changed.notify_all()

    def wait(self) -> None:
        """Wait until every act has ended; raises the first failure as soon as it is there."""
        with self._changed:
            self._changed.wait_for(lambda: self._failures or self._ended == len(self.acts))
            if self._failures:
                raise self._failures[0]

    def wait_for_those_begun(self, seconds: float) -> None:
        """Wait for what is under way, so long at most."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended == self._begun, seconds)

    def stop(self) -> None:
        """Begin nothing more."""
        with self._changed:
            self._is_stopped = True

    def _next(self) -> int | None:
        with self._changed:
            if self._is_stopped or self._begun == len(self.acts):
                return None
            self._begun += 1
            return self._begun - 1
