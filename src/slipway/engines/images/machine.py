"""What base images take over from this machine: certificate authorities, apt sources, apt options, pip's index."""

import configparser
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from slipway.errors import UsageError
from slipway.release.bases import Machine

CODENAME = "bookworm"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
_OPTIONS = re.compile(r'^\s*Acquire::(Check-Valid-Until|Check-Date)\s+"?(\w+)"?\s*;', re.IGNORECASE | re.MULTILINE)
_NAMES = ("bookworm", "trixie", "forky", "sid", "stable", "testing", "unstable", "oldstable")


@dataclass(frozen=True, slots=True)
class DebianMirror:
    """Where Debian comes from: `main` serves the release and its updates, `security` the security updates, or ""."""

    main: str
    security: str = ""

    def deb822(self) -> str:
        """Return the sources of Debian 12 as one deb822 text."""
        suites = [(self.main, f"{CODENAME} {CODENAME}-updates")]
        if self.security:
            suites.append((self.security, f"{CODENAME}-security"))
        return "\n".join(
            f"Types: deb\nURIs: {uri}\nSuites: {suite}\nComponents: main\nSigned-By: {KEYRING}\n"
            for uri, suite in suites
        )


def read_machine(root: Path = Path("/"), home: Path | None = None) -> Machine:
    """Read what base images take over from this machine.

    Raises `UsageError` when the address of a mirror holds a password.
    """
    mirror = find_mirror(
        _texts(root / "etc/apt", ("sources.list", "sources.list.d/*.list", "sources.list.d/*.sources"))
    )
    options = "".join(_texts(root / "etc/apt", ("apt.conf", "apt.conf.d/*")).values())
    lines = [f'Acquire::{name} "{value}";\n' for name, value in dict(_OPTIONS.findall(options)).items()]
    certificates = sorted((root / "usr/local/share/ca-certificates").rglob("*.crt"))
    return Machine(
        certificates={path.name: path.read_bytes() for path in certificates if path.is_file()},
        sources=mirror.deb822() if mirror else "",
        apt_options="".join(lines),
        pip_index=_pip_index(_pip_files(root, home)),
    )


def build_arguments(root: Path = Path("/"), home: Path | None = None) -> dict[str, str]:
    """Return what every image of a workspace is built with because this machine is as it is: pip's index.

    An index whose address holds a name or a password is left out: build arguments can be read by whoever has the cache.
    """
    return index_argument(_pip_index(_pip_files(root, home)))


def index_argument(index: str) -> dict[str, str]:
    """Return pip's index as a build argument; nothing without one, or where its address holds a name or a password."""
    try:
        credentials = urlsplit(index).username or urlsplit(index).password
    except ValueError:  # no address: pip itself says what is wrong with it
        return {}
    return {"PIP_INDEX_URL": index} if index and not credentials else {}


def own_home() -> Path | None:
    """Return this user's folder; None for one without."""
    try:
        return Path.home()
    except RuntimeError:
        return None


def find_mirror(files: Mapping[str, str]) -> DebianMirror | None:
    """Find Debian's own archive among apt source files (name → text), whatever release the machine itself runs.

    An archive is Debian's when it offers the component `main` of a suite that is called like a Debian release; of
    several, one whose path ends in `/debian` wins. Raises `UsageError` when its address holds a password, which would
    end in an image.
    """
    main: list[tuple[str, str]] = []
    security: list[str] = []
    for name, text in files.items():
        for uri, suite, components in _deb822(text) if name.endswith(".sources") else _one_line(text):
            release, _, pocket = suite.rstrip("/").partition("-")
            if release not in _NAMES or "main" not in components or urlsplit(uri).scheme not in {"http", "https"}:
                continue
            if urlsplit(uri).password:
                raise UsageError(
                    "the mirror's address holds a password, which would be readable in every base image",
                    where=name,
                    hint="move it to /etc/apt/auth.conf.d and let a proxy add it, or take base images from a registry",
                )
            if pocket == "security":
                security.append(uri)
            elif not pocket:
                main.append((uri.rstrip("/"), uri))
    if not main:
        return None
    chosen = next((uri for bare, uri in main if bare.endswith("/debian")), main[0][1])
    return DebianMirror(chosen, security[0] if security else "")


def _one_line(text: str) -> Iterator[tuple[str, str, list[str]]]:
    for line in text.splitlines():
        words = re.sub(r"\[[^]]*\]", " ", line.partition("#")[0]).split()
        if len(words) >= 4 and words[0] == "deb":
            yield words[1], words[2], words[3:]


def _deb822(text: str) -> Iterator[tuple[str, str, list[str]]]:
    for stanza in re.split(r"\n[ \t]*\n", text):
        fields: dict[str, list[str]] = {}
        words: list[str] = []
        for line in stanza.splitlines():
            if line.startswith("#"):
                continue
            if line[:1] in {" ", "\t"}:
                words += line.split()
            elif ":" in line:
                name, _, value = line.partition(":")
                words = fields[name.strip().lower()] = value.split()
        if "deb" in fields.get("types", ()) and fields.get("enabled", ["yes"])[:1] != ["no"]:
            for uri in fields.get("uris", ()):
                for suite in fields.get("suites", ()):
                    yield uri, suite, fields.get("components", [])


def _texts(folder: Path, patterns: tuple[str, ...]) -> dict[str, str]:
    paths = [path for pattern in patterns for path in sorted(folder.glob(pattern)) if path.is_file()]
    return {str(path): path.read_text("utf-8", "replace") for path in paths}


def _pip_files(root: Path, home: Path | None) -> list[Path]:
    return [root / "etc/pip.conf", *([home / ".config/pip/pip.conf", home / ".pip/pip.conf"] if home else [])]


def _pip_index(files: list[Path]) -> str:
    index = ""
    for file in files:
        parser = configparser.RawConfigParser()
        try:
            parser.read(file)
        except (configparser.Error, OSError, UnicodeDecodeError):
            continue
        index = parser.get("global", "index-url", fallback=index)
    return index
