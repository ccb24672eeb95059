"""History: the releases that went live, read from the records on the host."""

from collections.abc import Sequence

from slipway.errors import PersonNeeded
from slipway.release.release import Release


def read_history(lines: Sequence[str], where: str) -> tuple[Release, ...]:
    """Return the releases, oldest first; `where` is the file's place (`root@host:22:/data/.../history.jsonl`).

    Raises `PersonNeeded` naming the line that cannot be read: guessing which release runs would be worse.
    """
    releases = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            releases.append(Release.from_json(line))
        except ValueError as error:
            raise PersonNeeded(
                str(error),
                where=f"{where}:{number}",
                hint="mend or remove this line; `releases/<tag>/release.json` beside it has the record of each release",
            ) from error
    return tuple(releases)


def current(history: Sequence[Release]) -> Release | None:
    """Return what went live last."""
    return history[-1] if history else None
