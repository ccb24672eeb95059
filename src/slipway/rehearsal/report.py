"""The rehearsal's report: every step with what was observed, written also when it failed or was interrupted."""

import json
import platform
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from slipway.errors import SlipwayError, Unreachable
from slipway.plan import Outcome, Progress, StepResult
from slipway.ports import Say
from slipway.secret import Mask, masked

Value = TypeVar("Value")


@dataclass(slots=True)
class Recorder:
    """Runs the stages of a rehearsal one after another and keeps what each showed.

    `expected` names the stages without which the rehearsal is not whole, so that one interrupted between two stages is
    no success; `mask` hides secrets in everything that the report says.
    """

    progress: Progress
    results: list[StepResult] = field(default_factory=list)
    facts: dict[str, object] = field(default_factory=dict)
    mask: Mask = field(default_factory=Mask)
    expected: tuple[str, ...] = ()
    _begin: float = field(default_factory=time.monotonic)

    def stage(self, name: str, act: Callable[[Say], tuple[Value, str]]) -> Value:
        """Run one stage; `act` returns its value and what was observed by another route. Errors pass through."""
        self.progress.started(name)
        begin = time.monotonic()
        try:
            value, observed = act(lambda text: self.progress.line(name, text))
        except BaseException as error:
            words = error.message if isinstance(error, SlipwayError) else type(error).__name__
            self._ended(StepResult(name, Outcome.FAILED, time.monotonic() - begin, words))
            raise
        self._ended(StepResult(name, Outcome.DONE, time.monotonic() - begin, observed))
        return value

    def _ended(self, result: StepResult) -> None:
        self.results.append(result)
        self.progress.ended(result)

    def document(self) -> dict[str, object]:
        """Return the report as the JSON contract has it (design §4), with the facts of this rehearsal."""
        whole = set(self.expected) <= {result.name for result in self.results}
        return {
            **self.facts,
            "ok": whole and bool(self.results) and all(r.outcome is Outcome.DONE for r in self.results),
            "seconds": round(time.monotonic() - self._begin, 3),
            "machine": f"{platform.system()} {platform.machine()}",
            "steps": [result.as_json() for result in self.results],
        }

    def write(self, folder: Path) -> Path:
        """Write `report.json` below a folder named after the time; return the file. Raises `Unreachable`: no space."""
        home = folder / datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        partial, path = home / "report.json.partial", home / "report.json"
        text = json.dumps(masked(self.document(), self.mask), indent=2) + "\n"
        try:
            home.mkdir(parents=True, exist_ok=True)
            partial.write_text(text, encoding="utf-8")
            partial.replace(path)
        except OSError as error:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
            raise Unreachable(f"the report cannot be written: {error.strerror}", where=str(path)) from error
        return path
