"""The protocols that steps may use; engines implement them, `slipway.testing` has in-memory ones.

Every method that talks to the world raises `Unreachable` when nothing answered, `Refused` when the answer was no, and
`UsageError` when what was asked for cannot be right.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Protocol

from slipway.command import Command, Result
from slipway.config.env_readers import Reader, Reading
from slipway.inventory.advisory import SourceAnswer
from slipway.inventory.package import Ecosystem, Inventory
from slipway.release.backup import Backup
from slipway.release.built import BuildRecord
from slipway.release.desired import DesiredDatabase, DesiredService, Variables
from slipway.release.inputs import Inputs
from slipway.release.observed import ObservedDatabase, ObservedPlatform, RunningContainer
from slipway.release.release import Release
from slipway.secret import Secret

Say = Callable[[str], None]
"""Takes one line of progress for a person."""


class Shell(Protocol):
    """Runs commands on one machine: this one, or a host over SSH."""

    @property
    def place(self) -> str:
        """The machine's name in messages: `this machine`, `root@host:22`."""

    def run(self, command: Command) -> Result:
        """Run and wait; a non-zero exit is a `Result`. Raises `Unreachable`: no connection, or past the deadline."""


@dataclass(frozen=True, slots=True)
class ContextPart:
    """A part of a build context: the files below `root` (a folder, or one file) appear below `prefix`.

    `ignore` holds .dockerignore patterns relative to `root`.
    """

    root: Path
    prefix: str = ""
    ignore: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ImageBuild:
    """One image to build. `dockerfile` is the path inside the context; `target` a stage or None for the last.

    With `no_cache` every step runs again: what a step downloads may be newer than what the cache has of it.
    """

    name: str
    context: tuple[ContextPart, ...]
    dockerfile: str
    tags: tuple[str, ...]
    target: str | None = None
    arguments: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    no_cache: bool = False


@dataclass(frozen=True, slots=True)
class BuildEvent:
    """Something that happened inside a build: a step's line, or its end.

    `step` is the builder's own name of it (`[dependencies 2/4] RUN pip install`), `seconds` its duration once it ended,
    `cached` whether it was not run at all, `text` one line of output.
    """

    WHOLE: ClassVar[str] = "image"
    """The step that stands for a whole image; it comes last."""
    FAILED: ClassVar[str] = "failed image"
    """In its place where the build failed, `text` saying why; what was cancelled with it has no such end."""

    build: str
    step: str
    text: str = ""
    seconds: float | None = None
    cached: bool = False


@dataclass(frozen=True, slots=True)
class BuiltImage:
    """An image in the engine: `id` is `sha256:...`, `size` bytes, `tags` its references.

    `history` are the commands that its layers were made with, as anybody who has the image can read them; `layers`
    their digests before compression, lowest first; `architecture` is the engine's word (`amd64`).
    """

    name: str
    id: str
    tags: tuple[str, ...]
    size: int
    labels: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    history: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()
    architecture: str = ""


@dataclass(frozen=True, slots=True)
class Pushed:
    """An image in its registry: `reference` is `repository@sha256:...` as the registry answered.

    `layers` counts the layers that were not there yet, `sent` their bytes before compression: what goes over the wire
    is less.
    """

    reference: str
    layers: int = 0
    sent: int = 0


class Images(Protocol):
    """Builds images and moves them."""

    def architecture(self) -> str:
        """Return what the engine builds for and runs (`amd64`)."""

    def read(self, builds: Sequence[ImageBuild]) -> Mapping[str, Inputs]:
        """Read what `builds` are made from; return image name -> inputs. A build that follows sends what was read."""

    def build(self, build: ImageBuild, tell: Callable[[BuildEvent], None]) -> BuiltImage:
        """Build one image. Raises `Refused` with the failing step and its last lines in `details`."""

    def build_all(
        self, builds: Sequence[ImageBuild], tell: Callable[[BuildEvent], None], at_once: int = 4
    ) -> tuple[BuiltImage, ...]:
        """Build independent images in parallel; the first failure is told, cancels the others and is raised."""

    def inspect(self, reference: str) -> BuiltImage | None:
        """Return the image or None when the engine does not have it."""

    def labelled(self, name: str, value: str, repository: str) -> BuiltImage | None:
        """Return the newest image with a label that has a tag of `repository`, None when the engine has none."""

    def fetch(self, reference: str, say: Say) -> BuiltImage | None:
        """Pull and return the image; None where its registry does not have it or does not answer, which is said.

        Raises `UsageError` where the registry wants another log-in.
        """

    def tag(self, reference: str, other: str) -> None:
        """Give an image a further name. Raises `UsageError` when the engine does not have it."""

    def cancel(self) -> None:
        """End what runs in other threads; it then raises `Refused`."""

    def push(self, reference: str, say: Say) -> Pushed:
        """Push what the registry does not have yet, telling how far it is."""


class ImageFiles(Protocol):
    """What is inside images, looked at without starting them."""

    def read(self, image: str, folder: str) -> Mapping[str, bytes]:
        """Return the files below `folder` by their path relative to it. Raises `Refused` where there is no such."""

    def untag(self, reference: str) -> None:
        """Take a name away from an image; nothing happens where the engine does not know it."""

    def discard(self, image: str) -> None:
        """Remove an image that has no name; one that is named, used or built upon stays."""


@dataclass(frozen=True, slots=True)
class OneOff:
    """A container that runs once and is removed: `variables` travel through the engine's API, never argv."""

    name: str
    image: str
    argv: tuple[str, ...]
    network: str | None = None
    variables: Variables = field(default_factory=dict, repr=False)
    labels: Mapping[str, str] = field(default_factory=dict)
    stdin: bytes | Secret | None = field(default=None, repr=False)
    user: str | None = None
    seconds: float = 300.0


