"""Rules over what is in the clear: no secret in a variable that is none, and none that browsers load."""

from collections.abc import Iterator
from urllib.parse import unquote

from slipway.checks.facts import Facts, issue, shown_name
from slipway.checks.held import all_held
from slipway.checks.issue import Issue, Severity
from slipway.checks.strength import is_common
from slipway.config.config import SCHEMA
from slipway.config.credentials import typed_passwords
from slipway.config.schema import BUNDLED
from slipway.config.secret_names import Promise, promise
from slipway.secret import Secret, forms

_SHORTEST = 8
# The longest secret that is searched in its other spellings: no key of a service is longer.
_LONGEST_SPELLED = 10_000
_CLEAR, _BROWSERS = ("secret.exposed", "the clear"), ("secret.vite", "a bundle that browsers load")


def exposed(facts: Facts) -> Iterator[Issue]:
    """`secret.exposed`, `secret.vite`: a secret's value, in any spelling, where everybody, or a browser, reads it."""
    clear = [(seen, _read(seen.text)) for seen in facts.seen if seen.text and not seen.setting.variable.secret]
    everything = "\n".join(read for _, read in clear)
    for text, owner in _secrets(facts).items():
        spelled = [form for form in _spellings(text) if form in everything]
        for seen, read in clear if spelled else ():
            if any(form in read for form in spelled):
                kind, place = _BROWSERS if seen.name.startswith(BUNDLED) else _CLEAR
                yield issue(seen, kind, f"carries the value of {owner} into {place}", f"take it out and renew {owner}")


def _read(text: str) -> str:
    """Return a text, and what it says once it is percent-decoded, however needlessly it was encoded."""
    return f"{text}\n{unquote(text)}" if "%" in text else text


def _secrets(facts: Facts) -> dict[str, str]:
    """Return each secret that ordinary words do not hold -> the variable that it is of."""
    found: dict[str, str] = {}
    for each in all_held(facts):
        is_owned = each.seen.setting.variable.secret and len(each.text) >= _SHORTEST
        if is_owned and not each.is_dsn and (each.is_whole or not is_common(each.text)):
            found.setdefault(each.text, each.seen.name)
    return found


def _spellings(text: str) -> frozenset[str]:
    """Return how a secret may stand in a value: raw, hex, base64, percent-encoded; of a key its longest line, too."""
    if len(text) > _LONGEST_SPELLED:
        return frozenset({text})
    line = max(text.splitlines(), key=len, default="").strip()
    pieces = {text} | ({line} if len(line) >= _SHORTEST else set())
    return frozenset({text}).union(*(forms(Secret(piece)) for piece in pieces))


def vite_names(facts: Facts) -> Iterator[Issue]:
    """`secret.vite`: under `VITE_`, which browsers load: an address with a password, a name that promises a secret.

    A key that may be a public one is a warning, what its vendor means for pages is nothing.
    """
    variables = facts.config.schema.variables
    for name, text, where in _given_to_browsers(facts):
        severity, what = _judged(name, text)
        if what:
            label = name if name in variables else shown_name(name)
            message = f"{label} ends up in every browser, and {what}"
            yield Issue("secret.vite", severity, label, where, message, "keep it on the server")


def _given_to_browsers(facts: Facts) -> Iterator[tuple[str, str, str]]:
    """Yield name, text and place of all that has the prefix, whether the schema knows it or not, and its defaults."""
    for name, variable in facts.config.schema.variables.items():
        if name.startswith(BUNDLED) and variable.default:
            yield name, variable.default, f"{SCHEMA} (default)"
    for assignment in facts.config.layers.assignments:
        if assignment.line.name.startswith(BUNDLED):
            yield assignment.line.name, assignment.line.value.reveal(), assignment.line.where


def _judged(name: str, text: str) -> tuple[Severity, str]:
    """Return how bad a variable of the browsers is, and why; "" for one that is right."""
    if typed_passwords(text):
        return Severity.ERROR, "its address has a password"
    match promise(name, text):
        case Promise.SURE:
            return Severity.ERROR, "its name or its value says that it is a secret"
        case Promise.MAYBE:
            return Severity.WARNING, "its name says that it is a key; one for pages is called public or publishable"
    return Severity.INFO, ""
