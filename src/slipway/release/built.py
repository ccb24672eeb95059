"""What is remembered of an image's last build, to and from JSON, and what the next build changed against it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from slipway.release.inputs import differences, told


@dataclass(frozen=True, slots=True)
class BuildRecord:
    """One build: the image's tag, id, size in bytes and layers, the digest of its inputs and their parts."""

    tag: str
    id: str
    size: int
    layers: tuple[str, ...]
    inputs: str
    parts: Mapping[str, str]

    def to_json(self) -> str:
        """Return the record as one JSON document."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "BuildRecord":
        """Read what `to_json` wrote. Raises `ValueError` on anything else."""
        try:
            data: dict[str, Any] = json.loads(text)
            return cls(
                tag=_text(data["tag"]),
                id=_text(data["id"]),
                size=int(data["size"]),
                layers=tuple(_text(layer) for layer in list(data["layers"])),
                inputs=_text(data["inputs"]),
                parts={_text(name): _text(value) for name, value in dict(data["parts"]).items()},
            )
        except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
            raise ValueError(f"not a record of a build: {error}") from error


@dataclass(frozen=True, slots=True)
class Change:
    """What a build changed against the one before: `parts` of its inputs, its size, how many layers are new."""

    since: str
    parts: tuple[str, ...]
    bytes: int
    new_layers: int
    shared_layers: int

    def in_words(self) -> str:
        """Return it for a person: `since 1.0.0-abc 2 changed: a.py, b.py; +12 kB, 1 new layer, 9 shared`."""
        layers = f"{self.new_layers} new layer{'' if self.new_layers == 1 else 's'}, {self.shared_layers} shared"
        return f"since {self.since} {told(self.parts)}; {_signed(self.bytes)}, {layers}"

    def as_json(self) -> dict[str, object]:
        """Return it for a program, with every part."""
        return {
            "since": self.since,
            "inputs": list(self.parts),
            "bytes": self.bytes,
            "new_layers": self.new_layers,
            "shared_layers": self.shared_layers,
        }


def change(before: BuildRecord, now: BuildRecord) -> Change:
    """Compare two builds of one image."""
    shared = _shared(before.layers, now.layers)
    return Change(
        before.tag, differences(before.parts, now.parts), now.size - before.size, len(now.layers) - shared, shared
    )


def _shared(before: Sequence[str], now: Sequence[str]) -> int:
    known = set(before)
    return sum(layer in known for layer in now)


def _signed(count: int) -> str:
    if abs(count) < 1_000_000:
        return f"{count / 1e3:+.0f} kB" if count else "same size"
    return f"{count / 1e6:+.1f} MB"


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value
