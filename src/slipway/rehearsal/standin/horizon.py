"""The workers behind the queue: Coolify's Horizon runs at most four jobs of any kind at a time."""

import logging
import queue
import threading
from collections.abc import Callable

log = logging.getLogger("standin")


class Horizon:
    """A few threads that take jobs in the order they were dispatched."""

    def __init__(self, workers: int) -> None:
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._threads = [threading.Thread(target=self._work, name=f"horizon-{n}", daemon=True) for n in range(workers)]

    def start(self) -> None:
        """Starts the workers; jobs dispatched before wait until then."""
        for thread in self._threads:
            thread.start()

    def stop(self, seconds: float) -> None:
        """Lets the workers end after what they are doing, and waits so long for it."""
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(seconds / len(self._threads))

    def dispatch(self, job: Callable[[], None]) -> None:
        """Puts a job at the end of the line."""
        self._jobs.put(job)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                job()
            except Exception:
                log.exception("a job failed")
