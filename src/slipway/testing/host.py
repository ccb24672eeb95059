"""A host in memory: its shell, its engine, its state folder, the lock of an environment."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from slipway.command import Command, Result
from slipway.errors import PersonNeeded, Refused, SlipwayError, Unreachable
from slipway.ports import OneOff, Say
from slipway.release.desired import Variables
from slipway.release.observed import RunningContainer
from slipway.release.release import Release
from slipway.testing.failing import Failing

Said = tuple[int, str]
"""An exit code and what was printed."""


@dataclass(slots=True)
class FakeShell:
    """A machine that answers from a table and remembers what it was asked.

    `answers` maps the beginning of a command line to its output, or to an exit code and output, or to an error; the
    longest beginning that fits is taken. A command that fits none answers 127, as a shell would.
    """

    answers: dict[str, str | tuple[int, str] | SlipwayError] = field(default_factory=dict)
    place: str = "a machine that is not there"
    commands: list[Command] = field(default_factory=list)

    def run(self, command: Command) -> Result:
        """Answer from the table."""
        self.commands.append(command)
        line = command.line()
        for beginning in sorted(self.answers, key=len, reverse=True):
            if not line.startswith(beginning):
                continue
            answer = self.answers[beginning]
            if isinstance(answer, SlipwayError):
                raise answer
            code, text = answer if isinstance(answer, tuple) else (0, answer)
            return Result(command, code, text if code == 0 else "", "" if code == 0 else text)
        return Result(command, 127, "", f"{command.argv[0]}: not found")


class FakeContainers(Failing):
    """An engine in memory: `images` can be pulled (reference -> id), `answers` say what a one-off of a name ends with.

    `one_offs` keeps what was run; `containers` is what `running` searches, newest first.
    """

    def __init__(self, images: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self.images: dict[str, str] = dict(images or {})
        self.containers: list[RunningContainer] = []
        self.answers: dict[str, Said | Callable[[OneOff], Said]] = {}
        self.written: dict[str, str] = {}
        self.one_offs: list[OneOff] = []

    def pull(self, reference: str, say: Say) -> str:
        """Return the id of a known image."""
        self._called("pull", reference)
        if reference not in self.images:
            raise Refused(f"no registry has {reference}", where="fake engine")
        say(f"pulled {reference}")
        return self.images[reference]

    def run_once(self, one_off: OneOff, say: Say) -> Result:
        """Answer what `answers` has for its name; success without output where it has nothing."""
        self._called("run_once", one_off.name)
        self.one_offs.append(one_off)
        answer = self.answers.get(one_off.name, (0, ""))
        code, text = answer(one_off) if callable(answer) else answer
        for line in text.splitlines():
            say(line)
        return Result(Command(one_off.argv), code, text, "")

    def running(self, label: str) -> tuple[RunningContainer, ...]:
        """Return the containers with `key=value`."""
        key, _, value = label.partition("=")
        return tuple(one for one in self.containers if one.labels.get(key) == value)

    def logs(self, container: str, lines: int = 40) -> str:
        """Return what `written` has for a container's id or name."""
        if container not in self.written:
            raise Unreachable(f"no container {container}", where="fake engine")
        return "\n".join(self.written[container].splitlines()[-lines:])


@dataclass(slots=True)
class FakeState:
    """The host's state folder in memory: `records` is the history, `values` what was kept with each release's tag.

    `meanwhile` is a record that another run adds after each of ours.
    """

    records: list[str] = field(default_factory=list)
    values: dict[str, Mapping[str, Variables]] = field(default_factory=dict)
    meanwhile: str = ""

    def history(self) -> tuple[str, ...]:
        """Return the records, oldest first."""
        return tuple(self.records)

    def record(self, line: str) -> None:
        """Append one."""
        self.records += [line, *([self.meanwhile] if self.meanwhile else [])]

    def keep_release(self, release: Release, values: Mapping[str, Variables]) -> str:
        """Keep the values under the release's tag."""
        self.values[release.version.tag] = values
        return f"/state/releases/{release.version.tag}"


@dataclass(slots=True)
class FakeLock:
    """A lock in memory: `holder` is somebody else who has it, `said` lists what was called in order."""

    token: int | None = None
    holder: str = ""
    said: list[str] = field(default_factory=list)

    def acquire(self) -> int:
        """Take it unless `holder` has it."""
        if self.holder:
            raise Refused(f"the lock is held by {self.holder}", where="fake host")
        self.said.append("acquire")
        self.token = 1
        return self.token

    def prove(self) -> None:
        """Raise `PersonNeeded` when it is not ours, or was taken over by `holder`."""
        self.said.append("prove")
        if self.token is None or self.holder:
            raise PersonNeeded(f"the lock is held by {self.holder or 'nobody'}", where="fake host")

    def release(self) -> None:
        """Give it back."""
        self.said.append("release")
        self.token = None
