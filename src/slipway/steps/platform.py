"""Acts on the platform: databases and services created, configured, given their variables, deployed.

Whatever is created stays when a later step fails: the next run finds it and goes on. Variables and releases are taken
back.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from slipway.errors import Refused, SlipwayError, Unreachable, UsageError
from slipway.ports import Containers, Platform, Say
from slipway.release.desired import DesiredDatabase, DesiredService, Variables
from slipway.secret import Secret


@dataclass(slots=True)
class CreateDatabase:
    """Creates and starts a database; starts one that exists and does not run. `AwaitDatabase` waits for it."""

    platform: Platform
    desired: DesiredDatabase
    exists: bool = False

    @property
    def name(self) -> str:
        """`create database postgres`."""
        return f"{'start' if self.exists else 'create'} database {self.desired.name}"

    def describe(self) -> str:
        """Name engine and image."""
        return f"{self.desired.engine} from {self.desired.image}"

    def run(self, say: Say) -> str:
        """Create and start it."""
        return f"started as {self.platform.create_database(self.desired, say).uuid}"

    def undo(self) -> bool:
        """Never: a database may hold data."""
        return False


@dataclass(slots=True)
class AwaitDatabase:
    """Waits until the host's engine shows a database's container healthy (running, where it has no check)."""

    platform: Platform
    containers: Containers
    database: str
    seconds: float = 180.0
    pause: float = 0.5

    @property
    def name(self) -> str:
        """`await database postgres`."""
        return f"await database {self.database}"

    def describe(self) -> str:
        """Say what is waited for."""
        return f"healthy on the host within {self.seconds:.0f} s"

    def run(self, say: Say) -> str:
        """Wait. Raises `Refused` with the container's last lines when it does not come up."""
        uuid = self.platform.observe().databases[self.database].uuid
        deadline, last = time.monotonic() + self.seconds, ""
        while True:
            found = next((c for c in self.containers.running("coolify.type=database") if c.name == uuid), None)
            state = f"{found.state} {found.health}".strip() if found else "not there yet"
            if state in {"running", "running healthy"}:
                return f"container {uuid} is {state}"
            if state != last:
                say(f"container {uuid} is {state}")
                last = state
            if time.monotonic() > deadline:
                lines = tuple(self.containers.logs(uuid, 8).splitlines()) if found else ()
                raise Refused(
                    f"was started and is {state} after {self.seconds:.0f} s",
                    where=f"database {self.database}",
                    hint="can the host pull its image? See its Logs page in Coolify",
                    details=lines,
                )
            time.sleep(self.pause)

    def undo(self) -> bool:
        """Nothing was changed."""
        return False


@dataclass(slots=True)
class CreateService:
    """Creates an application and configures it; nothing starts before its deployment."""

    platform: Platform
    desired: DesiredService
    tag: str

    @property
    def name(self) -> str:
        """`create api`."""
        return f"create {self.desired.name}"

    def describe(self) -> str:
        """Name image and settings."""
        return f"{self.desired.repository}:{self.tag}, {_settings(self.desired)}"

    def run(self, say: Say) -> str:
        """Create, configure, read back."""
        uuid = self.platform.create_service(self.desired, self.tag, say)
        self.platform.configure(uuid, self.desired, say)
        return f"{uuid} reads back as configured"

    def undo(self) -> bool:
        """Not needed: an application that was never deployed runs nothing."""
        return False


@dataclass(slots=True)
class ConfigureService:
    """Brings an existing application's settings in line; `changes` says from what to what."""

    platform: Platform
    desired: DesiredService
    uuid: str
    changes: tuple[str, ...]

    @property
    def name(self) -> str:
        """`configure api`."""
        return f"configure {self.desired.name}"

    def describe(self) -> str:
        """List the changes."""
        return "; ".join(self.changes)

    def run(self, say: Say) -> str:
        """Configure and read back."""
        self.platform.configure(self.uuid, self.desired, say)
        return "reads back as configured"

    def undo(self) -> bool:
        """Not needed: settings reach containers with a deployment only."""
        return False