class Containers(Protocol):
    """The engine of a host: what runs there, and one-off containers."""

    def pull(self, reference: str, say: Say) -> str:
        """Pull and return the image id. Raises `Refused` when the registry does not have it."""

    def run_once(self, one_off: OneOff, say: Say) -> Result:
        """Run to its end, tell its output line by line, remove it, also when interrupted."""

    def running(self, label: str) -> tuple[RunningContainer, ...]:
        """Return the containers (running or not) with `label` (`key=value`), newest first."""

    def logs(self, container: str, lines: int = 40) -> str:
        """Return the last lines a container wrote, both streams."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """One attempt of the platform to make a release live, as it ended: `status` is Coolify's word."""

    uuid: str
    status: str
    log: tuple[str, ...] = ()


class Platform(Protocol):
    """What runs services (Coolify). Bound to one project and one environment."""

    def require_abilities(self) -> None:
        """Raise before anything is changed when the token lacks what a deployment needs in its middle."""

    def observe(self) -> ObservedPlatform:
        """Read everything of this environment."""

    def create_database(self, desired: DesiredDatabase, say: Say) -> ObservedDatabase:
        """Create a database and start it; whether it comes up is seen on the host."""

    def create_service(self, desired: DesiredService, tag: str, say: Say) -> str:
        """Create an application (nothing starts) and return its uuid."""

    def configure(self, uuid: str, desired: DesiredService, say: Say) -> None:
        """Bring an application's settings in line with what is desired and read them back."""

    def set_variables(self, uuid: str, variables: Variables) -> tuple[str, ...]:
        """Make the application's variables exactly these, read them back, return the names that changed."""

    def deploy(self, uuid: str, tag: str, say: Say) -> Deployment:
        """Configure the tag, start a deployment, wait for its end. On failure the previous tag is configured again."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a URL answered: status, lower-case headers, body as text."""

    status: int
    headers: Mapping[str, str]
    body: str


class Web(Protocol):
    """Asks running things over HTTP(S) and WebSocket as a client from outside would."""

    def ask(
        self, method: str, url: str, *, json: object | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send one request without following redirects; the certificate is checked."""

    def first_message(self, url: str, seconds: float, *, origin: str | None = None) -> str:
        """Open a WebSocket and return the first text message that arrives within `seconds`.

        `origin` is the page that would open it (`https://admin.example.org`). Raises `Refused` when it may not.
        """


class HostState(Protocol):
    """`/data/slipway/<environment>/` on the host: history and releases, the same for every runner."""

    def history(self) -> tuple[str, ...]:
        """Return the release records (JSON lines), oldest first; empty before the first."""

    def record(self, line: str) -> None:
        """Append one release record, whole or not at all."""


class ReleaseStore(HostState, Protocol):
    """The host state with what belongs to a release beside its record."""

    def keep_release(self, release: Release, values: Mapping[str, Variables]) -> str:
        """Write the release and the values of its services (0600) to the host; return the folder's path there."""


class Lock(Protocol):
    """Who may change an environment; it lies on the host with a lease, so that a dead runner does not keep it."""

    @property
    def token(self) -> int | None:
        """The fencing token while the lock is held, greater than every earlier one."""

    def acquire(self) -> int:
        """Take the lock and return the token. Raises `Refused` naming who holds it and since when."""

    def prove(self) -> None:
        """Raise `PersonNeeded` when the lock is not ours any more; else its lease begins anew."""

    def release(self) -> None:
        """Give the lock back; nothing happens when it is not held."""


class BackupStore(Protocol):
    """`backups/` of the host state: one folder a backup, a manifest in each that is whole."""

    def backup_folder(self, backup_id: str) -> str:
        """Return the folder's path on the host, whether it exists or not."""

    def backups(self) -> tuple[Backup, ...]:
        """Return every whole backup, oldest first, from the manifests alone."""

    def keep_backup(self, backup: Backup) -> None:
        """Write a backup's manifest, whole or not at all; with the first one the dump gets its name."""


class BuildRecords(Protocol):
    """What the last build of each image was, so that the next one can tell what changed."""

    def last(self, image: str) -> BuildRecord | None:
        """Return the record of an image, None before the first or where it cannot be read."""

    def keep(self, image: str, record: BuildRecord) -> None:
        """Replace the record, whole or not at all."""


class Contents(Protocol):
    """Reads what an image holds without starting it."""

    def inventory(self, image: BuiltImage) -> Inventory:
        """Return the packages of an image."""

    def cancel(self) -> None:
        """End, from another thread, what `inventory` is at; it then raises `Unreachable`."""


class AdvisorySource(Protocol):
    """Somebody who knows of vulnerabilities in packages of some ecosystems."""

    name: str
    ecosystems: frozenset[Ecosystem]

    def ask(self, inventories: Sequence[Inventory], sboms: dict[str, Path]) -> SourceAnswer:
        """Ask about all packages of its ecosystems; `sboms` are the images' SBOMs by image. It has its own deadline."""

    def cancel(self) -> None:
        """End, from another thread, what `ask` has started: programs and containers. Must not wait for an answer."""


class EnvReader(Protocol):
    """A real program or package that reads env files."""

    @property
    def reader(self) -> Reader:
        """Which reader it is."""

    @property
    def stamp(self) -> str:
        """What changes when the program does; no process is started for it."""

    @property
    def program(self) -> str:
        """What answers, with its version. Raises `Unreachable` where it is not on this machine."""

    def read(self, files: Sequence[str]) -> list[Reading]:
        """Read each text as a file of its own, many in one process. Raises `Unreachable` without an answer."""
