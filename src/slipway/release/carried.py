"""What Coolify carries: the text, flags and phases with which a process gets exactly the value that is meant.

Coolify stores a text and two flags. For the run phase it writes `NAME=...` into a file that Docker Compose reads; for
the build phase into another one that bash sources; and it quotes by different rules for each (read in Coolify 4.3.11:
`EnvironmentVariable::realValue`, `ApplicationDeploymentJob::generate_buildtime_environment_variables`; compose-go).
So one value may need one text for running and another one for building, and some values have none at all.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,254}")
_FOREIGN = ("NIXPACKS_", "RAILPACK_")
# Both Laravel (with /u) and PHP's trim() cut these off.
_SPACE = r"\t-\r \x00\x85\xa0\u1680\u2000-\u200b\u200e\u2028\u2029\u202f\u205f\u3000\ufeff"
_TRIMMED = re.compile(f"^[{_SPACE}]|[{_SPACE}]$")
_BRACES = re.compile(r"\{\{(.*?)\}\}")
_SHARED = ("team.", "project.", "environment.", "server.")
# Linux takes no longer `NAME=value` into a process (MAX_ARG_STRLEN, 128 KiB).
_LONGEST = 131_000
_ESCAPED = re.compile(r"[\\\r\t\0\"']")
_ESCAPES = {"\\": "\\\\", "\r": "\\r", "\t": "\\t", "\0": "\\0", '"': '\\"', "'": "\\'"}
_UNESCAPES = {written: plain for plain, written in _ESCAPES.items()}
_WRITTEN = re.compile(r"\\[\\rt0\"']|[^\\\"']", re.DOTALL)
_JSON_SPACE = " #"
_JSON_SPACE_WRITTEN = "\\u0020#"
_ODD_END = re.compile(r"(?<!\\)(\\\\)*\\\Z")
_OTHERWISE = "change the value, or give it base64-encoded and decode it in the application"
# PHP gives up on JSON deeper than this; what is near it may be JSON there or not.
_DEEP = 500


@dataclass(frozen=True, slots=True)
class Carried:
    """One variable as Coolify has to store it. `text` may differ from the value that arrives, so it is as secret."""

    text: str = field(repr=False)
    is_literal: bool
    is_multiline: bool
    is_runtime: bool = True
    is_buildtime: bool = False


@dataclass(frozen=True, slots=True)
class Uncarried:
    """Why no text and no flags bring a value to the process unchanged, and what to do instead. Shows no value."""

    why: str
    way_out: str = _OTHERWISE


def carry(name: str, value: str, *, run: bool = True, build: bool = False) -> Carried | Uncarried:
    r"""Return how Coolify has to store `value` so that every phase asked for gets exactly it, or why it cannot.

    Exactly but for one case: ` #` inside a JSON value arrives as `\u0020#`, which is the same JSON.
    """
    if (fault := _unfit(name, value)) is not None:
        return fault
    phases = [build_phase for build_phase, wanted in ((False, run), (True, build)) if wanted]
    assert phases, "a variable of no phase"
    multiline = build or "\n" in value  # a build argument of one line is written into the Dockerfile, unquoted
    for text, literal in _candidates(value):
        if len(text.encode()) + len(name) > _LONGEST or _TRIMMED.search(text):
            continue
        if all(_brings(text, value, literal=literal or multiline, build=phase) for phase in phases):
            return Carried(text, literal, multiline, run, build)
    return _reason(value, run=run, build=build)


def arrives(text: str, *, is_literal: bool, is_multiline: bool, build: bool = False) -> str | None:
    """Return the value that a process gets from a stored text, or None where it depends on more or nothing arrives.

    ` #` in JSON is given as it was meant, not as it is written.
    """
    found = {_decoded(text, literal=is_literal or is_multiline, raw=raw, build=build) for raw in _may_be_raw(text)}
    if len(found) != 1:
        return None
    value = found.pop()
    return value.replace(_JSON_SPACE_WRITTEN, _JSON_SPACE) if value is not None and True in _may_be_raw(text) else value


def _unfit(name: str, value: str) -> Uncarried | None:
    """Return what no text and no flag helps against."""
    no_text = "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value)
    size = len(value.encode("utf-8", "surrogatepass")) + len(name)
    json_space = _JSON_SPACE_WRITTEN in value and True in _may_be_raw(value)
    faults = (
        (not _KEY.fullmatch(name), "the name must be letters, digits, _ and ., at most 255", "rename it"),
        (name.startswith(_FOREIGN), "Coolify never passes variables of this prefix to a container", "rename it"),
        (not value, "an empty value becomes null there", "leave the variable out"),
        (no_text, "it is no text that a process can be given", ""),
        (size > _LONGEST, "no process can be started with a value this long", "put it into a file"),
        (bool(_TRIMMED.search(value)), "white space at its start or end is cut off", ""),
        ("\r" in value, "versions of Compose differ in what they make of a carriage return", "use line feeds"),
        (_is_shared(value), "{{team. ...}} and the like are replaced by Coolify's shared variables", ""),
        (json_space, "\\u0020# is how ' #' in JSON is written there", "write it as ' #'"),
    )
    return next((Uncarried(why, way_out or _OTHERWISE) for broken, why, way_out in faults if broken), None)


def _is_shared(value: str) -> bool:
    return any(found.strip().startswith(_SHARED) for found in _BRACES.findall(value))


def _candidates(value: str) -> Iterator[tuple[str, bool]]:
    """Yield texts and whether they are literal, the plainest first."""
    yield value, True
    if "'" in value:
        yield value.replace("'", "\\'"), True
        if (text := _unescaped(value)) is not None:
            yield text.replace("$", "$$"), False
    if True in _may_be_raw(value):
        kept = value.replace(_JSON_SPACE, _JSON_SPACE_WRITTEN)
        for text in dict.fromkeys((kept, value.replace("$", "$$"), kept.replace("$", "$$"))):
            yield text, True


def _brings(text: str, value: str, *, literal: bool, build: bool) -> bool:
    meant = {value, value.replace(_JSON_SPACE, _JSON_SPACE_WRITTEN)} if True in _may_be_raw(value) else {value}
    return all(_decoded(text, literal=literal, raw=raw, build=build) in meant for raw in _may_be_raw(text))


def _decoded(text: str, *, literal: bool, raw: bool, build: bool) -> str | None:
    """Return what a process gets, `raw` being whether Coolify takes the text for JSON; None where nothing is sure."""
    if build:
        # Quotes at the ends are cut off, as if they were Coolify's own; bash then gets the rest in single quotes.
        return text.strip("'") if literal else None
    if not raw and literal:
        return _single_quoted(text)
    written = text if raw else _ESCAPED.sub(lambda found: _ESCAPES[found[0]], text)
    if "\n" in written or " #" in written or "$" in written.replace("$$", "") or written[0] in "'\"":
        return None
    return written.replace("$$", "$")


def _single_quoted(text: str) -> str | None:
    """Return what compose-go reads between single quotes around `text`, None where it does not end at the last one.

    A backslash takes the next character with it; only before a quote is it dropped itself.
    """
    units = re.findall(r"\\.|[^\\']", text, re.DOTALL)
    if "".join(units) != text:
        return None
    return "".join("'" if unit == "\\'" else unit for unit in units)


def _unescaped(value: str) -> str | None:
    """Return the text of which Coolify's backslashes make `value`, or None where there is none."""
    units = _WRITTEN.findall(value)
    if "".join(units) != value or any(unit in "\r\t\0\n" for unit in units):
        return None
    return "".join(_UNESCAPES.get(unit, unit) for unit in units)


