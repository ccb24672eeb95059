"""Where a layer goes among the project's middleware."""

from collections.abc import Mapping
from typing import Any


def first(settings: Mapping[str, Any], name: str) -> list[str]:
    """Return the middleware with `name` outermost, unless it is there already."""
    layers = list(settings.get("MIDDLEWARE", ()))
    return layers if name in layers else [name, *layers]


def last(settings: Mapping[str, Any], name: str) -> list[str]:
    """Return the middleware with `name` next to the view, unless it is there already."""
    layers = list(settings.get("MIDDLEWARE", ()))
    return layers if name in layers else [*layers, name]


def after(settings: Mapping[str, Any], name: str, anchor: str) -> list[str]:
    """Return the middleware with `name` right inside of `anchor`, outermost where that is missing."""
    layers = list(settings.get("MIDDLEWARE", ()))
    if name in layers:
        return layers
    if anchor not in layers:
        return [name, *layers]
    at = layers.index(anchor) + 1
    return [*layers[:at], name, *layers[at:]]
