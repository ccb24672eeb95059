"""Git: what a checkout is called, asked through a shell."""

import re
from pathlib import Path

from slipway.command import Result, command
from slipway.errors import Unreachable, UsageError
from slipway.ports import Shell
from slipway.release.image import Version

_NO_TAG = "0.0.0"
# The remedy in git's message, the one part of it that no locale translates.
_REMEDY = re.compile(r"git config --global --add safe\.directory (.+)")
_NUMBER = re.compile(r"v(\d+\.\d+\.\d+[A-Za-z0-9.-]{0,40})")


def version_of(source: Path, shell: Shell) -> Version:
    """Return the version of a checkout: its nearest `vX.Y.Z` tag (else 0.0.0), revision, and whether it has changes.

    Only changes below `source` count, so work elsewhere in the repository does not make a build dirty. Nothing is
    written, not even git's index. Raises `UsageError` where git keeps no commit of `source`, or refuses to read it: an
    image that nobody can trace back is not built. Raises `Unreachable` where there is no git.
    """

    def ask(*words: str) -> Result:
        return shell.run(command("git", "--no-optional-locks", "-C", str(source), *words))

    _require_git(shell)
    revision = ask("rev-parse", "--short=12", "HEAD")
    if remedy := _REMEDY.search(revision.stderr):
        raise UsageError("belongs to another user, so git does not read it", where=str(source), hint=remedy[0])
    # A folder that a repository around it ignores has no tree in that repository's commit.
    kept = ask("rev-parse", "--verify", "--quiet", "HEAD:./")
    if not revision.ok or not kept.ok:
        raise UsageError(
            "is no git checkout with a commit, so its images could not be traced back",
            where=str(source),
            hint="`git init && git add -A && git commit`, or name a checkout with --source",
            details=tuple(revision.stderr.strip().splitlines()[:3]),
        )
    glob = ("--match=v[0-9]*.[0-9]*.[0-9]*", "--exclude=*[!A-Za-z0-9.-]*")
    tag = _NUMBER.fullmatch(ask("describe", "--tags", "--abbrev=0", *glob).stdout.strip())
    changes = ask("status", "--porcelain", "--untracked-files=normal", "--", ".").checked(where=str(source))
    return Version(tag[1] if tag else _NO_TAG, revision.stdout.strip(), dirty=bool(changes.stdout.strip()))


def _require_git(shell: Shell) -> None:
    """Raise `Unreachable` with the way out where no git starts; a shell in between answers 127 instead of an error."""
    try:
        version = shell.run(command("git", "--version"))
        problem = version.stderr.strip() if version.code == 127 else ""
    except Unreachable as error:
        problem = error.message
    if problem:
        raise Unreachable(problem, where=shell.place, hint="apt-get install git")