def _may_be_raw(text: str) -> tuple[bool, ...]:
    """Return whether Coolify takes `text` for JSON, which it writes without quotes; both where PHP may differ."""
    if not text.startswith(("{", "[")):
        return (False,)
    try:
        json.loads(text, parse_constant=_not_json)
    except RecursionError:
        return (True, False)
    except ValueError:
        return (False,)
    doubtful = len(text) > _DEEP and max(text.count("{"), text.count("[")) > _DEEP // 2
    return (True, False) if doubtful or re.search(r"\\u[dD][89a-fA-F]", text) else (True,)


def _not_json(constant: str) -> None:
    raise ValueError(constant)  # NaN and Infinity are JSON to Python alone


def _reason(value: str, *, run: bool, build: bool) -> Uncarried:
    """Say why a value that has no fault of its own cannot be carried to these phases."""
    is_json, both = True in _may_be_raw(value), run and build
    one = "give it to one phase only"
    faults = (
        (build and value != value.strip("'"), "the build cuts off single quotes at its ends", ""),
        (is_json and "\n" in value, "JSON on several lines breaks", "write it on one line"),
        (is_json and "$" in value and both, "a $ in JSON must be doubled for running and not for the build", one),
        ("'" in value and both, "a single quote needs a backslash for running, which the build keeps", one),
        (bool(_ODD_END.search(value)), "a backslash at the end swallows the variables after it", ""),
        ("'" in value, "a single quote after a backslash ends the value early, and the deployment fails", ""),
    )
    why = next(((why, way_out) for broken, why, way_out in faults if broken), ("it does not arrive as it is", ""))
    return Uncarried(why[0], why[1] or _OTHERWISE)
