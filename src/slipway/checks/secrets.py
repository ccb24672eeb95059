"""Rules over secrets: kept out of git and out of browsers, strong, used once."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from slipway.checks.facts import Facts, Seen, issue
from slipway.checks.issue import Issue, Severity
from slipway.config.kinds import Kind
from slipway.config.layers import COMMITTED, FOLDER, Layer
from slipway.config.references import REFERENCE
from slipway.config.schema import Schema
from slipway.config.sealed import SUFFIX
from slipway.secret import Secret

# What may follow a reference that stands for a whole address: a database number, a query that names no password.
_AFTER_REFERENCE = re.compile(r"(/\d{1,2})?(\?(?!.*pass)[a-z_]+=[\w.-]{0,20}(&[a-z_]+=[\w.-]{0,20})*)?")
# An address whose password alone is secret, and a reference.
_PASSWORD_REFERRED_TO = re.compile(r"[a-z+]+://[\w.-]*:\$\{([\w.-]+)\}@(?:[\w.:-]|\$\{[\w.]+\})+(?:/[\w.-]{0,40})?")
_COMMON = re.compile(
    r"pass(word|wort)?|secret|admin|zamio|django|postgres|redis|letmein|qwert[yz]|abc|0?123+4*5*6*7*8*9*0*",
    re.IGNORECASE,
)
_URLS = frozenset({Kind.URL, Kind.DATABASE_URL, Kind.REDIS_URL})
_SHORTEST = 12
_FEWEST_DIFFERENT = 6
_SECRET_WORD = re.compile(r"SECRET|PASSWORD|PASSWD|TOKEN|PRIVATE|CREDENTIAL")


def committed(facts: Facts) -> Iterator[Issue]:
    """`secret.committed`: a secret's value stands in a file that belongs into git."""
    for assignment in facts.config.layers.assignments:
        name = assignment.line.name
        variable = facts.config.schema.variables.get(name)
        if variable is None or not variable.secret or assignment.layer not in COMMITTED:
            continue
        if assignment.line.value and not _is_reference(
            facts.config.schema, variable.type, assignment.line.value.reveal()
        ):
            file = f"{FOLDER}/{facts.config.environment}.secrets.env"
            hint = f"move it to {file}; if it was ever pushed, give the secret a new value"
            message = f"{name} is a secret and stands in a file that belongs into git"
            yield Issue("secret.committed", Severity.ERROR, name, assignment.line.where, message, hint)


def _is_reference(schema: Schema, kind: Kind, text: str) -> bool:
    """Whether all that is secret of a text is behind a reference to a secret."""
    if kind in _URLS and (match := _PASSWORD_REFERRED_TO.fullmatch(text)):
        return _is_secret(schema, match[1])
    match = REFERENCE.match(text)
    if match is None or not _is_secret(schema, match[1]):
        return False
    rest = text[match.end() :]
    return not rest or (kind in _URLS and _AFTER_REFERENCE.fullmatch(rest) is not None)


def _is_secret(schema: Schema, reference: str) -> bool:
    """Whether a reference stands for something that nobody else knows: an address with its password, a secret."""
    if reference.startswith("service."):
        return reference.rpartition(".")[2] in {"internal_url", "external_url", "password"}
    variable = schema.variables.get(reference.removeprefix("variable."))
    return variable is not None and variable.secret


def tracked(facts: Facts) -> Iterator[Issue]:
    """`secret.tracked`: git tracks a file of secrets."""
    files = {a.file for a in facts.config.layers.assignments if a.layer is Layer.SECRETS}
    for file in sorted(file for file in files & facts.tracked if not file.endswith(SUFFIX)):
        hint = f"git rm --cached {file}, commit, and give every secret in it a new value"
        yield Issue("secret.tracked", Severity.ERROR, file, file, "git tracks this file of secrets", hint)


def weak(facts: Facts) -> Iterator[Issue]:
    """`secret.weak`: a secret that can be guessed: short, few different characters, or a common word."""
    for seen in facts.seen if facts.is_public else ():
        guess = _guessable(seen)
        if guess and (reason := _weakness(guess)):
            yield issue(
                seen,
                "secret.weak",
                f"is weak: {reason}",
                'python3 -c "import secrets; print(secrets.token_urlsafe(48))"',
            )


