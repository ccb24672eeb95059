"""What a schema may not say: each rule takes one variable and yields what contradicts itself, with the key that does.

No message holds a default or an example: somebody may have put a secret there.
"""

import difflib
import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from slipway.config import patterns
from slipway.config.generated import ALPHABET
from slipway.config.kinds import Kind, split_url
from slipway.config.references import references, shown
from slipway.config.schema import BUNDLED, Phase, Variable

_BOUNDS = {"min", "max"}
_SIZES = {"min_length", "max_length", "pattern"}
_USES: dict[Kind, set[str]] = {
    **dict.fromkeys((Kind.INTEGER, Kind.NUMBER, Kind.DURATION), _BOUNDS),
    Kind.ENUM: {"choices"},
    Kind.LIST: {*_SIZES, "choices"},
    Kind.BOOLEAN: set(),
}
"""The constraints that a type has a use for; of all others it is `_SIZES`."""

_WITH_PASSWORD = {Kind.DATABASE_URL, Kind.REDIS_URL}
_RESERVED_ENVIRONMENTS = {"base": "env/base.env is what all share"}
_RESERVED_NAME = "SLIPWAY_VAR_"
_PLACEHOLDER = re.compile(r"<[^<>]+>|\.{3}|change[-_ ]?me|your[-_ ]|^(user|pass|passwo?r?d|secret)$", re.IGNORECASE)
_SHORTEST_SECRET = 8


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with a variable: `key` is the path below it, () for the variable itself."""

    key: tuple[str | int, ...]
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """What a variable may name: `variables` could be read, `names` are written; `words` mean services."""

    environments: tuple[str, ...]
    variables: Mapping[str, Variable]
    names: frozenset[str]
    words: Mapping[str, frozenset[str]]
    static: frozenset[str]
    references: frozenset[str]


@dataclass(frozen=True, slots=True)
class Case:
    """One variable under a rule."""

    name: str
    variable: Variable
    known: Known


Rule = Callable[[Case], Iterator[Wrong]]


def contradictions(name: str, variable: Variable, known: Known) -> Iterator[Wrong]:
    """Yield everything that one variable says against itself, or against the rest of the schema."""
    for rule in _RULES:
        yield from rule(Case(name, variable, known))


def environments(names: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield (environment, why no environment can have that name)."""
    for name in names:
        if why := _RESERVED_ENVIRONMENTS.get(name):
            yield name, f"cannot be an environment's name: {why}"


def _who(case: Case) -> Iterator[Wrong]:
    if case.variable.phase is Phase.DEPLOY and case.variable.services:
        yield Wrong(("services",), "phase deploy is read by Slipway alone, so no service gets it")
    if case.variable.phase is not Phase.DEPLOY and not case.variable.services:
        yield Wrong(("services",), "who gets it? (phase deploy: nobody)")
    for at, word in enumerate(case.variable.services):
        if word not in case.known.words:
            message = f"no service, role or image {word!r}; there are {', '.join(sorted(case.known.words))}"
            yield Wrong(("services", at), message, _close(word, case.known.words))
        elif word in case.variable.services[:at]:
            yield Wrong(("services", at), f"{word} is named twice")


def _needed(case: Case) -> Iterator[Wrong]:
    if isinstance(case.variable.required, bool):
        return
    if not case.variable.required:
        yield Wrong(("required",), "names no environment", "write false, or leave it out")
    for at, environment in enumerate(case.variable.required):
        if environment not in case.known.environments:
            message = f"no environment {environment!r}; there are {', '.join(case.known.environments)}"
            yield Wrong(("required", at), message, _close(environment, case.known.environments))
        elif environment in case.variable.required[:at]:
            yield Wrong(("required", at), f"{environment} is named twice")


def _default(case: Case) -> Iterator[Wrong]:
    if case.variable.default is None:
        return
    if case.variable.required:
        yield Wrong(("required",), "with a default it is never missing, so not required")
    if case.variable.secret:
        yield Wrong(("default",), "a secret has no default: it would stand in git and be the same everywhere")


