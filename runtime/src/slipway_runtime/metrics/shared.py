"""What no single process counts: queues, tasks of all workers, who lives, circuit breakers, the release."""

import platform
import time
from collections.abc import Iterator, Mapping
from importlib import import_module

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from slipway_runtime import board, celery_found, release
from slipway_runtime.deadline import Question
from slipway_runtime.metrics.numbers import TASK_BUCKETS, TASKS, parts

_PATIENCE = 2.0  # seconds
STATES = ("closed", "half_open", "open")


class Shared:
    """A collector for prometheus_client, asked at each scrape."""

    def __init__(self) -> None:
        self._redis = Question(_read_board)

    def collect(self) -> Iterator[Metric]:
        """Yield what is known; a Redis that does not answer in time leaves its part out and says so."""
        yield _build()
        yield from _breakers()
        if not celery_found.expected():
            return
        self._redis.begin()
        answer = self._redis.answer(time.monotonic() + _PATIENCE)
        yield GaugeMetricFamily(
            "slipway_celery_up",
            "Whether the broker's Redis answered this scrape",
            value=float(answer.value is not None),
        )
        yield from answer.value or ()


def _build() -> Metric:
    import django

    labels = {
        "version": release.version(),
        "revision": release.revision(),
        "python": platform.python_version(),
        "django": django.get_version(),
    }
    found = GaugeMetricFamily("slipway_build_info", "1, for its labels", labels=list(labels))
    found.add_metric(list(labels.values()), 1)
    return found


def _breakers() -> Iterator[Metric]:
    try:
        states = import_module("slipway_runtime.breaker").states()
    except ImportError:
        return  # pybreaker is not installed
    family = GaugeMetricFamily("slipway_circuit_state", "1 for the state a circuit is in", labels=["circuit", "state"])
    for circuit in states:
        for one in STATES:
            family.add_metric([circuit.name, one], float(one == circuit.state.replace("-", "_")))
    yield family


def _read_board() -> list[Metric]:
    app = celery_found.app()
    found = board.of(app)
    if app is None or found is None:
        raise LookupError("the broker is no Redis")
    waiting, held = found.lengths(app.amqp.queues)
    length = GaugeMetricFamily("slipway_celery_queue_length", "Messages that wait", labels=["queue"])
    for name, count in waiting.items():
        length.add_metric([name], count)
    workers, beats = found.signs("worker"), found.signs("beat")
    families: list[Metric] = [
        length,
        GaugeMetricFamily("slipway_celery_unacked", "Messages that workers hold", value=held),
        GaugeMetricFamily("slipway_celery_workers", "Workers that signed within 20 s", value=len(workers)),
    ]
    if beats:
        families.append(
            GaugeMetricFamily("slipway_celery_beat_age_seconds", "Seconds since beat's last tick", value=beats[0].age)
        )
    return [*families, *tasks(found.sums(TASKS))]


def tasks(sums: Mapping[str, float]) -> list[Metric]:
    """Return the metrics of a hash of sums; fields that are none of ours are left out."""
    ended = CounterMetricFamily("slipway_celery_tasks", "Tasks that ended", labels=["task", "state"])
    seconds = HistogramMetricFamily("slipway_celery_task_seconds", "Running time of tasks", labels=["task"])
    buckets: dict[str, dict[str, float]] = {}
    total: dict[str, float] = {}
    for text, value in sorted(sums.items()):
        name, kind, what = parts(text) or ("", "", "")
        if kind == "state":
            ended.add_metric([name, what], value)
        elif kind == "le":
            buckets.setdefault(name, {})[what] = value
        elif kind == "sum":
            total[name] = value
    for name, counts in buckets.items():
        running, cumulated = 0.0, []
        for bound in (*map(str, TASK_BUCKETS), "+Inf"):
            running += counts.get(bound, 0.0)
            cumulated.append((bound, running))
        seconds.add_metric([name], cumulated, total.get(name, 0.0))
    return [ended, seconds]
