"""In-memory ports: what Slipway's own tests use, shipped so that a workspace can test its steps and plans too.

    platform = FakePlatform()
    plan = provision_plan(databases, services, platform.observe(), platform, tag="1.0.0")
    Execution(Lines()).run(plan)
    assert platform.services["api"].tag == "1.0.0"

None of them touches the world, and each can be told to fail: `platform.failures["deploy", "api"] = Refused("no")`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from slipway.command import Command, Result
from slipway.errors import Refused, SlipwayError, Unreachable
from slipway.plan import StepResult
from slipway.ports import Deployment, OneOff, Say
from slipway.release.desired import DesiredDatabase, DesiredService, Variables
from slipway.release.observed import ObservedDatabase, ObservedPlatform, ObservedService, RunningContainer
from slipway.secret import Secret


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


class _Failing:
    """Raises what a test put into `failures` under (method, name), every time."""

    def __init__(self) -> None:
        self.failures: dict[tuple[str, str], BaseException] = {}
        self.calls: list[tuple[str, str]] = []

    def _called(self, method: str, name: str) -> None:
        self.calls.append((method, name))
        failure = self.failures.get((method, name))
        if failure is not None:
            raise failure


class FakePlatform(_Failing):
    """A platform in memory: databases run once created, a deployment finishes at once.

    `engine` shows the databases' containers, `services` and `databases` are what `observe` answers, `calls` has every
    changing call as (method, service name),
    `failures` what a call raises, `deployed` the (service, tag) pairs that finished, in order.
    """

    def __init__(self, project: str = "fake", engine: "FakeContainers | None" = None) -> None:
        super().__init__()
        self.engine = engine or FakeContainers()
        self.project = project
        self.databases: dict[str, ObservedDatabase] = {}
        self.services: dict[str, ObservedService] = {}
        self.deployed: list[tuple[str, str]] = []

    def require_abilities(self) -> None:
        """The token may do everything here, unless `failures` has an error under ("require_abilities", "")."""
        if failure := self.failures.get(("require_abilities", "")):
            raise failure

    def observe(self) -> ObservedPlatform:
        """Return copies of what there is."""
        known = self.project if self.databases or self.services else None
        return ObservedPlatform(known, dict(self.databases), dict(self.services))

    def create_database(self, desired: DesiredDatabase, say: Say) -> ObservedDatabase:
        """Create it running; its uuid is its name."""
        self._called("create_database", desired.name)
        url = Secret(f"{desired.engine}://{desired.user}:{desired.password.reveal()}@{desired.name}/{desired.database}")
        database = ObservedDatabase(desired.name, desired.name, "running:healthy", url, desired.image)
        self.databases[desired.name] = database
        labels = {"coolify.type": "database"}
        self.engine.containers.append(
            RunningContainer(desired.name, desired.name, desired.image, "sha256:0", "running", "healthy", labels)
        )
        say(f"database {desired.name} runs")
        return database

    def create_service(self, desired: DesiredService, tag: str, say: Say) -> str:
        """Create it, not started; its uuid is `uuid-<name>`."""
        self._called("create_service", desired.name)
        uuid = f"uuid-{desired.name}"
        self.services[desired.name] = ObservedService(desired.name, uuid, tag, "exited")
        say(f"service {desired.name} exists")
        return uuid

    def configure(self, uuid: str, desired: DesiredService, say: Say) -> None:
        """Take the settings over."""
        service = self._service(uuid)
        self._called("configure", service.name)
        self.services[service.name] = replace(service, domain=desired.domain, settings=desired.settings)
        say(f"service {service.name} is configured")

    def set_variables(self, uuid: str, variables: Variables) -> tuple[str, ...]:
        """Take the variables over and return the names that changed."""
        service = self._service(uuid)
        self._called("set_variables", service.name)
        new = {name: value.reveal() if isinstance(value, Secret) else value for name, value in variables.items()}
        old = service.variables
        self.services[service.name] = replace(service, variables=new)
        return tuple(sorted(name for name in {*old, *new} if old.get(name) != new.get(name)))

    def deploy(self, uuid: str, tag: str, say: Say) -> Deployment:
        """Finish at once; a failure from `failures` leaves the tag as it was."""
        service = self._service(uuid)
        self._called("deploy", service.name)
        self.services[service.name] = replace(service, tag=tag, status="running:healthy")
        self.deployed.append((service.name, tag))
        say(f"{service.name}: finished")
        return Deployment(f"deployment-{len(self.deployed)}", "finished")

    def _service(self, uuid: str) -> ObservedService:
        for service in self.services.values():
            if service.uuid == uuid:
                return service
        raise Refused(f"no application {uuid}", where="fake platform")


class FakeContainers(_Failing):
    """An engine in memory: `images` can be pulled (reference -> id), `answers` say what a one-off's name results in.

    `one_offs` keeps what was run; `containers` is what `running` searches, newest first.
    """

    def __init__(self, images: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self.images: dict[str, str] = dict(images or {})
        self.containers: list[RunningContainer] = []
        self.answers: dict[str, tuple[int, str]] = {}
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
        code, text = self.answers.get(one_off.name, (0, ""))
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
    """The host's state folder in memory."""

    records: list[str] = field(default_factory=list)

    def history(self) -> tuple[str, ...]:
        """Return the records, oldest first."""
        return tuple(self.records)

    def record(self, line: str) -> None:
        """Append one."""
        self.records.append(line)


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
