"""Console: the one place that prints: live on a terminal, plain lines elsewhere, one JSON document for programs."""

import json
import sys
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TextIO

from slipway.checks.issue import Issue, Severity
from slipway.errors import SlipwayError
from slipway.plan import Outcome, StepResult
from slipway.secret import Mask

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

_MARK = {Outcome.DONE: "ok", Outcome.SKIPPED: "--", Outcome.FAILED: "FAILED", Outcome.UNDONE: "undone"}
_STYLE = {Outcome.DONE: "green", Outcome.SKIPPED: "dim", Outcome.FAILED: "bold red", Outcome.UNDONE: "yellow"}


class Console:
    """Tells a person or a program what happens.

    `as_json` keeps stdout for one document at the very end and sends progress to stderr as plain lines. `verbose` shows
    every line of a step; without it a terminal shows the last one and a log the first words of each step.
    """

    def __init__(
        self,
        *,
        as_json: bool = False,
        verbose: bool = False,
        mask: Mask | None = None,
        out: TextIO | None = None,
        err: TextIO | None = None,
    ) -> None:
        self.as_json = as_json
        self.verbose = verbose
        self.mask = mask or Mask()
        self._out = out or sys.stdout
        self._err = err or sys.stderr
        self._running: dict[str, tuple[float, str]] = {}
        self._live: Live | None = None

    @property
    def _progress(self) -> TextIO:
        return self._err if self.as_json else self._out

    def say(self, text: str) -> None:
        """Print one line for a person (stderr when stdout belongs to a program)."""
        self._emit(self.mask(text))

    def started(self, name: str) -> None:
        """`name` begins; a terminal shows it with a running clock."""
        self._running[name] = (time.monotonic(), "")
        if self._progress.isatty():
            self._show_live()
        else:
            self._emit(f"   {name} ...")

    def line(self, name: str, text: str) -> None:
        """One line of what happens inside `name`."""
        text = self.mask(text.rstrip())
        if name in self._running:
            self._running[name] = (self._running[name][0], text)
        if self.verbose:
            self._emit(f"     {name} | {text}")

    def ended(self, result: StepResult) -> None:
        """Show how a step ended, how long it took and what was observed."""
        self._running.pop(result.name, None)
        mark = _MARK[result.outcome]
        observed = f"  {self.mask(result.observed)}" if result.observed else ""
        text = f"{mark:>6} {result.name} ({result.seconds:.1f} s){observed}"
        self._emit(text, style=_STYLE[result.outcome])
        if not self._running:
            self.close()

    def plan(self, title: str, lines: Iterable[str]) -> None:
        """Show a plan before it is carried out."""
        self._emit(title)
        for number, line in enumerate(lines, 1):
            self._emit(f"{number:>4}. {self.mask(line)}")

    def issues(self, issues: Iterable[Issue]) -> None:
        """Show the findings of a check, errors first, as `where  severity  message  (id)` and the way out below."""
        order = list(Severity)
        listed = sorted(issues, key=lambda issue: (order.index(issue.severity), issue.where))
        for issue in listed:
            style = {"error": "bold red", "warning": "yellow", "info": "dim"}[issue.severity]
            self._emit(self.mask(f"{issue.severity:>7} {issue.where}: {issue.message} [{issue.id}]"), style=style)
            if issue.hint:
                self._emit(self.mask(f"        -> {issue.hint}"))
        counts = {s: sum(i.severity is s for i in listed) for s in Severity}
        self._emit(", ".join(f"{n} {s}{'' if n == 1 or s is Severity.INFO else 's'}" for s, n in counts.items()))

    def table(self, header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
        """Print aligned columns."""
        grid = [header, *rows]
        widths = [max(len(row[column]) for row in grid) for column in range(len(header))]
        for row in grid:
            self._emit("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())

    def document(self, value: Mapping[str, Any]) -> None:
        """Print the one JSON document of a `--format json` run."""
        self.close()
        print(self.mask(json.dumps(value, indent=2, default=str)), file=self._out)

    def error(self, error: SlipwayError) -> None:
        """Print an expected error on stderr."""
        self.close()
        print(self.mask(str(error)), file=self._err)

    def close(self) -> None:
        """End the live display; harmless without one."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _emit(self, text: str, style: str = "") -> None:
        if self._live is not None:
            from rich.text import Text

            self._live.console.print(Text(text, style=style))
        elif style and self._progress.isatty():
            from rich.console import Console as RichConsole
            from rich.text import Text

            RichConsole(file=self._progress).print(Text(text, style=style))
        else:
            print(text, file=self._progress, flush=True)

    def _show_live(self) -> None:
        if self._live is None:
            from rich.console import Console as RichConsole
            from rich.live import Live

            terminal = RichConsole(file=self._progress)
            self._live = Live(console=terminal, get_renderable=self._renderable, refresh_per_second=8, transient=True)
            self._live.start()

    def _renderable(self) -> "RenderableType":
        from rich.console import Group
        from rich.text import Text

        now = time.monotonic()
        rows = list(self._running.items())
        return Group(
            *(
                Text.assemble((f"   ... {name} ", "cyan"), f"{now - begin:5.1f} s  ", (last, "dim"), no_wrap=True)
                for name, (begin, last) in rows
            )
        )
