"""HostLock and HostJournal: only one runner changes an environment, and what it does is written down on the host."""

import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from slipway.engines.host import state_scripts as scripts
from slipway.errors import PersonNeeded, Refused, SlipwayError
from slipway.plan import Outcome, StepResult
from slipway.ports import Shell

_LEASE_SECONDS = 600


class HostLock:
    """The environment's lock, a file on its host with a lease and a fencing token.

    The lease is renewed by a thread while the lock is held, and by every `prove`. When a runner dies, the lock can be
    taken over after its lease, with a greater token; the dead runner's `prove` then fails, should it wake up again.
    All times are the host's own, so that clocks of laptops do not matter.
    """

    def __init__(self, shell: Shell, folder: str, owner: str, lease_seconds: int = _LEASE_SECONDS) -> None:
        self._shell = shell
        self._folder = folder
        self._owner = " ".join(owner.split())[:200] or "somebody"
        self._lease = lease_seconds
        self._token: int | None = None
        self._ended = threading.Event()

    @property
    def token(self) -> int | None:
        """The fencing token while the lock is held."""
        return self._token

    @property
    def lease_seconds(self) -> int:
        """How long the lock stays ours without a sign of life."""
        return self._lease

    def acquire(self) -> int:
        """Take the lock and return the token. Raises `Refused` naming who holds it and since when."""
        result = scripts.run_script(self._shell, self._folder, scripts.ACQUIRE, str(self._lease), self._owner)
        if result.code == scripts.HELD:
            since, _, owner = result.stdout.strip().partition(" ")
            raise Refused(
                f"the lock is held by {owner} since {_at(since)}",
                where=f"{self._shell.place}:{self._folder}/lock",
                hint="wait; if that run is dead, its lease ends by itself, or take it away with `inv deploy.unlock`",
            )
        self._token = int(result.stdout)
        self._ended = threading.Event()
        threading.Thread(target=self._renew, args=(self._ended,), daemon=True, name="slipway-lease").start()
        return self._token

    def prove(self) -> None:
        """Raise `PersonNeeded` when the lock is not ours any more; else its lease begins anew."""
        result = scripts.run_script(self._shell, self._folder, scripts.PROVE, str(self._token or 0), str(self._lease))
        if result.code == scripts.LOST:
            raise self.lost(result.stderr)

    def release(self) -> None:
        """Give the lock back; nothing happens when it is not held, or is another's by now."""
        token, self._token = self._token, None
        self._ended.set()
        if token is not None:
            scripts.run_script(self._shell, self._folder, scripts.RELEASE, str(token))

    def take_away(self) -> str | None:
        """Remove the lock whoever holds it (`inv deploy.unlock`); return `<owner>, since <time>` or None."""
        said = scripts.run_script(self._shell, self._folder, scripts.UNLOCK).stdout
        words = said.split(maxsplit=3)
        if len(words) < 4:
            return "somebody (the lock was damaged)" if said else None
        return f"{words[3].strip()}, since {_at(words[2])}"

    def lost(self, said: str) -> PersonNeeded:
        """Return the error for a lock that is another's now; `said` is the script's word about whose."""
        self._ended.set()
        holder = said.strip().splitlines()[-1] if said.strip() else "nobody"
        return PersonNeeded(
            f"the lock is not ours any more (held by: {holder}); nothing more is done",
            where=f"{self._shell.place}:{self._folder}/lock",
            hint="see what the other run did (`inv deploy.status`), then decide",
        )

    def _renew(self, ended: threading.Event) -> None:
        while not ended.wait(self._lease / 3):
            try:
                self.prove()
            except PersonNeeded:
                return  # the next `prove` says so where it can be heard
            except SlipwayError:
                continue  # the host may answer again before the lease ends


class HostJournal:
    """A `plan.Journal` on the host: one line before a step and one after it, each written only under our lock.

    Lines that come before the lock is held (the step that takes it) are written with the first line after it.
    """

    def __init__(self, shell: Shell, folder: str, lock: HostLock, clock: Callable[[], float] = time.time) -> None:
        self._shell = shell
        self._folder = folder
        self._lock = lock
        self._clock = clock
        self._waiting: list[str] = []
        self._begun = False

    def before(self, name: str) -> None:
        """Write that a step begins. Raises `PersonNeeded` when the lock is not ours any more."""
        self._write({"step": name, "begins": self._now()})

    def after(self, result: StepResult) -> None:
        """Write how a step ended; a failure to write never hides the failure of the step itself."""
        try:
            entry = result.as_json()
            self._write({"step": entry.pop("name"), **entry, "ended": self._now()})
        except SlipwayError:
            if result.outcome is Outcome.DONE:
                raise

    def _write(self, entry: dict[str, object]) -> None:
        token = self._lock.token
        line = json.dumps({**entry, "token": token}, sort_keys=True)
        if token is None:
            if not self._begun:
                self._waiting.append(line)
            return  # the lock was given back: what is said after it belongs to nobody's run
        data = "".join(f"{text}\n" for text in (*self._waiting, line)).encode()
        result = scripts.run_script(
            self._shell,
            self._folder,
            scripts.JOURNAL,
            str(token),
            str(self._lock.lease_seconds),
            f"{token:08d}.jsonl",
            data=data,
        )
        if result.code == scripts.LOST:
            raise self._lock.lost(result.stderr)
        self._begun = True
        self._waiting.clear()

    def _now(self) -> str:
        return datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="seconds")


def _at(seconds: str) -> str:
    try:
        return datetime.fromtimestamp(int(seconds), UTC).isoformat(sep=" ", timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return "an unknown time"
