"""Counts Celery tasks where they run and adds the counts up in the broker's Redis; any web process tells them.

Workers have no address to be scraped at, come and go with every deployment, and replace their pool processes after so
many tasks, each of which would leave files behind. One hash keeps the sums over all of them and across restarts, for
one round trip a task after its result is stored.
"""

import time
from typing import Any

from slipway_runtime import board
from slipway_runtime.metrics.numbers import TASK_BUCKETS, TASKS, field

_PAUSE = 10.0  # seconds without trying after Redis did not answer
_LONGEST_NAME = 200


class Counter:
    """The signal handlers of one worker process; none ever raises."""

    def __init__(self, app: Any) -> None:
        self.board = board.of(app)
        self._begun: dict[str, float] = {}
        self._resume = 0.0

    def connect(self) -> None:
        """Listen from now on. The caller keeps the counter."""
        from celery import signals

        if self.board is None:
            return
        signals.task_prerun.connect(self.begins, weak=False)
        signals.task_postrun.connect(self.ends, weak=False)
        signals.task_failure.connect(self.fails, weak=False)
        signals.task_revoked.connect(self.revoked, weak=False)

    def begins(self, task_id: str = "", **_: Any) -> None:
        """A task begins in this process."""
        self._begun[task_id] = time.perf_counter()

    def ends(self, task_id: str = "", task: Any = None, state: str | None = None, **_: Any) -> None:
        """It ended in this process, well or not."""
        begin = self._begun.pop(task_id, None)
        seconds = None if begin is None else time.perf_counter() - begin
        self.add(getattr(task, "name", "") or "unknown", (state or "UNKNOWN").lower(), seconds)

    def fails(self, task_id: str = "", sender: Any = None, **_: Any) -> None:
        """A task failed; one that this process began is counted at its end, one whose process was killed is not."""
        if task_id not in self._begun:
            self.add(getattr(sender, "name", "") or "unknown", "lost", None)

    def revoked(self, sender: Any = None, **_: Any) -> None:
        """A task was taken back or came too late."""
        self.add(getattr(sender, "name", "") or "unknown", "revoked", None)

    def add(self, name: str, state: str, seconds: float | None) -> None:
        """Add one task to the sums."""
        now = time.monotonic()
        if self.board is None or now < self._resume:
            return
        name = name[:_LONGEST_NAME]
        amounts: dict[str, float] = {field(name, "state", state): 1}
        if seconds is not None:
            bound = next((str(one) for one in TASK_BUCKETS if seconds <= one), "+Inf")
            amounts |= {field(name, "le", bound): 1, field(name, "sum"): float(seconds)}
        try:
            self.board.add(TASKS, amounts)
        except Exception:  # noqa: BLE001  (a count lost is better than a task held up)
            self._resume = now + _PAUSE