def _computed(case: Case) -> Iterator[Wrong]:
    if not case.variable.computed:
        return
    if case.variable.required:
        yield Wrong(("required",), "computed: Slipway sets it, so nobody has to")
    for key in ("default", "generate", "example", "deprecated"):
        if getattr(case.variable, key) is not None:
            yield Wrong((key,), f"computed: Slipway sets it, so there is no {key}")
    if case.variable.phase is not Phase.RUN:
        yield Wrong(("phase",), "computed: Slipway sets it for a running process, so phase run, or none")
    if case.variable.secret:
        yield Wrong(("secret",), "computed: it follows from what is known, so it is no secret")


def _secret(case: Case) -> Iterator[Wrong]:
    if not case.variable.secret:
        if case.variable.type in _WITH_PASSWORD and case.variable.default is None and not case.variable.computed:
            yield Wrong(("type",), f"a {case.variable.type.replace('_', ' ')} holds a password", "add `secret: true`")
        return
    if case.variable.type is Kind.BOOLEAN:
        yield Wrong(("secret",), "true or false is no secret")
    if case.variable.example is not None and _looks_real(case.variable.example, case.variable.type):
        message = "the example of a secret looks like a real one, and stands in git"
        yield Wrong(("example",), message, "write a reference, <password>, or none")


def _looks_real(text: str, kind: Kind) -> bool:
    if references(text) or _PLACEHOLDER.search(text):
        return False
    if kind in {Kind.URL, Kind.DATABASE_URL, Kind.REDIS_URL}:
        parts = split_url(text)
        secret = (parts.password or "") if parts else text
    else:
        secret = text
    return len(secret) >= _SHORTEST_SECRET and not _PLACEHOLDER.search(secret)


def _generate(case: Case) -> Iterator[Wrong]:
    length, bounds = case.variable.generate, case.variable.constraints
    if length is None:
        return
    if not case.variable.secret:
        yield Wrong(("generate",), "is for secrets only")
    if length < (bounds.min_length or 0):
        yield Wrong(("generate",), f"makes {length} characters, shorter than min_length {bounds.min_length}")
    elif length > (bounds.max_length or length):
        yield Wrong(("generate",), f"makes {length} characters, longer than max_length {bounds.max_length}")
    elif any(case.variable.misfit(sample) for sample in _samples(length)):
        message = "makes values of A-Z a-z 0-9 - _, which type and constraints do not all take"
        yield Wrong(("generate",), message, "let the pattern take them, or leave generate out")


