"""Who may change or gain what through the file system: no setuid files, nothing writable but what is declared."""

from collections.abc import Iterable
from dataclasses import dataclass

from slipway.checks.images.stage import APPLICATION, RUN_DIR, Stage
from slipway.checks.issue import Issue
from slipway.config.workspace import Role

_EVERYBODYS = ("/tmp", "/var/tmp", "/run/lock", RUN_DIR)  # noqa: S108 - the image's own, looked at and not written to
_SETUID, _SETGID = 3, 6  # places in `ls -l`'s mode
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class _Path:
    mode: str
    uid: int
    gid: int
    path: str

    def is_writable_for(self, uid: int, gid: int) -> bool:
        if self.uid == uid:
            return self.mode[2] == "w"
        return self.mode[5] == "w" if self.gid == gid else self.mode[8] == "w"

    @property
    def is_setuid(self) -> bool:
        return self.mode[0] == "-" and (self.mode[_SETUID] in "sS" or self.mode[_SETGID] in "sS")


def guards_its_paths(stage: Stage) -> Iterable[Issue]:
    """No file lends another's rights; the image's user may write to declared folders, and nobody else to any."""
    uid, gid = _ids(stage)
    asked = stage.root.run(
        "find / -xdev \\( -type f -o -type d \\)"
        f" \\( -perm -4000 -o -perm -2000 -o -perm -2 -o -user {uid} -o -group {gid} \\) -exec ls -ldn {{}} +"
        " 2>/dev/null"
    )
    if asked.rc == 127 or (not asked.stdout and stage.root.run("find / -xdev -maxdepth 0").rc != 0):
        yield stage.issue("writable", "the image has no `find`, so its files cannot be looked through")
        return
    listed = list(_listed(asked.stdout))
    lent = sorted(path.path for path in listed if path.is_setuid)
    if lent:
        hint = "take the bits away: find / -xdev -type f -perm /6000 -exec chmod a-s {} +"
        yield stage.issue("setuid", f"{_some(lent)} run with another's rights", hint)
    declared = (*_EVERYBODYS, *_declared(stage))
    open_ = {path.path for path in listed if path.is_writable_for(uid, gid) and not _below(path.path, declared)}
    # A folder says it for everything below it.
    top = sorted(path for path in open_ if not any(_below(path, (other,)) for other in open_ - {path}))
    if top:
        hint = "let root own it, or name it under `writable`" if stage.service.role is not Role.STATIC else ""
        yield stage.issue("writable", f"the application may write to {_some(top)}", hint or "let root own it")


def _ids(stage: Stage) -> tuple[int, int]:
    words = stage.host.run("id -u; id -g").stdout.split()
    return (int(words[0]), int(words[1])) if len(words) == 2 and all(w.isdecimal() for w in words) else (0, 0)


def _declared(stage: Stage) -> tuple[str, ...]:
    if stage.service.role is Role.STATIC:
        return ()
    return tuple(f"{APPLICATION}/{path}" for path in stage.workspace.backend.writable)


def _listed(text: str) -> Iterable[_Path]:
    """Read `ls -ldn`: mode, links, uid, gid, size, three words of a date, path."""
    for line in text.splitlines():
        words = line.split(None, 8)
        if len(words) == 9 and len(words[0]) >= 10 and words[2].isdecimal() and words[3].isdecimal():
            yield _Path(words[0], int(words[2]), int(words[3]), words[8])


def _below(path: str, folders: Iterable[str]) -> bool:
    return any(path == folder or path.startswith(f"{folder}/") for folder in folders)


def _some(paths: list[str]) -> str:
    more = len(paths) - _SHOWN
    return ", ".join(paths[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