@dataclass(slots=True)
class SetVariables:
    """Makes a service's variables exactly these. `previous` are the ones to put back."""

    platform: Platform
    service: str
    uuid: str
    variables: Variables = field(repr=False)
    previous: Mapping[str, str] = field(repr=False)
    _touched: bool = field(default=False, init=False)

    @property
    def name(self) -> str:
        """`variables api`."""
        return f"variables {self.service}"

    def describe(self) -> str:
        """Name what changes, never a value."""
        return _names(changed_names(self.variables, self.previous))

    def run(self, say: Say) -> str:
        """Set and read back."""
        self._touched = True
        changed = self.platform.set_variables(self.uuid, self.variables)
        say(_names(changed))
        return f"{len(self.variables)} variables read back, {len(changed)} changed"

    def undo(self) -> bool:
        """Put the previous variables back."""
        if not self._touched:
            return False
        self.platform.set_variables(self.uuid, _secret_again(self.previous, self.variables))
        return True


@dataclass(slots=True)
class PullImage:
    """Pulls an image on the host before a deployment that stops the old container first.

    Without it a pull that fails would leave the service down.
    """

    containers: Containers
    service: str
    reference: str

    @property
    def name(self) -> str:
        """`pull beat`."""
        return f"pull {self.service}"

    def describe(self) -> str:
        """Name the image."""
        return self.reference

    def run(self, say: Say) -> str:
        """Pull."""
        return f"the host has {self.containers.pull(self.reference, say)}"

    def undo(self) -> bool:
        """Not needed."""
        return False


@dataclass(slots=True)
class DeployService:
    """Makes the platform run `tag`. `previous_tag` is the one that ran before, None where nothing that is known did.

    Going back means variables first, then the previous tag: a release is both.
    """

    platform: Platform
    desired: DesiredService
    uuid: str
    tag: str
    previous_tag: str | None
    variables: Variables = field(repr=False)
    previous_variables: Mapping[str, str] = field(repr=False)
    _must_go_back: bool = field(default=False, init=False)

    @property
    def name(self) -> str:
        """`deploy api`."""
        return f"deploy {self.desired.name}"

    def describe(self) -> str:
        """Say from which tag to which."""
        how = "" if self.desired.rolling else ", the old container is stopped first"
        return f"{self.previous_tag or 'nothing'} -> {self.tag}{how}"

    def run(self, say: Say) -> str:
        """Deploy and wait for the end."""
        # An interrupt may leave a new container beside the old one: only a deployment of the previous tag removes it.
        self._must_go_back = True
        try:
            deployment = self.platform.deploy(self.uuid, self.tag, say)
        except SlipwayError as error:
            # A rolling update that failed left the old container serving; otherwise it was stopped before.
            self._must_go_back = not self.desired.rolling and not isinstance(error, Unreachable | UsageError)
            raise
        return f"the platform says {deployment.status} ({deployment.uuid})"

    def undo(self) -> bool:
        """Put the previous variables and the previous tag back, deployed."""
        if not self._must_go_back or self.previous_tag is None:
            return False
        self.platform.set_variables(self.uuid, _secret_again(self.previous_variables, self.variables))
        self.platform.deploy(self.uuid, self.previous_tag, lambda _line: None)
        self._must_go_back = False
        return True


def changed_names(variables: Variables, current: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names that are new, other or gone."""
    plain = {name: value.reveal() if isinstance(value, Secret) else value for name, value in variables.items()}
    return tuple(sorted(name for name in {*plain, *current} if plain.get(name) != current.get(name)))


def _secret_again(values: Mapping[str, str], variables: Variables) -> Variables:
    # What is a secret today was one before; its old value has to be masked as well.
    return {name: Secret(value) if isinstance(variables.get(name), Secret) else value for name, value in values.items()}


def _names(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
    return f"{len(names)} changed: {shown}" if names else "none changed"


def _settings(desired: DesiredService) -> str:
    return ", ".join(f"{name} {value}" for name, value in desired.settings.items() if value and name != "image")
