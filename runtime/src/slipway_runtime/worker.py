"""The Celery worker with a heartbeat file that proves its consumer is connected and its loop turns."""

import os
from typing import Any

from celery import bootsteps

from slipway_runtime import board, celery_app, logs, release, state
from slipway_runtime.metrics.tasks import Counter
from slipway_runtime.signing import Signing

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
        self.signing = Signing(consumer.app, "worker", consumer.hostname, lambda: _about(consumer))

    def start(self, consumer: Any) -> None:
        """The consumer is connected: beat from now on."""
        self.beat()
        self.entry = consumer.timer.call_repeatedly(INTERVAL, self.beat)

    def beat(self) -> None:
        """Tell this container, and now and then the whole application, that the loop turns."""
        state.beat_heart("worker")
        self.signing()

    def stop(self, consumer: Any) -> None:  # noqa: ARG002  (Celery's signature)
        """The consumer lost its connection or stops."""
        if self.entry is not None:
            self.entry.cancel()
            self.entry = None

    def shutdown(self, consumer: Any) -> None:
        """The worker takes no more tasks."""
        self.stop(consumer)
        self.signing.leave()


def _about(consumer: Any) -> dict[str, Any]:
    """Return what a worker says of itself on the board."""
    from celery.worker import state as work

    queues = sorted(queue.name for queue in consumer.task_consumer.queues)
    said = {"queues": queues, "active": len(work.active_requests), "version": release.version()}
    return {**said, "every": board.EVERY}


def main() -> None:
    """Run the worker in the foreground; it handles SIGTERM (warm) and SIGQUIT (cold) itself."""
    app = celery_app.load_and_wait()
    app.steps["consumer"].add(Heartbeat)
    level = os.environ.get("CELERY_LOG_LEVEL") or "INFO"
    counter = Counter(app)
    counter.connect()
    # Celery's banner is many lines on standard output; what it tells is logged as well.
    app.worker_main([*(["--quiet"] if logs.laid(os.environ) else []), "worker", "--loglevel", level])


if __name__ == "__main__":
    main()
