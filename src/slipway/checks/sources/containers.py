"""Rules over the repository's own Dockerfiles and compose files, none of which Slipway uses, and over portals."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from slipway.checks.issue import Issue, Severity
from slipway.checks.sources.stand import Stand, is_development
from slipway.config.schema import BUNDLED
from slipway.config.workspace import Engine
from slipway.sources.use import GUARDED, PROCESS, Kind, Place, Use

_NOT_USED = "Slipway's own images do not use this file"
_BROWSER = re.compile(r"(VITE|REACT_APP|NEXT_PUBLIC|NUXT_PUBLIC)_\w+")
_PLACEHOLDER = re.compile(
    r"change[-_ ]?me|replace|your[-_.]|placeholder|<[a-z _-]+>|\bexample\b|\.(example|invalid|test)\b", re.IGNORECASE
)
_ADDRESS_NAME = re.compile(r"\w*(URL|URI|HOST|ORIGIN|ENDPOINT|DOMAIN)")
_OF_TOOLS = re.compile(r"INDEX|REGISTRY|MIRROR|PROXY|PIP|NPM|UV_|BASE_")
_CLIENT = re.compile(r"postgresql-client")
_SERVER = re.compile(r"(?:^|/)(?:postgres|postgis|timescaledb)[^:]*:(?:pg)?(\d+)")


def vite_at_run(stand: Stand) -> Iterator[Issue]:
    """`sources.vite-run`: a container that only serves files is given a VITE_ variable, read when it was built."""
    places: dict[str, list[tuple[Place, str]]] = {}
    static = {(one.place.file, one.name) for one in stand.found.containers if stand.is_static(one)}
    for use in stand.found.of(Kind.GIVEN):
        if use.name.startswith(BUNDLED) and (use.place.file, use.by) in static:
            places.setdefault(use.name, []).append((use.place, use.by))
    built = {(use.place.file, use.by, use.name) for use in stand.found.of(Kind.ARGUMENT)}
    for name, found in sorted(places.items()):
        only = [service for place, service in found if (place.file, service, name) not in built]
        message = f"{name} is given to a running nginx, where nothing reads it: it was read when the bundle was built"
        message += f"; {', '.join(only)} ha{'s' if len(only) == 1 else 've'} it nowhere else" if only else ""
        hint = "build.args of the service; images of Slipway read it in /env.js when they start"
        yield stand.issue("vite-run", Severity.WARNING, name, [place for place, _ in found], message, hint)


def argument_default(stand: Stand) -> Iterator[Issue]:
    """`sources.arg-default`: an ARG falls back to an address or a placeholder, shipped where nobody sets it."""
    for use in stand.found.of(Kind.ARGUMENT):
        if "compose" in use.place.file or not use.default or _OF_TOOLS.search(use.name):
            continue
        is_address = "://" in use.default and (_BROWSER.fullmatch(use.name) or _ADDRESS_NAME.fullmatch(use.name))
        if is_address or _PLACEHOLDER.search(use.default):
            what = f"the address {_shown(use.default)}" if "://" in use.default else "a placeholder"
            severity = Severity.INFO if is_development(use.place.file) else Severity.WARNING
            message = f"ARG {use.name} falls back to {what}: a build that forgets it ships that"
            hint = f'no default, and RUN test -n "${use.name}"; {_NOT_USED}'
            yield stand.issue("arg-default", severity, use.name, [use.place], message, hint)


def browser_address(stand: Stand) -> Iterator[Issue]:
    """`sources.vite-address`: an example or a compose file sends browsers to a name that they cannot resolve."""
    inner = {one.name for one in stand.found.containers} | set(stand.config.workspace.services)
    inner |= set(stand.config.workspace.databases)
    for use in stand.found.of(Kind.GIVEN, Kind.ARGUMENT):
        is_document = "compose" in use.place.file or "env" in use.place.file.rpartition("/")[2].split(".")
        if not _BROWSER.fullmatch(use.name) or not use.default or not is_document:
            continue
        problem = _unreachable(use, inner)
        if problem:
            message = f"{use.name} sends browsers to {_shown(use.default)}: {problem}"
            hint = "the API's public https address"
            yield stand.issue("vite-address", Severity.WARNING, use.name, [use.place], message, hint)


def _unreachable(use: Use, inner: set[str]) -> str:
    host = _host(use.default or "")
    if not host:
        return ""
    is_local = host in {"localhost", "127.0.0.1", "0.0.0.0", "::1"} or host.endswith(".localhost")  # noqa: S104
    if is_local:
        # On one's own machine that is right, and an example is copied there.
        is_meant = is_development(use.place.file) or "compose" not in use.place.file
        return "" if is_meant else "that is the visitor's own machine"
    return "a name inside a Docker network" if host in inner or "." not in host else ""


def _host(text: str) -> str:
    try:
        return urlsplit(text).hostname or ""
    except ValueError:
        return ""


def _shown(text: str) -> str:
    """Return scheme and host of an address: enough to know it, and no password."""
    try:
        parts = urlsplit(text)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "no address"
    return f"{parts.scheme}://{(parts.hostname or '')[:60]}{port}"


def process_env(stand: Stand) -> Iterator[Issue]:
    """`sources.process-env`: code for browsers reads `process.env`, which Vite leaves as it is and no browser has."""
    places: dict[tuple[str, bool], list[Place]] = {}
    for use in stand.own_uses:
        is_node = re.search(r"\.config\.\w+$", use.place.file) or use.name == "NODE_ENV"  # Vite does replace NODE_ENV
        if use.by in {PROCESS, GUARDED} and not is_node and use.kind is not Kind.UNKNOWN:
            places.setdefault((use.name, use.by == GUARDED), []).append(use.place)
    for (name, guarded), found in sorted(places.items()):
        fate = "which is never there" if guarded else "which fails: process is not defined"
        message = f"process.env.{name} is read in a browser, {fate}; Vite knows import.meta.env alone"
        severity = Severity.INFO if guarded else Severity.WARNING
        yield stand.issue("process-env", severity, name, found, message, f"import.meta.env.{BUNDLED}...")


def raw_secret(stand: Stand) -> Iterator[Issue]:
    """`sources.secret-url`: a secret is put into a URL as it is; one with `#`, `/` or `?` becomes another address."""
    places: dict[tuple[str, str], list[Place]] = {}
    for one in stand.found.raw_secrets:
        if not is_development(one.place.file):
            places.setdefault((one.name, one.by), []).append(one.place)
    for (name, by), found in sorted(places.items()):
        message = f"{by} is put together with {name} as it is: a password with # / ? @ or % breaks it"
        hint = f"set {by} whole with the password percent-encoded, or keep the password to A-Z a-z 0-9 - _"
        yield stand.issue("secret-url", Severity.WARNING, name, found, message, hint)


def client_version(stand: Stand) -> Iterator[Issue]:
    """`sources.client-version`: an image has whatever PostgreSQL client Debian has today, the server has a version."""
    versions = [one.version for one in stand.config.workspace.databases.values() if one.engine is Engine.POSTGRESQL]
    versions += [match[1] for one in stand.found.containers if (match := _SERVER.search(one.image))]
    places = [
        Place(one.file, line)
        for one in sorted(stand.found.dockerfiles, key=lambda one: (is_development(one.file), one.file))
        for stage in one.stages
        for package, line in stage.packages
        if _CLIENT.fullmatch(package) and "alpine" not in stage.base
    ]
    if places and versions:
        major = versions[0].partition(".")[0]
        message = f"postgresql-client without a version: a newer Debian brings a newer client than the server's {major}"
        hint = f"postgresql-client-{major}; a newer one's dump may not restore. Slipway dumps with the server's own"
        yield stand.issue("client-version", Severity.WARNING, "postgresql-client", places, message, hint)


def node_env(stand: Stand) -> Iterator[Issue]:
    """`sources.node-env`: NODE_ENV is production while npm installs, so that the tools which build are left out."""
    places = []
    for use in stand.found.of(Kind.GIVEN, Kind.ARGUMENT):
        if use.name != "NODE_ENV" or use.default != "production":
            continue
        if "compose" in use.place.file:
            places += [use.place] if use.kind is Kind.ARGUMENT else []
            continue
        built = stand.found.file(use.place.file)
        for number, stage in enumerate(built.stages if built else ()):
            assert built is not None
            ends = built.stages[number + 1].place.line if number + 1 < len(built.stages) else 1 << 30
            if stage.place.line < use.place.line < ends and stage.installs_npm > use.place.line:
                places.append(use.place)
    if places:
        message = "NODE_ENV is production before npm installs: devDependencies, which build the portal, are left out"
        yield stand.issue(
            "node-env",
            Severity.WARNING,
            "NODE_ENV",
            places,
            message,
            "set it after the install, or npm ci --include=dev",
        )
