"""StateFolder: `/data/slipway/<environment>/` on a host, reached through a shell: history, releases, backups.

history.jsonl            one release record a line, oldest first
releases/<tag>/          release.json and values.json (0600: secrets)
backups/<id>/            database.dump, roles.sql, manifest.json
lock, lock.token         who may change this environment: see lock.py
journal/<token>.jsonl    what each run was about to do and did
"""

import json
import re
from collections.abc import Mapping

from slipway.command import Result
from slipway.engines.host import state_scripts as scripts
from slipway.errors import PersonNeeded, UsageError
from slipway.ports import Shell
from slipway.release.backup import Backup, checked_id
from slipway.release.desired import Variables
from slipway.release.release import Release
from slipway.secret import Secret

_ENVIRONMENT = re.compile(r"[a-z][a-z0-9-]{0,40}")
_MANIFEST_MARK = "\x1e"  # ASCII record separator: JSON text cannot hold it unescaped


class StateFolder:
    """The state of one environment on its host; the same for every runner. Nothing is cached."""

    def __init__(self, shell: Shell, environment: str, root: str = "/data/slipway") -> None:
        if not _ENVIRONMENT.fullmatch(environment):
            raise UsageError(f"{environment!r} is no name for an environment", hint="use a-z, 0-9 and -")
        self._shell = shell
        self.environment = environment
        self.path = f"{root}/{environment}"

    @property
    def place(self) -> str:
        """The folder's name in messages, `root@host:22:/data/slipway/production`."""
        return f"{self._shell.place}:{self.path}"

    def history(self) -> tuple[str, ...]:
        """Return the release records (JSON lines), oldest first; empty before the first.

        Raises `PersonNeeded` naming place and line when a line is no JSON object.
        """
        lines = self._read_by(scripts.READ, "history.jsonl").splitlines()
        for number, line in enumerate(lines, 1):
            if not isinstance(_parsed(line), dict):
                raise PersonNeeded(
                    f"this line is no record: {line[:60]!r}",
                    where=f"{self.place}/history.jsonl:{number}",
                    hint="mend or remove the line by hand; nothing was changed",
                )
        return tuple(lines)

    def record(self, line: str) -> None:
        """Append one release record, whole or not at all."""
        if "\n" in line or not isinstance(_parsed(line), dict):
            raise ValueError("a release record is one line with one JSON object")
        self._run(scripts.APPEND, "history.jsonl", data=f"{line}\n".encode())

    def keep_release(self, release: Release, values: Mapping[str, Variables]) -> str:
        """Write the release and the values of its services (0600) to the host; return the folder's path there."""
        folder = f"releases/{release.version.tag}"
        revealed = {
            service: {name: text.reveal() if isinstance(text, Secret) else text for name, text in variables.items()}
            for service, variables in values.items()
        }
        self._run(scripts.WRITE, f"{folder}/values.json", data=json.dumps(revealed, sort_keys=True).encode())
        self._run(scripts.WRITE, f"{folder}/release.json", data=f"{release.to_json()}\n".encode())
        return f"{self.path}/{folder}"

    def backup_folder(self, backup_id: str) -> str:
        """Return the folder's path on the host, whether it exists or not."""
        return f"{self.path}/backups/{checked_id(backup_id)}"

    def backups(self) -> tuple[Backup, ...]:
        """Return every whole backup, oldest first. Raises `PersonNeeded` naming a manifest that cannot be read."""
        found = []
        for part in self._read_by(scripts.MANIFESTS).split(_MANIFEST_MARK)[1:]:
            path, _, text = part.partition("\n")
            try:
                found.append(Backup.from_json(text))
            except ValueError as error:
                raise PersonNeeded(
                    str(error), where=f"{self._shell.place}:{path}", hint="remove the backup's folder if it is no use"
                ) from error
        return tuple(sorted(found, key=lambda backup: (backup.created, backup.id)))

    def keep_backup(self, backup: Backup) -> None:
        """Write a backup's manifest, whole or not at all; with the first one the dump gets its name."""
        self._run(scripts.KEEP_BACKUP, checked_id(backup.id), data=backup.to_json().encode())

    def _run(self, script: str, *words: str, data: bytes | None = None) -> Result:
        return scripts.run_script(self._shell, self.path, script, *words, data=data)

    def _read_by(self, script: str, *words: str) -> str:
        return scripts.read(self._shell, self.path, script, *words)


def _parsed(line: str) -> object:
    try:
        parsed: object = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return parsed
