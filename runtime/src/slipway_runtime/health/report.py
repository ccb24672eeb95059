"""The report: every check at the same time, each with a deadline, and what is two seconds old is told again."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from slipway_runtime import release
from slipway_runtime.deadline import Answer, Question
from slipway_runtime.health.checks import Bad, Check, Facts
from slipway_runtime.redaction import Redactor

SCHEMA = 1
"""Raised when a field changes its meaning or goes; new fields may come at any time."""

_STALE = 30.0  # seconds; so old a report is not told while a new one is made
_LONGEST_MESSAGE = 300


@dataclass(frozen=True, slots=True)
class Report:
    """What was found, and when by the monotonic clock."""

    body: dict[str, Any]
    made: float

    @property
    def status(self) -> str:
        """`ok`, `degraded` or `failing`."""
        return str(self.body["status"])

    @property
    def http_status(self) -> int:
        """503 when a critical check failed: only then should traffic stay away."""
        return 503 if self.status == "failing" else 200


class Reporter:
    """Makes reports, one at a time and at most one every `keep` seconds, however many ask."""

    def __init__(
        self, checks: Callable[[], Sequence[Check]], redactor: Redactor, deadline: float = 2.0, keep: float = 2.0
    ) -> None:
        self._checks, self._redactor, self._deadline, self._keep = checks, redactor, deadline, keep
        self._questions: list[tuple[Check, Question[Facts]]] | None = None
        self._making = threading.Lock()
        self._last: Report | None = None

    def fresh(self) -> Report | None:
        """Return the last report if it need not be made anew; never waits."""
        last = self._last
        if last is None:
            return None
        age = time.monotonic() - last.made
        # Whoever comes while another one makes it is told the last one instead of waiting in a thread.
        return last if age < self._keep or (age < _STALE and self._making.locked()) else None

    def report(self) -> Report:
        """Return a report no older than `keep`, made now if need be; takes the deadline at most."""
        if (last := self.fresh()) is not None:
            return last
        with self._making:
            if self._last is None or time.monotonic() - self._last.made >= self._keep:
                self._last = self._make()
            return self._last

    def _make(self) -> Report:
        if self._questions is None:
            self._questions = [(check, Question(check.ask)) for check in self._checks()]
        for _, question in self._questions:
            question.begin()
        until = time.monotonic() + self._deadline
        found = {check.name: self._told(check, question.answer(until)) for check, question in self._questions}
        bad = [one for one in found.values() if one["status"] != "ok"]
        status = "failing" if any(one["critical"] for one in bad) else "degraded" if bad else "ok"
        body = {
            "schema": SCHEMA,
            "status": status,
            "time": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "version": release.version(),
            "revision": release.revision(),
            "checks": found,
        }
        return Report(body, time.monotonic())

    def _told(self, check: Check, answer: Answer[Facts]) -> dict[str, Any]:
        told: dict[str, Any] = {
            "status": "ok" if answer.value is not None else "failing",
            "critical": check.critical,
            "latency_ms": round(answer.seconds * 1000, 1),
        }
        if answer.late:
            told["message"] = f"no answer within {answer.seconds:.1f} s"
        elif isinstance(answer.error, Bad):
            told["message"] = self._redactor.text(str(answer.error), _LONGEST_MESSAGE)
        elif answer.error is not None:
            first = (str(answer.error).strip().splitlines() or [""])[0]
            told["message"] = self._redactor.text(f"{type(answer.error).__name__}: {first}", _LONGEST_MESSAGE)
        facts = answer.error.facts if isinstance(answer.error, Bad) else answer.value
        if facts:
            told["facts"] = self._redactor.value(facts)
        return told
