"""Record: what was found, as plain JSON values and back, so that an unchanged checkout is read once."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any

from slipway.sources.found import Assigned, Container, Dockerfile, Found, RawSecret, Stage, Trouble
from slipway.sources.use import Kind, Moment, Otherwise, Place, Use, Words


def plain(found: Found) -> dict[str, Any]:
    """Return everything as lists and plain values, each value's fields in their order."""
    return {one.name: [_row(part) for part in getattr(found, one.name)] for one in fields(Found)}


def _row(value: Any) -> Any:
    if hasattr(value, "__dataclass_fields__"):
        return [_row(getattr(value, name)) for name in value.__dataclass_fields__]
    if isinstance(value, tuple | frozenset):
        return [_row(part) for part in (sorted(value) if isinstance(value, frozenset) else value)]
    return value


def found(data: Any) -> Found:
    """Return what `plain` was made of. Raises KeyError, TypeError, ValueError or IndexError for anything else."""
    return Found(**{name: tuple(map(make, data[name])) for name, make in _MAKERS.items()})


def _use(row: Any) -> Use:
    name, place, kind, moment, default, has_default, words, *rest = row
    return Use(name, Place(*place), Kind(kind), Moment(moment), default, has_default, _words(words), *rest)


def _words(row: Any) -> Words | None:
    return Words(frozenset(row[0]), frozenset(row[1]), Otherwise(row[2]), row[3]) if row else None


def _assigned(row: Any) -> Assigned:
    name, place, variables, texts, written, is_text, made = row
    pairs = tuple((variable, text) for variable, text in made)
    return Assigned(name, Place(*place), tuple(variables), tuple(texts), written, is_text, pairs)


def _dockerfile(row: Any) -> Dockerfile:
    file, stages, *rest = row
    return Dockerfile(file, tuple(Stage(base, Place(*at), _pairs(have), npm) for base, at, have, npm in stages), *rest)


def _container(row: Any) -> Container:
    name, place, image, context, dockerfile, published, env_files = row
    return Container(name, Place(*place), image, context, dockerfile, _pairs(published), _pairs(env_files))


def _pairs(rows: Any) -> tuple[tuple[str, int], ...]:
    return tuple((text, line) for text, line in rows)


_MAKERS: dict[str, Callable[[Any], Any]] = {
    "uses": _use,
    "troubles": lambda row: Trouble(Place(*row[0]), row[1]),
    "assigned": _assigned,
    "dockerfiles": _dockerfile,
    "containers": _container,
    "raw_secrets": lambda row: RawSecret(row[0], Place(*row[1]), row[2]),
}
