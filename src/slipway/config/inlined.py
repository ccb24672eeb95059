"""`${variable.NAME}`: one variable's text inside another's, put in place before anything else looks at it.

What is put in place is text that a person wrote, so references inside it count. What a platform hands out comes later
and is never looked at again. Variables that refer to each other in a circle, or grow without measure, stay as they are
written and are told as faults.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from slipway.config.fault import Fault
from slipway.config.references import REFERENCE, VARIABLE, references

LONGEST = 100_000
"""Characters; a process takes no value much longer than this (Linux: 128 KiB for `NAME=value`)."""


@dataclass(frozen=True, slots=True)
class Written:
    """A variable's own text as a file has it, and where; `secret` says that nobody may see it."""

    text: str = field(repr=False)
    where: str
    secret: bool = False


Look = Callable[[str], Written | None]
"""Returns a variable's own text by name, None for one that does not exist or has no value."""


@dataclass(frozen=True, slots=True)
class Inlined:
    """A text with variables put in place: `secret` as soon as one of them is; `parts` are their names, in order."""

    text: str = field(repr=False)
    secret: bool = False
    parts: tuple[str, ...] = ()


def put_in_place(name: str, look: Look) -> Inlined:
    """Return the text of `name` with every `${variable.…}` in it replaced, however deep.

    What cannot be replaced (it does not exist, or `inline_faults` has something to say) stays as it is written.
    """
    own = look(name)
    assert own is not None
    order, circle = _walk(name, look, _variables)
    if circle:
        return Inlined(own.text, own.secret)
    done: dict[str, Inlined] = {}
    for each in order:
        written = look(each)
        assert written is not None
        done[each] = _put(written, done)
    return done[name]


def inline_faults(names: Iterable[str], look: Look, domain: str) -> Iterator[Fault]:
    """Yield what is wrong with references between variables: `env.cycle`, or `env.reference` for what grows too long.

    `domain` is the variable that every public address is made of, so `${domain}` and its like refer to it, too.
    """

    def linked(text: str) -> list[str]:
        return [*_variables(text), *([domain] if any(map(_is_public, references(text))) else [])]

    told = set()
    for name in names:
        if look(name) is None:
            continue
        _, circle = _walk(name, look, linked)
        if circle and frozenset(circle) not in told:
            told.add(frozenset(circle))
            yield _circle(circle, look)
        elif not circle and (fault := _unfit(name, look)) is not None:
            yield fault


def _circle(circle: tuple[str, ...], look: Look) -> Fault:
    first = circle.index(min(circle))
    turned = (*circle[first:], *circle[:first])
    places = [f"{name} {found.where}" for name in turned if (found := look(name)) is not None]
    message = f"{' -> '.join((*turned, turned[0]))}: each waits for the next"
    if len(turned) == 1:
        message = f"{turned[0]} refers to itself"
    where = places[0].partition(" ")[2]
    return Fault("env.cycle", where, message, f"give one of them a value of its own: {', '.join(places)}")


def _unfit(name: str, look: Look) -> Fault | None:
    own = look(name)
    assert own is not None
    if not _variables(own.text):
        return None
    whole = put_in_place(name, look)
    wanted = {inner for each in (name, *whole.parts) if (found := look(each)) for inner in references(found.text)}
    if whole.text == own.text and any(look(other) for other in _variables(own.text)):
        message = f"{name}: becomes longer than {LONGEST} characters once its references are put in place"
        return Fault("env.reference", own.where, message, "write out what is meant")
    if not set(references(whole.text)) <= wanted:
        message = f"{name}: a reference comes about only where two texts meet"
        return Fault("env.reference", own.where, message, "write each reference whole, in one place")
    return None


def _put(written: Written, done: dict[str, Inlined]) -> Inlined:
    pieces = REFERENCE.split(written.text)
    secret, parts = written.secret, []
    for index in range(1, len(pieces), 2):
        inner = done.get(pieces[index].removeprefix(VARIABLE)) if pieces[index].startswith(VARIABLE) else None
        if inner is None:
            pieces[index] = f"${{{pieces[index]}}}"
            continue
        parts += [pieces[index].removeprefix(VARIABLE), *inner.parts]
        secret = secret or inner.secret
        pieces[index] = inner.text
    if sum(map(len, pieces)) > LONGEST:
        return Inlined(written.text, written.secret)
    return Inlined("".join(pieces), secret, tuple(dict.fromkeys(parts)))


def _variables(text: str) -> list[str]:
    return [name.removeprefix(VARIABLE) for name in references(text) if name.startswith(VARIABLE)]


def _is_public(reference: str) -> bool:
    return reference == "domain" or (reference.startswith("service.") and ".public_" in reference)


def _walk(name: str, look: Look, links: Callable[[str], list[str]]) -> tuple[list[str], tuple[str, ...]]:
    """Return every variable that `name` is made of, each after those it needs, and the first circle that is met."""
    order: dict[str, None] = {}
    path: dict[str, Iterator[str]] = {}

    def enter(each: str) -> None:
        found = look(each)
        assert found is not None
        path[each] = iter(links(found.text))

    enter(name)
    while path:
        current, open_links = next(reversed(path.items()))
        following = next(open_links, None)
        if following is None:
            order[current] = None
            del path[current]
        elif following in path:
            names = list(path)
            return [], tuple(names[names.index(following) :])
        elif following not in order and look(following) is not None:
            enter(following)
    return list(order), ()
