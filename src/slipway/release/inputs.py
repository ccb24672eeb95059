"""Inputs: all that an image is made from, as named parts and one digest; equal inputs need no second build.

Version, revision and time of a build are no inputs: they differ in every release and change nothing that runs. A
deployment tells a process which release it belongs to (`slipway.release.desired.release_variables`).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

INPUTS_LABEL = "slipway.inputs"
"""The label of an image that tells the digest of its inputs."""

RELEASE_ARGUMENTS = frozenset({"VERSION", "REVISION"})
"""Build arguments that are no inputs."""

RELEASE_LABELS = frozenset(
    {
        "org.opencontainers.image.version",
        "org.opencontainers.image.revision",
        "org.opencontainers.image.created",
        "slipway.dirty",
        INPUTS_LABEL,
    }
)
"""Labels that are no inputs."""

_SHOWN = 4


@dataclass(frozen=True)
class Inputs:
    """What one image is made from: part -> fingerprint.

    Parts are called `file src/manage.py`, `argument WRITABLE`, `label slipway.image`, `base debian:12`, `target` and
    `Dockerfile`. A base's fingerprint is its image id, "" while the engine does not have it.
    """

    parts: Mapping[str, str]

    @cached_property
    def digest(self) -> str:
        """64 hex digits. Every part is in it, under its name."""
        return sha256(json.dumps(sorted(self.parts.items())).encode("utf-8", "surrogatepass")).hexdigest()

    @property
    def tag(self) -> str:
        """The tag under which a registry keeps the image of these inputs, whatever release it belongs to."""
        return inputs_tag(self.digest)

    @property
    def unknown_bases(self) -> tuple[str, ...]:
        """Base images that nobody has seen yet: as long as there are any, the digest says nothing."""
        return tuple(part.removeprefix("base ") for part, found in self.parts.items() if _is_base(part) and not found)


def inputs_tag(digest: str) -> str:
    """Return the registry's tag for a digest of inputs."""
    return f"inputs-{digest[:16]}"


def inputs_of(
    files: Mapping[str, str],
    *,
    dockerfile: str,
    target: str | None,
    arguments: Mapping[str, str],
    labels: Mapping[str, str],
    bases: Mapping[str, str],
) -> Inputs:
    """Return the inputs of one build.

    `files` maps names in the context to fingerprints that tell kind, mode and content; `bases` maps the references
    that the Dockerfile starts from to image ids. Arguments and labels are kept as digests: the record of a build is a
    plain file.
    """
    parts = {f"file {name}": fingerprint for name, fingerprint in files.items()}
    parts |= {f"argument {name}": _short(value) for name, value in arguments.items() if name not in RELEASE_ARGUMENTS}
    parts |= {f"label {name}": _short(value) for name, value in labels.items() if name not in RELEASE_LABELS}
    parts |= {f"base {reference}": image for reference, image in bases.items()}
    return Inputs(parts | {"target": target or "", "Dockerfile": dockerfile})


def differences(before: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, ...]:
    """Return the parts that are new, other or gone, by name; files come first and without the word `file`."""
    names = sorted(name for name in {*before, *now} if before.get(name) != now.get(name))
    files = [_marked(name.removeprefix("file "), name, before, now) for name in names if name.startswith("file ")]
    return (*files, *(_marked(name, name, before, now) for name in names if not name.startswith("file ")))


def told(changed: tuple[str, ...]) -> str:
    """Return differences as a few words: `3 changed: a.py, b.py (new), base debian:12`."""
    shown = ", ".join(changed[:_SHOWN]) + (f" and {len(changed) - _SHOWN} more" if len(changed) > _SHOWN else "")
    return f"{len(changed)} changed: {shown}" if changed else "nothing changed"


def _marked(shown: str, name: str, before: Mapping[str, str], now: Mapping[str, str]) -> str:
    if name not in before:
        return f"{shown} (new)"
    return shown if name in now else f"{shown} (gone)"


def _is_base(part: str) -> bool:
    return part.startswith("base ")


def _short(value: str) -> str:
    return sha256(value.encode("utf-8", "surrogatepass")).hexdigest()[:32]
