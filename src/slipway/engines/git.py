"""Git: what a checkout is called, asked through a shell."""

import re
from pathlib import Path

from slipway.command import command
from slipway.errors import UsageError
from slipway.ports import Shell
from slipway.release.image import Version

_NO_TAG = "0.0.0"
_NUMBER = re.compile(r"^v?(\d+\.\d+\.\d+[A-Za-z0-9.-]*)$")


def version_of(source: Path, shell: Shell) -> Version:
    """Return the version of a checkout: its nearest `vX.Y.Z` tag (else 0.0.0), revision, and whether it has changes.

    Only changes below `source` count, so work elsewhere in the repository does not make a build dirty. Raises
    `UsageError` where `source` is no git checkout: an image that nobody can trace back is not built.
    """

    def ask(*words: str) -> str | None:
        answer = shell.run(command("git", "-C", str(source), *words))
        return answer.stdout.strip() if answer.ok else None

    revision = ask("rev-parse", "--short=12", "HEAD")
    if revision is None:
        raise UsageError(
            "is no git checkout with a commit, so its images could not be traced back",
            where=str(source),
            hint="`git init && git add -A && git commit`, or name a checkout with --source",
        )
    tag = _NUMBER.match(ask("describe", "--tags", "--abbrev=0", "--match", "v[0-9]*") or "")
    changes = ask("status", "--porcelain", "--", ".")
    return Version(tag[1] if tag else _NO_TAG, revision, dirty=bool(changes))
