"""The Celery worker with a heartbeat file that proves its consumer is connected and its loop turns."""

import os
from typing import Any

from celery import bootsteps

from slipway_runtime import celery_app, state

INTERVAL = 1.0  # seconds


class Heartbeat(bootsteps.StartStopStep):  # type: ignore[misc]  # Celery ships no types
    """Touches the heartbeat file from the consumer's own timer.

    It starts after the consumer of tasks and stops with it, so a lost broker connection ages the file; a loop that is
    stuck does not fire its timer.
    """

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **options: Any) -> None:
        super().__init__(consumer, **options)
        self.entry: Any = None

    def start(self, consumer: Any) -> None:
        """The consumer is connected: beat from now on."""
        state.beat_heart("worker")
        self.entry = consumer.timer.call_repeatedly(INTERVAL, state.beat_heart, ("worker",))

    def stop(self, consumer: Any) -> None:  # noqa: ARG002  (Celery's signature)
        """The consumer lost its connection or stops."""
        if self.entry is not None:
            self.entry.cancel()
            self.entry = None

    shutdown = stop


def main() -> None:
    """Run the worker in the foreground; it handles SIGTERM (warm) and SIGQUIT (cold) itself."""
    app = celery_app.load_and_wait()
    app.steps["consumer"].add(Heartbeat)
    level = os.environ.get("CELERY_LOG_LEVEL") or "INFO"
    app.worker_main(["worker", "--loglevel", level])


if __name__ == "__main__":
    main()
