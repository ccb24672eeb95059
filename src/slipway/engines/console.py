"""Console: the one place that prints: live on a terminal, plain lines elsewhere, one JSON document for programs."""

import json
import re
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TextIO

from slipway.checks.issue import Issue, Severity
from slipway.engines.issue_table import counted, file_of, grouped
from slipway.errors import SlipwayError
from slipway.plan import Outcome, StepResult
from slipway.secret import Mask, masked

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

_MARK = {Outcome.DONE: "ok", Outcome.SKIPPED: "--", Outcome.FAILED: "FAILED", Outcome.UNDONE: "undone"}
# What other programs wrote may move the cursor, clear the screen or be no text: all but \t and \n goes.
_CONTROL = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[ -/]*[0-~]"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]"
)
_STYLE = {Outcome.DONE: "green", Outcome.SKIPPED: "dim", Outcome.FAILED: "bold red", Outcome.UNDONE: "yellow"}


class Console:
    """Tells a person or a program what happens; any thread may call it.

    `as_json` keeps stdout for one document and sends progress to stderr as plain lines. `verbose` shows every line of
    a step; without it a terminal shows the last one and a log the first words of each step. All text is masked, and
    loses the control characters that other programs put into it.
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
        # Replaced, never changed: the live display's thread reads it without the lock, which `close` holds while it
        # waits for that thread.
        self._running: dict[str, tuple[float, str]] = {}
        self._live: Live | None = None
        self._documented = False
        self._lock = threading.RLock()

    @property
    def _progress(self) -> TextIO:
        return self._err if self.as_json else self._out

    def say(self, text: str) -> None:
        """Print one line for a person (stderr when stdout belongs to a program)."""
        self._emit(text)

    def started(self, name: str) -> None:
        """`name` begins; a terminal shows it with a running clock."""
        with self._lock:
            self._running = {**self._running, name: (time.monotonic(), "")}
            if self._progress.isatty():
                self._show_live()
            else:
                self._emit(f"   {name} ...")

    def line(self, name: str, text: str) -> None:
        """One line of what happens inside `name`."""
        text = self._clean(text.rstrip())
        with self._lock:
            if name in self._running:
                last = text.rpartition("\n")[2]
                self._running = {**self._running, name: (self._running[name][0], last)}
            if self.verbose:
                self._emit(f"     {name} | {text}")

    def ended(self, result: StepResult) -> None:
        """Show how a step ended, how long it took and what was observed."""
        mark = _MARK[result.outcome]
        observed = f"  {result.observed}" if result.observed else ""
        with self._lock:
            self._running = {name: shown for name, shown in self._running.items() if name != result.name}
            self._emit(f"{mark:>6} {result.name} ({result.seconds:.1f} s){observed}", style=_STYLE[result.outcome])
            if not self._running:
                self.close()

    def plan(self, title: str, lines: Iterable[str]) -> None:
        """Show a plan before it is carried out."""
        self._emit(title)
        for number, line in enumerate(lines, 1):
            self._emit(f"{number:>4}. {line}")

    def issues(self, issues: Iterable[Issue], looked_at: str = "") -> None:
        """Show the findings of a check, a table by file on a terminal, else a line each, errors first; then counts.

        `looked_at` says what was looked at, so that an empty list is no silence.
        """
        order = list(Severity)
        listed = sorted(issues, key=lambda issue: (order.index(issue.severity), file_of(issue)))
        if self._progress.isatty():
            for line, style in grouped(listed):
                self._emit(line, style=style)
        else:
            for issue in listed:
                self._emit(f"{issue.severity:>7} {issue.where}: {issue.message} [{issue.id}]")
                if issue.hint:
                    self._emit(f"        -> {issue.hint}")
        self._emit(counted(listed) + (f"; {looked_at}" if looked_at else ""))

    def lines(self, lines: Iterable[str]) -> None:
        """Print lines for a program on stdout, masked; they hold no control characters already."""
        with self._lock:
            self.close()
            for line in lines:
                _write(self._out, self._clean(line))

    def table(self, header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
        """Print aligned columns."""
        grid = [tuple(self._clean(cell) for cell in row) for row in (header, *rows)]
        widths = [max(len(row[column]) for row in grid) for column in range(len(header))]
        for row in grid:
            self._emit("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())

    def document(self, value: Mapping[str, Any]) -> None:
        """Print the one JSON document of a `--format json` run; a second (an error's, on the way out) is dropped."""
        with self._lock:
            self.close()
            if self._documented and self.as_json:
                return
            self._documented = True
            _write(self._out, json.dumps(masked(value, self.mask), indent=2))

    def error(self, error: SlipwayError) -> None:
        """Print an expected error on stderr."""
        with self._lock:
            self.close()
            _write(self._err, self._clean(str(error)))

    def confirm(self, question: str) -> bool:
        """Ask a yes-or-no question on a terminal; without one the answer is no."""
        self.close()
        if not sys.stdin.isatty():
            return False
        print(f"{self._clean(question)} [y/N] ", end="", file=self._err, flush=True)
        return sys.stdin.readline().strip().lower() in {"y", "yes"}

    def close(self) -> None:
        """End the live display; harmless without one."""
        with self._lock:
            live, self._live = self._live, None
            if live is not None:
                live.stop()

    def _clean(self, text: str) -> str:
        return self.mask(_CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n")))

    def _emit(self, text: str, style: str = "") -> None:
        text = self._clean(text)
        # A reader that went away (a closed pager, a lost terminal) must not fail the deployment it watched.
        with self._lock, suppress(OSError):
            if self._live is not None:
                from rich.text import Text

                self._live.console.print(Text(text, style=style), soft_wrap=True)
            elif style and self._progress.isatty():
                from rich.console import Console as RichConsole
                from rich.text import Text

                RichConsole(file=self._progress).print(Text(text, style=style), soft_wrap=True)
            else:
                _write(self._progress, text)

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
        return Group(
            *(
                Text.assemble(
                    (f"   ... {self._clean(name)} ", "cyan"),
                    f"{now - begin:5.1f} s  ",
                    (last, "dim"),
                    no_wrap=True,
                    overflow="ellipsis",
                )
                for name, (begin, last) in self._running.items()
            )
        )


def _write(stream: TextIO, text: str) -> None:
    """Write one whole line; what the stream's encoding does not have is shown by its number."""
    try:
        stream.write(f"{text}\n")
    except UnicodeEncodeError as error:
        stream.write(text.encode(error.encoding, "backslashreplace").decode(error.encoding) + "\n")
    stream.flush()
