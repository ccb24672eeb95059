"""What a plan is carried out with: time, a listener, steps."""

from collections.abc import Callable
from dataclasses import dataclass, field

from slipway.plan import StepResult
from slipway.ports import Say


@dataclass(slots=True)
class Clock:
    """A clock that stands still until somebody sleeps: `now` and `sleep` in seconds, `slept` lists every wait."""

    seconds: float = 0.0
    slept: list[float] = field(default_factory=list)

    def now(self) -> float:
        """Return the seconds since the start."""
        return self.seconds

    def sleep(self, seconds: float) -> None:
        """Move on at once."""
        self.slept.append(seconds)
        self.seconds += seconds


@dataclass(slots=True)
class Lines:
    """Collects what a person would be told: a `Say`, and a `Progress` for an `Execution`."""

    lines: list[str] = field(default_factory=list)
    results: list[StepResult] = field(default_factory=list)

    def __call__(self, text: str) -> None:
        """Note a line."""
        self.lines.append(text)

    @property
    def text(self) -> str:
        """Everything said, one line each."""
        return "\n".join(self.lines)

    def started(self, name: str) -> None:
        """Note the step."""
        self.lines.append(f"{name} ...")

    def line(self, name: str, text: str) -> None:
        """Note the line."""
        self.lines.append(f"{name}: {text}")

    def ended(self, result: StepResult) -> None:
        """Keep the result."""
        self.results.append(result)


@dataclass(slots=True)
class FakeStep:
    """A step that runs a function (or nothing) and remembers what happened to it: `ran`, `undone`."""

    name: str
    act: Callable[[Say], str] = lambda _say: "done"
    takes_back: bool = True
    ran: int = 0
    undone: int = 0

    def describe(self) -> str:
        """Say its name."""
        return f"act as {self.name}"

    def run(self, say: Say) -> str:
        """Run the function."""
        self.ran += 1
        return self.act(say)

    def undo(self) -> bool:
        """Count, and answer `takes_back`."""
        self.undone += 1
        return self.takes_back
