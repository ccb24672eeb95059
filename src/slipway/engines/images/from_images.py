"""What a Dockerfile starts from: its text out of a context, and the images it names as the engine has them."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from slipway.engines.images.context import Entry
from slipway.errors import SlipwayError, UsageError
from slipway.ports import ImageBuild

if TYPE_CHECKING:
    from slipway.engines.images.buildkit import BuildKitImages


class Bases:
    """Base images of one run, each looked up once."""

    def __init__(self, images: "BuildKitImages") -> None:
        self._images = images
        self._ids: dict[str, str] = {}

    def ids(self, references: Iterable[str]) -> dict[str, str]:
        """Return reference -> image id, "" where neither the engine nor a registry has it.

        Raises `UsageError` for a base of another architecture, or one whose registry wants another log-in.
        """
        return {reference: self._id(reference) for reference in references}

    def _id(self, reference: str) -> str:
        if reference not in self._ids:
            found = self._images.inspect(reference)
            if found is None:
                try:
                    self._images.pull(reference)
                except UsageError:
                    raise
                except SlipwayError:
                    # The builder asks once more and says what is wrong, with the Dockerfile's line.
                    self._ids[reference] = ""
                    return ""
                found = self._images.inspect(reference)
            if found and found.architecture and found.architecture != self._architecture:
                raise UsageError(
                    f"is an image for {found.architecture}, and this engine builds for {self._architecture}",
                    where=f"base image {reference}",
                    hint=f"docker pull the {self._architecture} one, or make base images here: inv build.bases",
                )
            self._ids[reference] = found.id if found else ""
        return self._ids[reference]

    @cached_property
    def _architecture(self) -> str:
        return self._images.architecture()


def dockerfile_of(build: ImageBuild, entries: Sequence[Entry]) -> str:
    """Return the text of a build's Dockerfile. Raises `UsageError` where the context has none."""
    for entry in entries:
        if entry.name == build.dockerfile and entry.source:
            return entry.source.read_text("utf-8", "replace")
    roots = ", ".join(str(part.root) for part in build.context)
    raise UsageError(f"there is no {build.dockerfile} in the build context", where=roots)
