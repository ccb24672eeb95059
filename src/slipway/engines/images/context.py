"""A build context as one tar stream: what the engine sees of the sources, and a digest of it.

The stream is GNU tar: BuildKit 0.8 (engine 20.10) looks at the first 1 KiB only to tell a tar from a Dockerfile and
takes a PAX header for the latter. Names come in a fixed order with owner 0, time 0 and modes 644 or 755, so that the
same sources give the same bytes on every machine and the builder's cache holds.
"""

import contextlib
import os
import stat
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fnmatch import fnmatchcase
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from slipway.errors import UsageError
from slipway.ports import ContextPart

if TYPE_CHECKING:
    from hashlib import _Hash

_CHUNK = 1 << 20
# What never belongs into an image, whatever a .dockerignore says: histories, installed packages, secrets.
_NEVER = (
    ".git",
    ".hg",
    "node_modules",
    "__pycache__",
    ".venv",
    ".env*",
    "*.secret*.env",
    "*.secret*.yaml",
    ".dockerignore",
)


class Kind(StrEnum):
    """What an entry is."""

    FILE = "file"
    FOLDER = "folder"
    LINK = "link"


@dataclass(frozen=True, slots=True)
class Entry:
    """One name of the context. A file has its `source`, a link its `target`, unresolved.

    `digest` is the SHA-256 of a file's content where it was read already, "" otherwise.
    """

    name: str
    kind: Kind
    mode: int = 0o755
    source: Path | None = None
    target: str = ""
    digest: str = ""

    @property
    def fingerprint(self) -> str:
        """All that an image can take over from the entry besides its name."""
        return " ".join(filter(None, (str(self.kind), f"{self.mode:o}", self.target, self.digest)))


class _Matcher(Protocol):
    def matches(self, filepath: Any) -> bool: ...


class Walk:
    """The contexts of one run: a part that several images share is walked once, and a file read once."""

    def __init__(self) -> None:
        self._parts: dict[tuple[Path, tuple[str, ...]], tuple[Entry, ...]] = {}
        self._digests: dict[Path, str] = {}

    def entries(self, parts: Sequence[ContextPart]) -> tuple[Entry, ...]:
        """Return what remains of `parts` after the ignore rules, sorted by name.

        A later part replaces files of an earlier one. Raises `UsageError` naming the path when a root is missing,
        something cannot be read, or is neither file, folder nor symbolic link.
        """
        found: dict[str, Entry] = {}
        for part in parts:
            prefix = PurePosixPath(part.prefix)
            if prefix.is_absolute() or ".." in prefix.parts:
                raise UsageError(f"the prefix {part.prefix!r} leaves the build context", where=str(part.root))
            for own in self._part(part):
                entry = replace(own, name=str(prefix / own.name))
                earlier = found.get(entry.name)
                if earlier and Kind.FOLDER in (earlier.kind, entry.kind) and earlier.kind is not entry.kind:
                    raise UsageError(
                        f"{entry.name} is a {earlier.kind} in one part of the context, a {entry.kind} in another"
                    )
                found[entry.name] = entry
        for name in list(found):
            for parent in PurePosixPath(name).parents:
                if str(parent) != ".":
                    found.setdefault(str(parent), Entry(str(parent), Kind.FOLDER))
        # A folder must come before what is in it, and "a-b" sorts between "a" and "a/b": compare part by part.
        return tuple(sorted(found.values(), key=lambda entry: entry.name.split("/")))

    def digested(self, parts: Sequence[ContextPart]) -> tuple[Entry, ...]:
        """Return the same with every file read: `tar_stream` sends these bytes or none."""
        return tuple(
            replace(entry, digest=self._digest(entry.source)) if entry.source else entry
            for entry in self.entries(parts)
        )

    def _part(self, part: ContextPart) -> tuple[Entry, ...]:
        key = part.root, part.ignore
        if key not in self._parts:
            self._parts[key] = tuple(_part_entries(part))
        return self._parts[key]

    def _digest(self, path: Path) -> str:
        if path not in self._digests:
            whole = sha256()
            with _opened(path) as file:
                for chunk in _content(path, file, os.fstat(file.fileno()).st_size):
                    whole.update(chunk)
            self._digests[path] = whole.hexdigest()
        return self._digests[path]


def context_entries(parts: Sequence[ContextPart]) -> tuple[Entry, ...]:
    """Walk one context; see `Walk.entries`."""
    return Walk().entries(parts)


def tar_stream(entries: Sequence[Entry]) -> Iterator[bytes]:
    """Yield `entries` as a GNU tar, reading files as it goes; memory stays at one chunk.

    Raises `UsageError` naming the file when one vanished, cannot be read or shrank since the walk, or has another
    content than its `digest` says: the stream then ends before the engine has a whole context.
    """
    for entry in entries:
        info = tarfile.TarInfo(entry.name)
        info.mode = entry.mode
        if entry.source:
            yield from _file(info, entry.source, entry.digest)
            continue
        info.type = tarfile.DIRTYPE if entry.kind is Kind.FOLDER else tarfile.SYMTYPE
        info.linkname = entry.target
        yield _header(info)
    yield bytes(2 * tarfile.BLOCKSIZE)


