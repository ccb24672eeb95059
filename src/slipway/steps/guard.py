"""Steps around a change: take the environment's lock, give it back, write the release down."""

from collections.abc import Mapping
from dataclasses import dataclass

from slipway.errors import PersonNeeded
from slipway.ports import Lock, ReleaseStore, Say
from slipway.release.desired import Variables
from slipway.release.release import Release


@dataclass(frozen=True, slots=True)
class AcquireLock:
    """Takes the lock of an environment; when the plan fails later, gives it back."""

    lock: Lock
    name: str = "lock"

    def describe(self) -> str:
        """Say what `run` does."""
        return "take the environment's lock on its host"

    def run(self, say: Say) -> str:
        """Take the lock, then prove that it is ours. Raises `Refused` naming who holds it."""
        token = self.lock.acquire()
        say(f"token {token}")
        self.lock.prove()
        return f"held, token {token}"

    def undo(self) -> bool:
        """Give the lock back."""
        held = self.lock.token is not None
        self.lock.release()
        return held


@dataclass(frozen=True, slots=True)
class ReleaseLock:
    """Gives the lock back at the end of a plan."""

    lock: Lock
    name: str = "unlock"

    def describe(self) -> str:
        """Say what `run` does."""
        return "give the environment's lock back"

    def run(self, say: Say) -> str:  # noqa: ARG002 - nothing to tell
        """Give the lock back."""
        self.lock.release()
        return "free"

    def undo(self) -> bool:
        """Return False: a lock that was given back may be another's by now."""
        return False


@dataclass(frozen=True, slots=True)
class RecordRelease:
    """Writes the release to the host: its record into the history, record and values into its own folder.

    `values` maps each service to the variables it was deployed with.
    """

    store: ReleaseStore
    release: Release
    values: Mapping[str, Variables]
    name: str = "record"

    def describe(self) -> str:
        """Say what `run` does."""
        return f"record release {self.release.version.tag} on the host"

    def run(self, say: Say) -> str:
        """Write, then read the history back. Raises `PersonNeeded` when its last line is not this release."""
        folder = self.store.keep_release(self.release, self.values)
        say(folder)
        self.store.record(self.release.to_json())
        history = self.store.history()
        if not history or Release.from_json(history[-1]) != self.release:
            raise PersonNeeded(
                "the release is live, but the history's last record is another one",
                where=folder,
                hint="another run wrote in between; compare `inv deploy.history` with `inv deploy.status`",
            )
        return f"{len(history)} in the history, the last is {self.release.version.tag}"

    def undo(self) -> bool:
        """Return False: history is only ever added to."""
        return False
