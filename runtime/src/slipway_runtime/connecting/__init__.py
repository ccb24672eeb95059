"""What `slipway_runtime.connect` asks, one service a file: each question returns what is wrong, and a few facts."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that is wrong: the last part of its id, what is wrong (never a value), the way out, how bad it is."""

    kind: str
    message: str
    hint: str = ""
    severity: str = "error"


@dataclass(frozen=True, slots=True)
class Said:
    """What one service said: what is wrong, and facts that others count with (`max_connections`)."""

    found: tuple[Found, ...] = ()
    facts: dict[str, str | int] = field(default_factory=dict)


def shown(error: BaseException) -> str:
    """Return an error for a message: its class and the first line of what it says."""
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0][:1000]}" if lines[0] else type(error).__name__