def _part_entries(part: ContextPart) -> Iterator[Entry]:
    try:
        root = part.root.resolve(strict=True)
        if root.is_dir():
            yield from _walk(root, "", _matcher(root, part.ignore))
            return
        status = root.stat()
    except OSError as error:
        raise _unreadable(part.root, error) from error
    if not stat.S_ISREG(status.st_mode):
        raise UsageError("is neither a file nor a folder", where=str(part.root))
    yield Entry(part.root.name, Kind.FILE, _mode(status), root)


def _walk(root: Path, below: str, matcher: _Matcher) -> Iterator[Entry]:
    folder = root / below
    try:
        with os.scandir(folder) as listing:
            children = sorted(listing, key=lambda child: child.name)
    except OSError as error:
        raise _unreadable(folder, error) from error
    names = {child.name for child in children}
    for child in children:
        if _never(child.name, names):
            continue
        path = f"{below}/{child.name}" if below else child.name
        ignored = matcher.matches(path)
        if not ignored:
            yield _entry(child, path)
        # An ignored folder is looked into all the same where a later `!pattern` may bring a file of it back.
        if child.is_dir(follow_symlinks=False) and (not ignored or _may_return(matcher, path)):
            yield from _walk(root, path, matcher)


def _entry(child: os.DirEntry[str], name: str) -> Entry:
    path = Path(child.path)
    try:
        status = child.stat(follow_symlinks=False)
        if stat.S_ISDIR(status.st_mode):
            return Entry(name, Kind.FOLDER)
        if stat.S_ISLNK(status.st_mode):
            return Entry(name, Kind.LINK, 0o777, target=str(path.readlink()))
    except OSError as error:
        raise _unreadable(path, error) from error
    if stat.S_ISREG(status.st_mode):
        return Entry(name, Kind.FILE, _mode(status), path)
    raise UsageError(
        "is a socket, pipe or device and cannot be part of a build context",
        where=child.path,
        hint="remove it, or name it in .dockerignore",
    )


def _never(name: str, siblings: set[str]) -> bool:
    if any(fnmatchcase(name, pattern) for pattern in _NEVER):
        return True
    # Beside a Vite configuration `dist` is what an earlier build left; anywhere else it may be source.
    return name == "dist" and any(sibling.startswith("vite.config.") for sibling in siblings)


def _matcher(root: Path, ignore: Sequence[str]) -> _Matcher:
    from docker.utils.build import PatternMatcher

    lines: list[str] = []
    file = root / ".dockerignore"
    if file.is_file():
        lines = file.read_text("utf-8", "replace").removeprefix("\ufeff").splitlines()
    patterns = [line.strip() for line in [*lines, *ignore]]
    matcher: _Matcher = PatternMatcher([line for line in patterns if line and not line.startswith("#")])
    return matcher


def _may_return(matcher: _Matcher, folder: str) -> bool:
    parts = folder.split("/")
    for pattern in getattr(matcher, "patterns", ()):
        if pattern.exclusion and pattern.dirs != [".dockerignore"]:
            known = min(len(parts), len(pattern.dirs))
            pairs = zip(parts[:known], pattern.dirs[:known], strict=True)
            if "**" in pattern.dirs or all(fnmatchcase(part, wanted) for part, wanted in pairs):
                return True
    return False


def _mode(status: os.stat_result) -> int:
    return 0o755 if status.st_mode & stat.S_IXUSR else 0o644


def _header(info: tarfile.TarInfo) -> bytes:
    return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")


def _file(info: tarfile.TarInfo, path: Path, digest: str) -> Iterator[bytes]:
    whole: _Hash | None = sha256() if digest else None
    with _opened(path) as file:
        info.size = os.fstat(file.fileno()).st_size
        yield _header(info)
        for chunk in _content(path, file, info.size):
            if whole is not None:
                whole.update(chunk)
            yield chunk
    if whole is not None and whole.hexdigest() != digest:
        raise UsageError(
            "was changed while its image was built; is something else writing there?",
            where=str(path),
            hint="build again once it is still",
        )
    yield bytes(-info.size % tarfile.BLOCKSIZE)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        # Not through a link: the file may have become one since the walk.
        file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")
    except OSError as error:
        raise _unreadable(path, error) from error
    with file:
        yield file


def _content(path: Path, file: BinaryIO, size: int) -> Iterator[bytes]:
    """Yield exactly `size` bytes: the tar header has promised them."""
    left = size
    while left:
        try:
            chunk = file.read(min(left, _CHUNK))
        except OSError as error:
            raise _unreadable(path, error) from error
        if not chunk:
            raise UsageError("was cut short while it was read; is something else writing there?", where=str(path))
        left -= len(chunk)
        yield chunk


def _unreadable(path: Path, error: OSError) -> UsageError:
    if isinstance(error, FileNotFoundError):
        return UsageError("does not exist, or vanished while the build context was read", where=str(path))
    return UsageError(
        f"cannot be read: {error.strerror or error}", where=str(path), hint="mend it, or name it in .dockerignore"
    )
