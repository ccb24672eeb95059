"""Rules for a portal's finished bundle: the values and look-ups that are really in it, held against what was meant.

Everything here reads texts; `verbs/portals.py` takes them out of the image.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from slipway.checks.issue import Issue, Severity
from slipway.checks.literals import Literal, literals
from slipway.config.schema import Variable
from slipway.config.workspace import Configured

_LOOK_UP = re.compile(r"globalThis\.__ENV\.(VITE_\w+)")
_ENV_SCRIPT = re.compile(r"""<script\b[^>]*\bsrc=["'][^"']*\benv\.js["']""")
# `new Worker(new URL("/assets/w-1.js", import.meta.url))` and its shorter forms
_WORKER = re.compile(r"""new (?:Shared)?Worker\((?:new URL\()?[^"'`)]{0,40}["'`]([^"'`]+\.m?js)["'`]""")
_WAY_OUT = "`configure: build` of the portal, or `--configure build`, writes values into the bundle"


@dataclass(frozen=True, slots=True)
class Bundle:
    """One portal's bundle: `files` are path -> text of its pages, scripts and styles, `image` the reference.

    `declared` are the variables that it may read; `values` are those that were meant to be written into it: where it is
    configured at start, those of phase build alone. `inner` are host names that mean something on the platform's
    network only.
    """

    portal: str
    image: str
    configured: Configured
    files: Mapping[str, str] = field(repr=False)
    declared: Mapping[str, Variable]
    values: Mapping[str, str] = field(default_factory=dict)
    inner: Collection[str] = frozenset()

    def issue(self, rule: str, file: str, message: str, hint: str = "", severity: Severity = Severity.ERROR) -> Issue:
        """Return an issue about a file of this bundle."""
        where = f"{self.image}: {file}" if file else self.image
        return Issue(f"portals.{rule}", severity, self.portal, where, message, hint)

    @property
    def look_ups(self) -> dict[str, list[str]]:
        """Variable -> the files that look it up in what /env.js says."""
        found: dict[str, list[str]] = {}
        for path, text in sorted(self.files.items()):
            for name in sorted(set(_LOOK_UP.findall(text))):
                found.setdefault(name, []).append(path)
        return found


def check_bundle(bundle: Bundle) -> list[Issue]:
    """Ask every rule about one bundle."""
    rules = (_looked_up, _workers, _page) if bundle.configured is Configured.START else ()
    return [issue for rule in (*rules, _written, _addresses) for issue in rule(bundle)]


def _looked_up(bundle: Bundle) -> Iterator[Issue]:
    """`portals.undeclared`, `portals.unread`: what the bundle looks up is what the container may be given."""
    look_ups = bundle.look_ups
    for name in sorted(look_ups.keys() - bundle.declared.keys()):
        hint = "describe it in env/schema.yaml with `services: [static]`"
        message = f"{name} is looked up and not declared, so it never has a value"
        yield bundle.issue("undeclared", look_ups[name][0], message, hint)
    for name in sorted(bundle.declared.keys() - look_ups.keys()):
        yield bundle.issue("unread", "", f"{name} is declared and nowhere looked up", severity=Severity.INFO)


def _workers(bundle: Bundle) -> Iterator[Issue]:
    """`portals.worker`: a worker is no page, so /env.js is not loaded in it and the look-up fails."""
    names = {found.rpartition("/")[2] for text in bundle.files.values() for found in _WORKER.findall(text)}
    for path, text in sorted(bundle.files.items()):
        if path.rpartition("/")[2] in names:
            for name in sorted(set(_LOOK_UP.findall(text))):
                message = f"{name} is read in a worker, which cannot be configured at start"
                yield bundle.issue("worker", path, message, f"hand it to the worker in a message; or {_WAY_OUT}")


def _page(bundle: Bundle) -> Iterator[Issue]:
    """`portals.page`: the page loads /env.js before anything looks into it."""
    page = bundle.files.get("index.html", "")
    script = _ENV_SCRIPT.search(page)
    if script is None or "<script" in page[: script.start()]:
        yield bundle.issue("page", "index.html", "does not load env.js before every other script", _WAY_OUT)


def _written(bundle: Bundle) -> Iterator[Issue]:
    """`portals.value`: each value that was meant is in the bundle. One that may be missing may also be unread."""
    for name, value in sorted(bundle.values.items()):
        if value and not any(form in text for text in bundle.files.values() for form in _forms(value)):
            required = name in bundle.declared and bundle.declared[name].required is True
            severity = Severity.ERROR if required else Severity.WARNING
            message = f"the value of {name} is nowhere in the bundle"
            yield bundle.issue("value", "", message, "is it read as import.meta.env." + name + "?", severity)


def _forms(value: str) -> set[str]:
    """Return how a value may stand in a script or a page."""
    escaped = value.replace("\\", "\\\\")
    forms = {value, escaped, escaped.replace('"', '\\"'), escaped.replace("'", "\\'"), escaped.replace("`", "\\`")}
    return forms | {value.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")}


def _addresses(bundle: Bundle) -> Iterator[Issue]:
    """`portals.placeholder`, `portals.local`: an address in the bundle that leads nowhere once it is shipped.

    Where a required variable stands before it (`__ENV.VITE_API_URL || "http://localhost:8000"`), it is never used.
    """
    required = {name for name, variable in bundle.declared.items() if variable.required is True}
    for path, text in sorted(bundle.files.items()):
        for literal in literals(text, bundle.inner):
            if any(value and literal.address.startswith(value) for value in bundle.values.values()):
                continue
            yield _told(bundle, path, literal, required)


def _before(bundle: Bundle, literal: Literal, required: Collection[str]) -> Iterator[str]:
    """Yield the required variables whose look-up, or whose value, stands before an address in its statement."""
    yield from (name for name in _LOOK_UP.findall(literal.before) if name in required)
    yield from (name for name, value in bundle.values.items() if name in required and value and value in literal.before)


def _told(bundle: Bundle, path: str, literal: Literal, required: Collection[str]) -> Issue:
    first = next(_before(bundle, literal, required), None)
    if literal.is_fallback and first is not None:
        message = f"{literal.address} is a fallback for {first}, which always has a value"
        return bundle.issue(literal.kind, path, message, severity=Severity.INFO)
    message = f"{literal.address} is written into the bundle: {literal.problem}"
    return bundle.issue(literal.kind, path, message, "read the address from a VITE_ variable")
