"""Images with files, in memory."""

from collections.abc import Mapping

from slipway.errors import Refused
from slipway.testing.failing import Failing


class FakeImageFiles(Failing):
    """`held` maps (image, folder) to path -> content; `untagged` and `discarded` list what went, in order."""

    def __init__(self, held: Mapping[tuple[str, str], Mapping[str, bytes]] | None = None) -> None:
        super().__init__()
        self.held = dict(held or {})
        self.untagged: list[str] = []
        self.discarded: list[str] = []

    def read(self, image: str, folder: str) -> Mapping[str, bytes]:
        """Return what `held` has. Raises `Refused` without it."""
        self._called("read", image)
        if (image, folder) not in self.held:
            raise Refused(f"has no {folder}", where=image)
        return self.held[image, folder]

    def untag(self, reference: str) -> None:
        """Note the name."""
        self._called("untag", reference)
        self.untagged.append(reference)

    def discard(self, image: str) -> None:
        """Note the image."""
        self._called("discard", image)
        self.discarded.append(image)
