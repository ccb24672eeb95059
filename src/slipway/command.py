"""Command: a program call as a value; Result: what came of it."""

import shlex
from dataclasses import dataclass, field

from slipway.errors import Unreachable
from slipway.secret import Secret


@dataclass(frozen=True, slots=True)
class Command:
    """One program call. `argv` are the words, never a shell string; `stdin` travels outside argv and may be secret.

    `seconds` is the deadline; a command that outlives it is ended and raises `Unreachable`.
    """

    argv: tuple[str, ...]
    stdin: bytes | Secret | None = field(default=None, repr=False)
    seconds: float = 60.0

    def line(self) -> str:
        """Return the words as one POSIX shell line."""
        return shlex.join(self.argv)

    def input_bytes(self) -> bytes | None:
        """Return what goes to standard input, revealed."""
        return self.stdin.reveal().encode() if isinstance(self.stdin, Secret) else self.stdin


def command(*argv: str, stdin: bytes | Secret | None = None, seconds: float = 60.0) -> Command:
    """Build a `Command` from words."""
    return Command(argv, stdin, seconds)


@dataclass(frozen=True, slots=True)
class Result:
    """What a command said: exit code and both streams, decoded as UTF-8 with replacement."""

    command: Command
    code: int
    stdout: str
    stderr: str

    @property
    def ok(self) -> bool:
        """Whether the exit code was 0."""
        return self.code == 0

    def checked(self, *, where: str, hint: str = "") -> "Result":
        """Return self, or raise `Unreachable` naming the command and its last lines."""
        if self.ok:
            return self
        tail = tuple((self.stderr or self.stdout).strip().splitlines()[-8:])
        raise Unreachable(f"`{self.command.line()[:200]}` answered {self.code}", where=where, hint=hint, details=tail)
