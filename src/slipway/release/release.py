"""Release: one immutable object for all services, to and from JSON."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from slipway.release.image import Version


@dataclass(frozen=True, slots=True)
class Release:
    """Version, images and what belongs to them.

    `images`: image name -> `repository@sha256:...` as the registry answered. `fingerprints`: service -> keyed digest
    of its variables. `migrations`: applied migration heads, `app -> name`. `created` is UTC.
    """

    version: Version
    images: Mapping[str, str]
    created: datetime
    fingerprints: Mapping[str, str]
    migrations: Mapping[str, str]

    def to_json(self) -> str:
        """Return the release as one JSON line with sorted keys."""
        return json.dumps(
            {
                "version": self.version.number,
                "revision": self.version.revision,
                "dirty": self.version.dirty,
                "images": dict(self.images),
                "created": self.created.isoformat(),
                "fingerprints": dict(self.fingerprints),
                "migrations": dict(self.migrations),
            },
            sort_keys=True,
        )

    @classmethod
    def from_json(cls, text: str) -> "Release":
        """Read what `to_json` wrote. Raises `ValueError` on anything else."""
        try:
            data: dict[str, Any] = json.loads(text)
            return cls(
                Version(_text(data["version"]), _text(data["revision"]), data["dirty"] is True),
                _texts(data["images"]),
                datetime.fromisoformat(_text(data["created"])),
                _texts(data["fingerprints"]),
                _texts(data["migrations"]),
            )
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise ValueError(f"not a release record: {error}") from error


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _texts(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        raise TypeError(f"{value!r} is no mapping")
    return {_text(key): _text(one) for key, one in value.items()}
