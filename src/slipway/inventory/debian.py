"""Reads what dpkg wrote down: /var/lib/dpkg/status, a file of status.d, and a suite's Packages file, all deb822."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest

from slipway.inventory.package import Ecosystem, Package, is_package

_SOURCE = re.compile(r"(\S+)(?: \((\S+)\))?")
_LICENCE = re.compile(r"^License:[ \t]*(\S.*)$", re.MULTILINE)
_MACHINE_READABLE = re.compile(r"\AFormat:[ \t]*\S+copyright-format", re.IGNORECASE)
_PLACEHOLDER_VERSION = "1"

_Piece = tuple[tuple[int, ...], int]
# What stands beyond the end: no number is 0, so `1.` is `1.0`, and no revision is `-0`.
_END: _Piece = ((0,), 0)


@dataclass(frozen=True, slots=True)
class System:
    """The fields of /etc/os-release that matter: `debian`, `12`, `bookworm`."""

    id: str = ""
    version: str = ""
    codename: str = ""

    @classmethod
    def read(cls, text: str) -> "System":
        """Read os-release(5)."""
        pairs = (line.partition("=") for line in text.splitlines() if "=" in line and not line.startswith("#"))
        fields = {name.strip(): value.strip().strip("\"'") for name, _, value in pairs}
        return cls(fields.get("ID", ""), fields.get("VERSION_ID", ""), fields.get("VERSION_CODENAME", ""))


def read_status(
    text: str, system: System, licences: Mapping[str, str] | None = None
) -> tuple[list[Package], list[str]]:
    """Return the installed packages that a status file lists, and what in it is no package.

    A package that was removed and left its configuration is not there. One whose files are in parts there counts.
    """
    packages, unread = [], []
    for number, fields in enumerate(stanzas(text), 1):
        status = fields.get("status", "install ok installed").split()
        if status[-1:] in (["not-installed"], ["config-files"]):
            continue
        name, version = fields.get("package", ""), fields.get("version", "")
        if not is_package(Ecosystem.DEBIAN, name, version):
            unread.append(f"entry {number} has no usable name and version: {name[:40]!r} {version[:40]!r}")
            continue
        source, source_version = source_of(fields)
        packages.append(
            Package(
                Ecosystem.DEBIAN,
                name,
                version,
                licence=(licences or {}).get(name, ""),
                source=source,
                source_version=source_version,
                architecture=fields.get("architecture", ""),
                distribution=f"{system.id}-{system.version}" if system.id else "",
                suite=system.codename,
                own=fields.get("maintainer") == "Slipway" and version == _PLACEHOLDER_VERSION,
            )
        )
    if not packages and not unread and text.strip():
        unread.append("it has no entry")
    return packages, unread


def source_of(fields: Mapping[str, str]) -> tuple[str, str]:
    """Return the source package and its version; dpkg leaves out what is the same as the binary package's."""
    name, version = fields.get("package", ""), fields.get("version", "")
    match = _SOURCE.fullmatch(fields.get("source", ""))
    if not match:
        # A rebuild for one architecture has a version of its own: 5.2.15-2+b13 was made from 5.2.15-2.
        return name, re.sub(r"\+b\d+$", "", version)
    return match[1], match[2] or re.sub(r"\+b\d+$", "", version)


def stanzas(text: str) -> Iterator[dict[str, str]]:
    """Yield each stanza as lower-case field name -> first line; of continuation lines nothing is needed here."""
    fields: dict[str, str] = {}
    for line in text.splitlines():
        if not line.strip():
            if fields:
                yield fields
            fields = {}
        elif line[0] not in " \t" and ":" in line:
            name, _, value = line.partition(":")
            fields[name.strip().lower()] = value.strip()
    if fields:
        yield fields


def licences_of(copyright_text: str) -> str:
    """Return the licences of a machine-readable debian/copyright (DEP 5) as `A AND B`; "" for one in free words."""
    if not _MACHINE_READABLE.match(copyright_text.lstrip()):
        return ""
    return " AND ".join(dict.fromkeys(name.strip() for name in _LICENCE.findall(copyright_text)))


def is_older(version: str, other: str) -> bool:
    """Whether a Debian version comes before another (deb-version(7))."""
    ours, theirs = _parts(version), _parts(other)
    if ours[0] != theirs[0]:
        return ours[0] < theirs[0]
    for part, its in zip(ours[1:], theirs[1:], strict=True):
        for piece, opposite in zip_longest(_pieces(part), _pieces(its), fillvalue=_END):
            if piece != opposite:
                return piece < opposite
    return False


def _parts(version: str) -> tuple[int, str, str]:
    """Return epoch, upstream version and revision."""
    epoch, colon, rest = version.partition(":")
    if not colon:
        epoch, rest = "0", version
    upstream, _, revision = rest.rpartition("-") if "-" in rest else (rest, "", "")
    return int(epoch) if epoch.isdecimal() else 0, upstream, revision


def _pieces(text: str) -> list[_Piece]:
    """Return text and number by turns: `~` sorts before the end, the end before letters, letters before the rest."""
    return [
        ((*(-1 if char == "~" else ord(char) + (0 if char.isalpha() else 256) for char in words), 0), int(digits or 0))
        for words, digits in re.findall(r"(\D*)(\d*)", text)
    ]
