"""Dump and Prove: a backup that was restored and compared before anybody calls it one."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from slipway.command import Command, Result, command
from slipway.errors import PersonNeeded, Refused, SlipwayError, Unreachable, UsageError
from slipway.ports import BackupStore, Say, Shell
from slipway.release.backup import Backup, Facts, Proof
from slipway.release.desired import DesiredDatabase
from slipway.steps import backup_scripts as scripts
from slipway.steps import snapshot


@dataclass(frozen=True, slots=True)
class Dump:
    """Dumps a database to its host, with what the dump has to hold, seen in the dump's own snapshot.

    `container` is the database's container (on Coolify its uuid), `release` the tag that runs ("" if none).
    Interrupted, failed or without space, it leaves nothing.
    """

    shell: Shell
    store: BackupStore
    environment: str
    database: DesiredDatabase
    container: str
    backup_id: str
    release: str = ""
    seconds: float = 3600.0
    name: str = "backup"
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def describe(self) -> str:
        """Say what `run` does."""
        return f"dump {self.database.name} from container {self.container} to {self._folder}"

    def run(self, say: Say) -> str:
        """Dump, write the manifest, read it back and measure the file.

        Raises `Refused` when pg_dump failed or the disk is full, `Unreachable` without a connection or an engine.
        """
        created = self.clock()
        try:
            backup = self._dump(created, say)
        except (Refused, UsageError):
            raise  # the script has removed its folder, or it never made one
        except BaseException:
            self._forget()
            raise
        try:
            self.store.keep_backup(backup)
        except BaseException:
            self._forget()
            raise
        return self._look(backup)

    def undo(self) -> bool:
        """Return False: an unproved dump is kept for a person to look at, it is only never called proved."""
        return False

    @property
    def _folder(self) -> str:
        return self.store.backup_folder(self.backup_id)

    def _dump(self, created: datetime, say: Say) -> Backup:
        database = self.database
        words = (self._folder, self.container, database.user, database.database, f"slipway-{self.backup_id}")
        result = self.shell.run(
            Command(("sh", "-c", scripts.DUMP, "slipway", *words), stdin=snapshot.DUMP.encode(), seconds=self.seconds)
        )
        facts, client, others = snapshot.read_facts(result.stderr.splitlines())
        if not result.ok:
            raise _dump_error(result, others, f"{self.shell.place}:{self._folder}")
        for line in others:
            say(line)
        said = dict(line.split(" ", 1) for line in result.stdout.splitlines())
        return Backup(
            id=self.backup_id,
            environment=self.environment,
            database=database.name,
            created=created,
            container=self.container,
            image_id=said["image_id"],
            client=client,
            size=int(said["size"]),
            sha256=said["sha256"],
            roles_sha256=said["roles_sha256"],
            facts=facts,
            release=self.release,
        )

    def _forget(self) -> None:
        """Remove what a script left that was killed before it could; never a backup that is whole."""
        script = '[ -e "$1/manifest.json" ] || rm -rf -- "$1"'
        with suppress(SlipwayError):
            self.shell.run(command("sh", "-c", script, "slipway", self._folder))

    def _look(self, backup: Backup) -> str:
        file = f"{self._folder}/database.dump"
        measured = self.shell.run(command("stat", "-c", "%s %a", "--", file)).stdout.strip()
        kept = {kept.id: kept for kept in self.store.backups()}.get(backup.id)
        if kept != backup or measured != f"{backup.size} 600":
            raise PersonNeeded(
                f"the dump on the host is not the one that was written: {measured or 'no file'}",
                where=f"{self.shell.place}:{file}",
                hint="another program writes there; do not count on this backup",
            )
        return f"{backup.id}: {len(backup.facts.rows)} tables, {backup.facts.total} rows, {backup.size} bytes, unproved"


@dataclass(frozen=True, slots=True)
class Prove:
    """Restores a backup into a throwaway server of the same image and compares; only then is it called proved.

    `labels` are borne by the server's container, too.
    """

    shell: Shell
    store: BackupStore
    backup_id: str
    seconds: float = 3600.0
    labels: Mapping[str, str] = field(default_factory=dict)
    name: str = "prove"
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def describe(self) -> str:
        """Say what `run` does."""
        return f"restore {self.backup_id} into a throwaway server and compare every table's rows"

    def run(self, say: Say) -> str:
        """Restore, compare, write the proof into the manifest. Raises `Refused` when anything differs.

        A backup that was proved before and fails now loses its proof.
        """
        backup = self._backup()
        begin = time.monotonic()
        try:
            restored = self._restore(backup, say)
        except Refused:
            if backup.is_proved:
                self.store.keep_backup(replace(backup, proof=None))
            raise
        seconds = round(time.monotonic() - begin, 1)
        self.store.keep_backup(backup.proved(Proof(self.clock(), seconds, len(restored.rows), restored.total)))
        if not self._backup().is_proved:
            raise PersonNeeded("the proof is not in the manifest that was just written", where=self._where)
        return f"restored in {seconds:g} s: {len(restored.rows)} tables, {restored.total} rows, the same as in the dump"

    def undo(self) -> bool:
        """Return False: nothing is left of the restore."""
        return False

    @property
    def _where(self) -> str:
        return f"{self.shell.place}:{self.store.backup_folder(self.backup_id)}"

    def _backup(self) -> Backup:
        for backup in self.store.backups():
            if backup.id == self.backup_id:
                return backup
        raise UsageError("there is no such backup", where=self._where, hint="`inv db.backups` lists them")

    def _restore(self, backup: Backup, say: Say) -> Facts:
        words = (
            self.store.backup_folder(backup.id),
            backup.id,
            backup.image_id,
            backup.sha256,
            backup.roles_sha256,
            *(word for key, value in self.labels.items() for word in ("--label", f"{key}={value}")),
        )
        result = self.shell.run(
            Command(
                ("sh", "-c", scripts.PROVE, "slipway", *words), stdin=snapshot.RESTORED.encode(), seconds=self.seconds
            )
        )
        for line in result.stderr.splitlines():
            if line.startswith("slipway-left "):
                say(f"left on the host, remove it by hand: docker rm -f -v {line.split()[1]}")
        if not result.ok:
            raise _proof_error(result, self._where)
        restored = snapshot.read_facts(result.stdout.splitlines())[0]
        if differences := tuple(backup.facts.differences(restored)):
            raise Refused(
                f"the restored copy of {backup.id} holds something else than the database did",
                where=self._where,
                hint="make another backup; keep this one for a look",
                details=differences[:20],
            )
        return restored


_PROOF_ERRORS = {
    scripts.DAMAGED: "the backup's file was changed or damaged since it was written",
    scripts.NO_SERVER: "the throwaway server did not start",
    scripts.NO_ROLES: "the roles of the backup cannot be restored",
    scripts.NO_RESTORE: "the backup cannot be restored",
    scripts.NO_FACTS: "the restored copy cannot be read",
}


def _proof_error(result: Result, where: str) -> SlipwayError:
    details = _tail(result.stderr.splitlines())
    if result.code in _PROOF_ERRORS:
        return Refused(_PROOF_ERRORS[result.code], where=where, hint="this backup is not proved", details=details)
    return _host_error(result, details, where)


def _dump_error(result: Result, said: tuple[str, ...], where: str) -> SlipwayError:
    details = _tail(said)
    if result.code == scripts.ABSENT or "No such container" in result.stderr:
        return Refused("the database's container does not run on this host", where=where, details=details)
    if "File exists" in result.stderr:
        return Refused("there is a backup of this name already", where=where)
    return _host_error(result, details, where)


def _host_error(result: Result, details: tuple[str, ...], where: str) -> SlipwayError:
    said = result.stderr.lower()  # the Docker client writes "no space", coreutils "No space"
    if "no space left" in said or "disk quota exceeded" in said:
        return Refused(
            "no space left on the host; nothing was kept", where=where, hint="make room (`df -h`)", details=details
        )
    if "permission denied" in said:
        return UsageError("the host's user may not do this", where=where, details=details)
    if "docker daemon" in said or result.code == 127:
        return Unreachable("the host's Docker did not answer", where=where, details=details)
    return Refused(f"the backup failed with exit code {result.code}; nothing was kept", where=where, details=details)


def _tail(lines: "list[str] | tuple[str, ...]") -> tuple[str, ...]:
    return tuple([line for line in lines if line.strip()][-8:])
