"""Kept: the workspace and the schema as they were read last, so that a check need not parse and validate them anew.

What is kept counts only for the very same bytes, code and libraries; anything else, and anything that cannot be read,
is read as if nothing were kept. Only what had no fault is kept. It is as trusted as Python's own compiled files, which
lie beside the sources: it belongs to this user and nobody else may write it.
"""

import os
import pickle
import secrets
import stat
import sys
from contextlib import suppress
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from slipway.config import patterns
from slipway.config.fault import Fault
from slipway.config.schema import Schema
from slipway.config.workspace import Workspace

FOLDER = ".slipway"
"""Below a checkout's root; a root without it keeps nothing."""
_MOST = 30
"""Files: each source has its own, so that taking turns between two reads neither anew; the oldest go."""
_LARGEST = 10_000_000


def load_workspace(file: Path, source: Path, root: Path) -> Workspace:
    """Return what `workspace_file.load_workspace` does. What is missing in the source is looked at every time."""
    key = _key(file, str(file.absolute()), str(source), str(Path.cwd()))
    name = _name("workspace", file, source)
    found = _read(root, name, key)
    if isinstance(found, tuple) and len(found) == 2 and _all_there(found[1], source):
        return found[0]  # type: ignore[no-any-return]
    from slipway.config.workspace_file import load_workspace as load
    from slipway.config.workspace_file import needed

    workspace = load(file, source)
    _write(root, name, key, (workspace, tuple((source / path, folder) for _, path, folder in needed(workspace))))
    return workspace


def _all_there(paths: Any, source: Path) -> bool:
    root = source.resolve()
    return all(
        (path.is_dir() if is_folder else path.is_file()) and path.resolve().is_relative_to(root)
        for path, is_folder in paths
    )


def read_schema(file: Path, root: Path, workspace: Workspace) -> tuple[Schema | None, list[Fault]]:
    """Return what `schema_file.read_schema` does."""
    key = _key(file, str(file.absolute()), repr(workspace))
    found = _read(root, _name("schema", workspace.file, workspace.source), key)
    known = _read(root, _name("patterns", workspace.file, workspace.source), key)
    if isinstance(known, tuple):
        patterns.KNOWN.key, patterns.KNOWN.fitting = known
    elif (root / FOLDER).is_dir():
        patterns.KNOWN.key, patterns.KNOWN.fitting = secrets.token_bytes(16), frozenset()
    if isinstance(found, Schema):
        return found, []
    from slipway.config.schema_file import read_schema as read

    schema, faults = read(file, root, workspace)
    if schema is not None and not faults:
        _write(root, _name("schema", workspace.file, workspace.source), key, schema)
    return schema, faults


def keep_patterns(file: Path, root: Path, workspace: Workspace) -> None:
    """Keep which texts fit their patterns, where that is more than before."""
    if patterns.KNOWN.has_more:
        key = _key(file, str(file.absolute()), repr(workspace))
        name = _name("patterns", workspace.file, workspace.source)
        _write(root, name, key, (patterns.KNOWN.key, patterns.KNOWN.fitting))


def _name(what: str, file: Path, source: Path) -> str:
    place = sha256(f"{file.absolute()}\0{source.absolute()}".encode("utf-8", "surrogateescape")).hexdigest()[:8]
    return f"{what}-{place}"


def _key(file: Path, *more: str) -> bytes:
    """Return a digest of everything that decides what reading `file` gives; b"" where it cannot be read."""
    try:
        with file.open("rb") as opened:
            data = opened.read(_LARGEST)
    except OSError:
        return b""
    return sha256(repr((data, more, sys.version, _code())).encode("utf-8", "surrogateescape")).digest()


@cache
def _code() -> tuple[tuple[str, int, int], ...]:
    """Return what tells one version of the code from another: name, time and size, as Python does for its own files."""
    with os.scandir(Path(__file__).parent) as entries:
        found = sorted((one.path, one.stat().st_mtime_ns, one.stat().st_size) for one in entries if one.is_file())
    for name in ("pydantic", "pydantic_core", "yaml"):
        spec = find_spec(name)
        if spec is not None and spec.origin:
            seen = Path(spec.origin).stat()
            found.append((spec.origin, seen.st_mtime_ns, seen.st_size))
    return tuple(found)


def _read(root: Path, name: str, key: bytes) -> Any:
    file = root / FOLDER / f"{name}.kept"
    try:
        seen = file.stat()
        if not key or seen.st_uid != os.getuid() or seen.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            return None
        data = file.read_bytes()
        return pickle.loads(data[len(key) :]) if data[: len(key)] == key else None  # noqa: S301  (see above)
    except Exception:  # noqa: BLE001  (half a file may raise anything; then it is read anew)
        return None


def _write(root: Path, name: str, key: bytes, value: object) -> None:
    folder = root / FOLDER
    if not key or not folder.is_dir():
        return
    made = folder / f".{name}.{os.getpid()}"
    with suppress(OSError):
        made.touch(mode=0o600)
        made.write_bytes(key + pickle.dumps(value))
        made.replace(folder / f"{name}.kept")
        for old in sorted(folder.glob("*.kept"), key=lambda one: -one.stat().st_mtime_ns)[_MOST:]:
            old.unlink(missing_ok=True)
