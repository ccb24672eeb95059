"""Rules about an image as a whole, before anything is started from it: whose processor, how large."""

from collections.abc import Iterable
from dataclasses import dataclass

from slipway.checks.issue import Issue, Severity

_NEAR = 0.9
# The engine says `x86_64`, an image `amd64`.
_SAME = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i386": "386", "i686": "386"}


@dataclass(frozen=True, slots=True)
class Weighed:
    """One image as the engine shows it: `size` and `budget` in bytes (None: no budget), processors as it names them."""

    name: str
    reference: str
    size: int
    architecture: str
    engine: str
    budget: int | None = None

    def issue(self, rule: str, message: str, hint: str = "", severity: Severity = Severity.ERROR) -> Issue:
        """Return an issue about this image."""
        return Issue(f"images.{rule}", severity, self.name, self.reference, message, hint)


def fits_the_engine(image: Weighed) -> Iterable[Issue]:
    """The image's processor is the engine's."""
    own = _SAME.get(image.engine, image.engine)
    if image.architecture and own and image.architecture != own:
        told = f"is made for {image.architecture}, this engine runs {own}"
        yield image.issue("architecture", told, "build it on a machine of the host's kind")


def keeps_its_budget(image: Weighed) -> Iterable[Issue]:
    """The image is not larger than the workspace file allows, and it is told when it soon will be."""
    if image.budget is None:
        return
    told = f"has {image.size / 1e6:.0f} MB, its budget is {image.budget / 1e6:.0f} MB"
    if image.size > image.budget:
        yield image.issue("size", told, "look at its largest layers with `docker history`, or raise `budget`")
    elif image.size > image.budget * _NEAR:
        yield image.issue("size", told, "the next package may be too many", Severity.WARNING)


def check_image(image: Weighed) -> list[Issue]:
    """Ask both rules about one image."""
    return [*fits_the_engine(image), *keeps_its_budget(image)]
