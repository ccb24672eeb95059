"""Rules over secrets: kept out of git, used once, known to nobody else."""

import re
from collections.abc import Iterator

from slipway.checks.facts import Facts, issue
from slipway.checks.held import STORES, URLS, Held, all_held, held, lacks_password
from slipway.checks.issue import Issue, Severity
from slipway.config.credentials import passwords, typed_passwords
from slipway.config.kinds import Kind
from slipway.config.layers import COMMITTED, FOLDER, Assignment, Layer
from slipway.config.references import REFERENCE
from slipway.config.schema import Schema
from slipway.config.sealed import SUFFIX
from slipway.secret import Secret

# What may follow a reference that stands for a whole address: a database number, a query that names no password.
_AFTER_REFERENCE = re.compile(r"(/\d{1,2})?(\?(?!.*pass)[a-z_]+=[\w.-]{0,20}(&[a-z_]+=[\w.-]{0,20})*)?")
# An address whose password alone is secret, and a reference.
_PASSWORD_REFERRED_TO = re.compile(r"[a-z+]+://[\w.-]*:\$\{([\w.-]+)\}@(?:[\w.:-]|\$\{[\w.]+\})+(?:/[\w.-]{0,40})?")
_SHORTEST = 12
# As short as a value of an example is looked at.
_SHORTEST_OF_EXAMPLE = 8


def committed(facts: Facts) -> Iterator[Issue]:
    """`secret.committed`: a secret's value, or an address with its password, is in a file that belongs into git."""
    for assignment in facts.config.layers.assignments:
        if assignment.layer in COMMITTED and (what := _given_away(facts, assignment)):
            file = f"{FOLDER}/{facts.config.environment}.secrets.env"
            hint = f"move it to {file}; if it was ever pushed, give the secret a new value"
            name = assignment.line.name
            message = f"{name} {what} and stands in a file that belongs into git"
            yield Issue("secret.committed", Severity.ERROR, name, assignment.line.where, message, hint)


def _given_away(facts: Facts, assignment: Assignment) -> str:
    """Return what an assignment gives away, as the message says it; "" for nothing."""
    schema, text = facts.config.schema, assignment.line.value.reveal()
    variable = schema.variables.get(assignment.line.name)
    if variable is None or not text:
        return ""
    if not variable.secret:
        # On a developer's own machine an address with a password is as good as none.
        return "has a password in its address" if facts.is_public and typed_passwords(text) else ""
    is_open = variable.type in STORES and lacks_password(REFERENCE.sub("1", text))
    return "" if is_open or _is_reference(schema, variable.type, text) else "is a secret"


def _is_reference(schema: Schema, kind: Kind, text: str) -> bool:
    """Whether all that is secret of a text is behind a reference to a secret."""
    if kind in URLS and (match := _PASSWORD_REFERRED_TO.fullmatch(text)):
        return _is_secret(schema, match[1])
    match = REFERENCE.match(text)
    if match is None or not _is_secret(schema, match[1]):
        return False
    rest = text[match.end() :]
    return not rest or (kind in URLS and _AFTER_REFERENCE.fullmatch(rest) is not None)


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


def reused(facts: Facts) -> Iterator[Issue]:
    """`secret.reused`: two secrets have one value, so whoever learns one has both."""
    owners: dict[str, list[Held]] = {}
    for each in all_held(facts):
        others = owners.setdefault(each.text, [])
        for first in others:
            if not (first.seen.name == each.seen.name or _is_one(first, each)):
                message = f"has the same {_value(each)} as {first.seen.name} ({first.seen.setting.where})"
                yield issue(each.seen, "secret.reused", message, "give each secret a value of its own")
                break
        others.append(each)


def _is_one(one: Held, other: Held) -> bool:
    """Whether two secrets with one value are meant to be one."""
    return one.opens_the_same(other) or one.is_made_of(other) or other.is_made_of(one)


def _value(each: Held) -> str:
    return "value" if each.is_whole else "password"


def same_elsewhere(facts: Facts) -> Iterator[Issue]:
    """`secret.elsewhere`: another environment has the same secret: whoever gets into one is in both."""
    others = {name: set(values) | _passwords(values) for name, values in facts.elsewhere.items()}
    for each in all_held(facts):
        if len(each.text) >= _SHORTEST and not each.is_dsn:
            places = sorted(name for name, values in others.items() if Secret(each.text) in values)
            if places:
                message = f"has the same {_value(each)} in {', '.join(places)}"
                yield issue(each.seen, "secret.elsewhere", message, "give each environment a value of its own")


def _passwords(values: frozenset[Secret]) -> set[Secret]:
    return {Secret(password) for value in values for password in passwords(value.reveal())}


def unread(facts: Facts) -> Iterator[Issue]:
    """`secret.unread`: another environment's file of secrets cannot be read here, so nothing was held against it."""
    for fault in facts.unread:
        message = f"{fault.message}; no secret was compared with this file"
        yield Issue("secret.unread", Severity.INFO, facts.config.environment, fault.where, message, fault.hint)


def example(facts: Facts) -> Iterator[Issue]:
    """`secret.example`: a secret's value stands in an example file, which everybody who has the source has."""
    if not facts.is_public:
        return
    shown = {
        Secret(password): file
        for value, file in facts.examples.items()
        for password in passwords(value.reveal())
        if len(password) >= _SHORTEST_OF_EXAMPLE
    }
    for seen in facts.seen:
        for each in held(seen):
            text = Secret(each.text)
            if file := facts.examples.get(text) or shown.get(text):
                what = "is the value" if each.is_whole else "has the password"
                message = f"{what} that stands in {file}, for everybody who has the source to read"
                yield issue(seen, "secret.example", message, "give it a value of its own")
