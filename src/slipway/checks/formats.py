"""Findings in the forms that other programs read: GitHub's workflow commands and SARIF 2.1.0. Pure."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from pathlib import PurePosixPath
from urllib.parse import quote

from slipway.checks.issue import Issue, Severity

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_LINE = re.compile(r"(?P<file>.+):(?P<line>[1-9]\d*)")
_FILE = re.compile(r"[^\s:]+\.(py|[cm]?[jt]sx?|ya?ml|json|toml|lock|txt|sh|age)|[^\s:]*\.env[^\s:]*")
# What XML and terminals cannot hold has no place in a report either.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def place(issue: Issue) -> tuple[str, int]:
    """Return the file that an issue is in, relative to the checkout, and its line; ("", 0) for neither.

    `env/schema.yaml (default)` is a file without a line; a file outside the checkout is none that a reader has.
    """
    found = _LINE.fullmatch(issue.where)
    file, line = (found["file"], int(found["line"])) if found else (issue.where.partition(" (")[0], 0)
    if PurePosixPath(file).is_absolute() or ".." in PurePosixPath(file).parts or not _is_file(file):
        return "", 0
    return file, line


def _is_file(text: str) -> bool:
    """Whether a place names a file and not a host or a service."""
    if any(ord(character) < 32 for character in text):
        return False
    return _FILE.fullmatch(text) is not None or ("/" in text and "//" not in text) or text.startswith("Dockerfile")


def github(issues: Iterable[Issue]) -> Iterator[str]:
    """Yield a workflow command for each issue, escaped as GitHub's own toolkit does (actions/toolkit, command.ts)."""
    for issue in issues:
        file, line = place(issue)
        properties = {"file": file, "line": str(line or ""), "title": issue.id}
        told = ",".join(f"{name}={_property(value)}" for name, value in properties.items() if value)
        yield f"::{_COMMANDS[issue.severity]} {told}::{_data(_said(issue, with_place=not file))}"


def _said(issue: Issue, *, with_place: bool) -> str:
    said = f"{issue.where}: {issue.message}" if with_place else issue.message
    # A result without a text is not valid SARIF.
    return _CONTROL.sub("", said + (f"\n-> {issue.hint}" if issue.hint else "")) or issue.id


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(_CONTROL.sub("", text)).replace(":", "%3A").replace(",", "%2C")


def sarif(issues: Iterable[Issue], help_texts: Mapping[str, str], version: str) -> dict[str, object]:
    """Return a SARIF 2.1.0 log with one run. `help_texts` are id -> what is wrong in one sentence."""
    listed = list(issues)
    ids = sorted({*help_texts, *(issue.id for issue in listed)})
    index = {identity: number for number, identity in enumerate(ids)}
    seen: Counter[str] = Counter()
    run = {
        "tool": {"driver": _driver(ids, help_texts, version)},
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": True}],
        "results": [_result(issue, index[issue.id], seen) for issue in listed],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def sarif_failure(message: str, version: str) -> dict[str, object]:
    """Return the log of a run that could not look: it has no results and says so."""
    told = {"level": "error", "message": {"text": _CONTROL.sub("", message)}}
    run = {
        "tool": {"driver": _driver([], {}, version)},
        "invocations": [{"executionSuccessful": False, "toolExecutionNotifications": [told]}],
        "results": [],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _driver(ids: Iterable[str], help_texts: Mapping[str, str], version: str) -> dict[str, object]:
    rules = []
    for identity in ids:
        text = help_texts.get(identity) or identity
        rules.append(
            {
                "id": identity,
                "name": "".join(word.capitalize() for word in re.split(r"[.-]", identity)),
                "shortDescription": {"text": text},
                "help": {"text": f"{text}. Every id is explained in docs/checks.md."},
            }
        )
    return {"name": "Slipway", "semanticVersion": version, "rules": rules}


def _result(issue: Issue, rule: int, seen: Counter[str]) -> dict[str, object]:
    file, line = place(issue)
    location: dict[str, object] = {"logicalLocations": [{"name": issue.subject, "kind": "variable"}]}
    if file:
        physical: dict[str, object] = {"artifactLocation": {"uri": quote(file)}}
        if line:
            physical["region"] = {"startLine": line}
        location["physicalLocation"] = physical
    # Lines move when others are added; what is wrong with which variable of which file does not.
    what = "\n".join((issue.id, issue.subject, file, re.sub(r"\d+", "0", issue.message)))
    seen[what] += 1
    fingerprint = sha256(f"{what}\n{seen[what]}".encode("utf-8", "replace")).hexdigest()[:32]
    return {
        "ruleId": issue.id,
        "ruleIndex": rule,
        "level": _LEVELS[issue.severity],
        "message": {"text": _said(issue, with_place=not file)},
        "locations": [location],
        "partialFingerprints": {"slipwayIssue/v1": fingerprint},
    }


def help_texts(page: str) -> dict[str, str]:
    """Return id -> what is wrong, from the tables of docs/checks.md that are about an environment."""
    about = page.partition("## Portals' bundles")[0]
    rows = re.findall(r"^\| `([a-z]+\.[a-z-]+)`[^|]*\| (.+?) \|$", about, re.MULTILINE)
    return {identity: text.replace("`", "") for identity, text in rows}
