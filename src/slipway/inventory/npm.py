"""Reads package-lock.json, or what a portal's image keeps of it: what the bundle of one portal can contain.

That is the production tree of the portal's workspace: its dependencies and those of the workspace's root, followed as
Node resolves them. Build tools among devDependencies run once and are in no image.
"""

import json
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from slipway.errors import UsageError
from slipway.inventory.package import Ecosystem, Package, is_package, sorted_packages

LARGEST = 128 << 20
_BELOW = "node_modules/"
_GZIP = 16 + zlib.MAX_WBITS
_BUILD = "build the image anew: inv build.all --force"
_ANEW = "npm 7 or newer writes it anew: npm install --package-lock-only"


class NpmLock:
    """A package-lock.json of version 2 or 3."""

    def __init__(self, text: str, where: str) -> None:
        """Take the lock's text; raises `UsageError` where it is none, or one of version 1."""
        self._where = where
        try:
            data: Any = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise UsageError(f"is no JSON: {str(error)[:200]}", where=where, hint=_ANEW) from error
        version = data.get("lockfileVersion") if isinstance(data, dict) else None
        packages = data.get("packages") if isinstance(data, dict) else None
        if version not in (2, 3) or not isinstance(packages, dict):
            raise UsageError(
                f"lockfileVersion {str(version)[:20]} cannot be read, 2 and 3 can", where=where, hint=_ANEW
            )
        self._packages: dict[str, Any] = packages

    @classmethod
    def read(cls, file: Path) -> "NpmLock":
        """Read a lock file. Raises `UsageError` where there is none, or one that cannot be used."""
        try:
            if file.stat().st_size > LARGEST:
                raise UsageError(f"is larger than {LARGEST >> 20} MiB", where=str(file))
            return cls(file.read_text("utf-8"), str(file))
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"cannot be read: {error}", where=str(file)) from error

    @classmethod
    def of_bundle(cls, packed: bytes, where: str) -> tuple[Package, ...]:
        """Return what a portal's bundle can contain, from what its image carries of the lock that it was built with.

        images/portal/build/lock.mjs writes it. Raises `UsageError` where it cannot be used.
        """
        try:
            text = zlib.decompressobj(wbits=_GZIP)
            whole = text.decompress(packed, LARGEST).decode()
            lock = cls(whole, where)
            portal = json.loads(whole).get("portal")
        except (zlib.error, UnicodeDecodeError) as error:
            raise UsageError(f"cannot be read: {error}", where=where, hint=_BUILD) from error
        if not text.eof:
            raise UsageError(f"is cut off, or larger than {LARGEST >> 20} MiB", where=where, hint=_BUILD)
        return lock.production(str(portal))

    @property
    def registry(self) -> str:
        """The registry that most packages were resolved from, "" where the lock keeps no addresses."""
        given = (entry.get("resolved") for entry in self._packages.values() if isinstance(entry, dict))
        parts = [urlsplit(url) for url in given if isinstance(url, str) and url.startswith("https://")]
        hosts = [part.netloc for part in parts if "@" not in part.netloc]
        return f"https://{max(sorted(set(hosts)), key=hosts.count)}" if hosts else ""

    def production(self, workspace: str) -> tuple[Package, ...]:
        """Return the packages that the bundle of `workspace` (a folder as the lock names it) can contain.

        Raises `UsageError` where the lock does not know the folder, misses a dependency, or names a package in a way
        that cannot be a package's name.
        """
        if workspace not in self._packages:
            raise UsageError(
                f"the lock has no workspace {workspace}", where=self._where, hint="npm install --package-lock-only"
            )
        return sorted_packages(self._walk((workspace, "")))

    def _walk(self, begin: tuple[str, ...]) -> Iterator[Package]:
        todo, seen = [place for place in begin if place in self._packages], set(begin)
        while todo:
            place = todo.pop()
            entry = self._entry(place)
            for name, needed in _dependencies(entry).items():
                found = self._resolve(place, name)
                if found is None and needed:
                    raise UsageError(
                        f"{place or 'the root'} needs {name[:100]}, which the lock does not have",
                        where=self._where,
                        hint="the lock is behind its package.json: npm install --package-lock-only",
                    )
                if found is None or found in seen or not _for_linux(self._entry(found)):
                    continue
                seen.add(found)
                todo.append(found)
            if _BELOW in place:
                yield self._package(place, entry)

    def _resolve(self, place: str, name: str) -> str | None:
        """Return where `require(name)` finds a package from `place`, links of workspaces followed."""
        while True:
            candidate = f"{place}/{_BELOW}{name}" if place else f"{_BELOW}{name}"
            if candidate in self._packages:
                entry = self._entry(candidate)
                target = entry.get("resolved") if entry.get("link") else candidate
                return target if isinstance(target, str) and target in self._packages else None
            if not place:
                return None
            place = place.rpartition("/")[0]

    def _entry(self, place: str) -> Mapping[str, Any]:
        entry = self._packages[place]
        if not isinstance(entry, dict):
            raise UsageError(f"the entry {place[:100]!r} is no mapping", where=self._where, hint=_ANEW)
        return entry

    def _package(self, place: str, entry: Mapping[str, Any]) -> Package:
        # An alias (`npm:other@1`) stands below the name it was given and says its own.
        name, version = entry.get("name", place.rpartition(_BELOW)[2]), entry.get("version")
        if not isinstance(name, str) or not isinstance(version, str) or not is_package(Ecosystem.NPM, name, version):
            raise UsageError(f"the entry {place[:100]!r} has no usable name and version", where=self._where, hint=_ANEW)
        licence = entry.get("license")
        return Package(Ecosystem.NPM, name, version, licence=licence if isinstance(licence, str) else "")


def _dependencies(entry: Mapping[str, Any]) -> dict[str, bool]:
    """Return name -> whether npm installs it in any case."""
    found: dict[str, bool] = {}
    meta = entry.get("peerDependenciesMeta")
    for kind in ("peerDependencies", "optionalDependencies", "dependencies"):
        names = entry.get(kind)
        for name in names if isinstance(names, dict) else ():
            optional = isinstance(meta, dict) and isinstance(meta.get(name), dict) and meta[name].get("optional")
            if kind != "peerDependencies" or not optional:
                # `--legacy-peer-deps` leaves peers out, so one that is missing is no fault of the lock.
                found[name] = kind == "dependencies" and name not in (entry.get("optionalDependencies") or {})
    return found


def _for_linux(entry: Mapping[str, Any]) -> bool:
    systems = entry.get("os")
    return not isinstance(systems, list) or "linux" in systems or all(str(name).startswith("!") for name in systems)
