"""Lock: every Python package of the backend image with its hashes, and what it was made from."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from hashlib import sha256
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from slipway.config.workspace import Workspace

_MADE_FROM = re.compile(r"^# made from: (\S+)$", re.MULTILINE)
_PYTHON = re.compile(r"^# python: (\S+)$", re.MULTILINE)
_PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^]]*\])?(?:==([^\s;\\]+)| @ (\S+))", re.MULTILINE)
_VIA = re.compile(r"^ {4}# +(?:via )?(?!via$)(\S+)$", re.MULTILINE)


def lock_file(workspace: Workspace) -> Path:
    """Return where the lock of a workspace lies, whether it exists or not."""
    return workspace.file.parent / workspace.backend.lock


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a lock is to be made from: requirements and constraints as lines, `left_out` the names of development's."""

    requirements: tuple[str, ...]
    constraints: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """A digest in which neither order nor repetition counts."""
        parts = ("requirements", *sorted(set(self.requirements)), "constraints", *sorted(set(self.constraints)))
        return f"sha256:{sha256(chr(10).join(parts).encode()).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock's text as it lies in its file: a header, then lines as `pip install --require-hashes -r` takes them."""

    text: str

    @classmethod
    def made(cls, resolved: str, wanted: Wanted) -> "Lock":
        """Return the lock of what was resolved, whose text may begin with the Python that it holds for."""
        python = _PYTHON.search(resolved)
        header = [
            "# Every Python package of the backend image, with its hashes. `inv build.lock` writes this file.",
            f"# made from: {wanted.digest}",
            *([python[0]] if python else []),
            *([f"# left out: {', '.join(wanted.left_out)}"] if wanted.left_out else []),
        ]
        return cls("\n".join([*header, _PYTHON.sub("", resolved).strip("\n"), ""]))

    @property
    def made_from(self) -> str:
        """The digest of what the lock was made from; empty where its header does not say."""
        found = _MADE_FROM.search(self.text)
        return found[1] if found else ""

    @property
    def pins(self) -> dict[str, str]:
        """Canonical name -> version (or address) of every package."""
        return {canonicalize_name(name): version or url for name, version, url in _PIN.findall(self.text)}

    def required_by(self, name: str) -> tuple[str, ...]:
        """Return the packages that a package is there for; empty where the lock does not say."""
        for block in re.split(r"\n(?=[A-Za-z0-9])", self.text):
            if (pin := _PIN.match(block)) and canonicalize_name(pin[1]) == name:
                return tuple(via for via in _VIA.findall(block) if not via.startswith("-"))
        return ()

    def misfits(self, wanted: Wanted) -> Iterator[str]:
        """Yield what `wanted` asks for and this lock does not have, one sentence each."""
        pins = self.pins
        for line in sorted(set(wanted.requirements)):
            parsed = Requirement(line.partition(" --hash")[0])
            if parsed.marker and not parsed.marker.evaluate():
                continue
            version = pins.get(canonicalize_name(parsed.name))
            if version is None:
                yield f"{parsed.name} is asked for and not in the lock"
            elif parsed.specifier and not parsed.specifier.contains(_version(version), prereleases=True):
                yield f"{line} is asked for, the lock has {version}"

    def changes_from(self, earlier: "Lock") -> tuple[str, ...]:
        """Return what differs from an earlier lock: `django 5.1.1 -> 5.1.2`, `+ a 1`, `- b 2`."""
        old, new = earlier.pins, self.pins
        changed = [
            f"{name} {old[name]} -> {new[name]}" for name in sorted(old.keys() & new.keys()) if old[name] != new[name]
        ]
        added = [f"+ {name} {new[name]}" for name in sorted(new.keys() - old.keys())]
        return (*changed, *added, *(f"- {name} {old[name]}" for name in sorted(old.keys() - new.keys())))


def _version(text: str) -> Version:
    try:
        return Version(text)
    except ValueError:
        return Version("0")


def names_matching(patterns: Sequence[str], names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return each pattern with the canonical names that it matches, none where it matches nothing."""
    # In a pattern, too, `_` and `.` stand for `-`, as in a package's name.
    spelled = {pattern: re.sub(r"[-_.]+", "-", pattern).lower() for pattern in patterns}
    return {pattern: tuple(n for n in names if fnmatchcase(n, wanted)) for pattern, wanted in spelled.items()}