def _samples(length: int) -> Iterator[str]:
    """Yield values as `generate` makes them in which every character stands at every place that it can have."""
    first = ALPHABET[:-2]
    for shift in range(len(ALPHABET)):
        letters = (ALPHABET[shift:] + ALPHABET[:shift]) * (length // len(ALPHABET) + 1)
        yield first[shift % len(first)] + letters[: length - 1]


def _portal(case: Case) -> Iterator[Wrong]:
    if not case.name.startswith(BUNDLED):
        if case.variable.phase is Phase.BUILD:
            message = f"what a portal's build reads begins with {BUNDLED}, and nothing else is read at build"
            yield Wrong(("phase",), message, "phase run, or none")
        return
    if case.variable.secret or case.variable.type in _WITH_PASSWORD:
        yield Wrong(("secret",), f"a {BUNDLED} name ends up in every browser, so it cannot be secret")
    if case.variable.phase is Phase.DEPLOY:
        yield Wrong(("phase",), f"a {BUNDLED} name is read by a portal: phase run, build, or none")
    for at, word in enumerate(case.variable.services):
        if case.known.words.get(word, case.known.static) - case.known.static:
            yield Wrong(("services", at), f"a {BUNDLED} name is read by portals alone, and {word} is none")


def _bounds(case: Case) -> Iterator[Wrong]:
    kind, bounds = case.variable.type, case.variable.constraints
    for key in sorted(bounds.model_fields_set - _USES.get(kind, _SIZES)):
        message = "choices belong to type enum or list" if key == "choices" else f"type {kind} has no use for it"
        yield Wrong(("constraints", key), message, _way_out(kind))
    for least, most in (("min", "max"), ("min_length", "max_length")):
        low, high = getattr(bounds, least), getattr(bounds, most)
        if low is not None and high is not None and low > high:
            yield Wrong(("constraints", least), f"{least} is larger than {most}, so nothing fits")
        elif kind is Kind.INTEGER and None not in {low, high} and math.ceil(low) > math.floor(high):
            yield Wrong(("constraints", least), f"no whole number lies between {least} and {most}")
    if kind is Kind.DURATION and (bounds.max or 0) < 0:
        yield Wrong(("constraints", "max"), "is negative, and no duration is")
    if bounds.pattern is not None and (found := patterns.problem(bounds.pattern)):
        yield Wrong(("constraints", "pattern"), found)


def _choices(case: Case) -> Iterator[Wrong]:
    kind, bounds = case.variable.type, case.variable.constraints
    if kind is Kind.ENUM and not bounds.choices:
        yield Wrong(("constraints",), "choices belong to type enum, and enum needs them")
    for at, choice in enumerate(bounds.choices):
        if not choice or choice != choice.strip() or not choice.isprintable():
            yield Wrong(("constraints", "choices", at), "is empty, has spaces around it or a control character")
        elif kind is Kind.LIST and "," in choice:
            yield Wrong(("constraints", "choices", at), "has a comma, which begins another item")
        elif choice in bounds.choices[:at]:
            yield Wrong(("constraints", "choices", at), f"{choice} is listed twice")


def _way_out(kind: Kind) -> str:
    useful = ", ".join(sorted(_USES.get(kind, _SIZES)))
    return f"of constraints it takes {useful}" if useful else "it takes no constraints"


def _texts(case: Case) -> Iterator[Wrong]:
    pattern = case.variable.constraints.pattern
    if pattern is not None and patterns.problem(pattern):
        return  # nothing would fit, and why is told
    for key, text in (("default", case.variable.default), ("example", case.variable.example)):
        if text is None:
            continue
        open_names = [found for found in references(text) if found not in case.known.references]
        if open_names:
            named = ", ".join(map(shown, open_names))
            yield Wrong(
                (key,), f"refers to {named}, which does not exist", _close(open_names[0], case.known.references)
            )
        elif not references(text) and (wrong := case.variable.misfit(text)):
            yield Wrong((key,), wrong.message, wrong.hint)


def _deprecated(case: Case) -> Iterator[Wrong]:
    given = case.variable.deprecated
    if given is None:
        return
    if case.variable.required:
        yield Wrong(("required",), "deprecated, so nobody needs it")
    if case.variable.generate is not None:
        yield Wrong(("generate",), "deprecated, so nobody needs one made up")
    if given.use is None:
        return
    other = case.known.variables.get(given.use)
    if given.use == case.name:
        yield Wrong(("deprecated", "use"), "names the variable itself")
    elif given.use not in case.known.names:
        yield Wrong(("deprecated", "use"), f"no variable {given.use}", _close(given.use, case.known.names))
    elif other is not None and other.deprecated is not None:
        yield Wrong(("deprecated", "use"), f"{given.use} is deprecated, too", f"see its own `{other.deprecated}`")
    elif other is not None and case.variable.secret and not other.secret:
        yield Wrong(("deprecated", "use"), f"{given.use} is no secret, and this one is")


def _words(case: Case) -> Iterator[Wrong]:
    if case.name.startswith(_RESERVED_NAME):
        yield Wrong((), f"{_RESERVED_NAME} is how the process gives a variable of any other name")
    told = {"description": case.variable.description}
    if case.variable.deprecated is not None:
        told["deprecated"] = case.variable.deprecated.reason
    for key, text in told.items():
        if not text.strip() or not text.isprintable():
            yield Wrong((key,), "must be one line of text", "write it behind >- to break it in the file")


_RULES: tuple[Rule, ...] = (
    _who,
    _needed,
    _default,
    _computed,
    _secret,
    _generate,
    _portal,
    _bounds,
    _choices,
    _texts,
    _deprecated,
    _words,
)


def _close(word: str, names: Collection[str]) -> str:
    begins = [name for name in names if len(word) > 1 and name.startswith(word)]
    close = begins if len(begins) == 1 else difflib.get_close_matches(word, list(names), 1)
    return f"did you mean {close[0]}?" if close else ""