def _guessable(seen: Seen) -> str | None:
    """Return the part of a secret that must not be guessed: the password of an address, else the whole text."""
    if not seen.text or not seen.setting.variable.secret or seen.setting.references:
        return None
    if seen.setting.variable.type not in _URLS:
        return seen.text
    try:
        return urlsplit(seen.text).password
    except ValueError:
        return None


def _weakness(text: str) -> str | None:
    if len(text) < _SHORTEST:
        return f"{len(text)} characters"
    left = _COMMON.sub("", text)
    if len(left) < _SHORTEST // 2:
        return "made of words that are tried first"
    distinct = len(set(text))
    if distinct < _FEWEST_DIFFERENT:
        return f"only {distinct} different characters"
    half = text[: len(text) // 2]
    return "one part repeated" if len(text) % 2 == 0 and half * 2 == text else None


def reused(facts: Facts) -> Iterator[Issue]:
    """`secret.reused`: two secrets have one value, so whoever learns one has both."""
    owners: dict[str, Seen] = {}
    for seen in facts.seen:
        if seen.setting.variable.secret and seen.text and not seen.setting.references:
            first = owners.setdefault(seen.text, seen)
            if first.name != seen.name:
                message = f"has the same value as {first.name} ({first.setting.where})"
                yield issue(seen, "secret.reused", message, "give each secret a value of its own")


def same_elsewhere(facts: Facts) -> Iterator[Issue]:
    """`secret.elsewhere`: another environment has the same secret: whoever gets into one is in both."""
    for seen in facts.seen:
        if seen.setting.variable.secret and seen.text and not seen.setting.references and len(seen.text) >= _SHORTEST:
            places = sorted(name for name, values in facts.elsewhere.items() if Secret(seen.text) in values)
            if places:
                message = f"has the same value in {', '.join(places)}"
                yield issue(seen, "secret.elsewhere", message, "give each environment a value of its own")


def unread(facts: Facts) -> Iterator[Issue]:
    """`secret.unread`: another environment's file of secrets cannot be read here, so nothing was held against it."""
    for fault in facts.unread:
        message = f"{fault.message}; no secret was compared with this file"
        yield Issue("secret.unread", Severity.INFO, facts.config.environment, fault.where, message, fault.hint)


def example(facts: Facts) -> Iterator[Issue]:
    """`secret.example`: a secret's value stands in an example file, which everybody who has the source has."""
    for seen in facts.seen if facts.is_public else ():
        if not seen.setting.variable.secret or not seen.text or seen.setting.references:
            continue
        if file := facts.examples.get(Secret(seen.text)):
            message = f"is the value that stands in {file}, for everybody who has the source to read"
            yield issue(seen, "secret.example", message, "give it a value of its own")


def exposed(facts: Facts) -> Iterator[Issue]:
    """`secret.exposed`, `secret.vite`: a secret's value inside a variable that is not secret, or that browsers load."""
    secrets = {
        seen.text: seen.name
        for seen in facts.seen
        if seen.setting.variable.secret and seen.text and len(seen.text) >= 8 and not seen.setting.references
    }
    for seen in facts.seen:
        if seen.setting.variable.secret or not seen.text:
            continue
        for owner in (name for value, name in secrets.items() if value in seen.text):
            kind, place = (
                ("secret.vite", "a bundle that browsers load") if _is_vite(seen) else ("secret.exposed", "the clear")
            )
            yield issue(seen, kind, f"carries the value of {owner} into {place}", f"take it out and renew {owner}")


def vite_names(facts: Facts) -> Iterator[Issue]:
    """`secret.vite`: a VITE_ name that promises a secret; Vite copies every one of them into the bundle."""
    for assignment in facts.config.layers.assignments:
        name = assignment.line.name
        if name.startswith("VITE_") and len(name) <= 40 and _SECRET_WORD.search(name):
            message = f"{name} ends up in every browser, and its name says that it is a secret"
            yield Issue("secret.vite", Severity.ERROR, name, assignment.line.where, message, "keep it on the server")


def _is_vite(seen: Seen) -> bool:
    return seen.name.startswith("VITE_")
