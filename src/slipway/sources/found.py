"""Found: everything that a checkout's sources say, as one frozen value."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from slipway.sources.use import Kind, Place, Use


@dataclass(frozen=True, slots=True)
class Trouble:
    """A file, or a part of the checkout, that could not be read; what is in it is not known."""

    place: Place
    message: str


@dataclass(frozen=True, slots=True)
class Assigned:
    """One assignment of Django's settings: which variables it is made of, and which texts stand in it.

    `written` is the whole value where it is a plain word or number (`True`, `600`), else "". `is_text` says that a text
    in the code becomes the value, at least as a fallback. `made` is each variable with the literal text that is put to
    it: `("REDIS_URL", "/1")` for `f"{REDIS_URL}/1"`.
    """

    name: str
    place: Place
    variables: tuple[str, ...] = ()
    texts: tuple[str, ...] = field(default=(), repr=False)
    written: str = ""
    is_text: bool = False
    made: tuple[tuple[str, str], ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of a Dockerfile: what it starts from, and the Debian packages that it installs (name -> its line)."""

    base: str
    place: Place
    packages: tuple[tuple[str, int], ...] = ()
    installs_npm: int = 0


@dataclass(frozen=True, slots=True)
class Dockerfile:
    """One Dockerfile of the checkout; `program` is the first word of what the last stage starts."""

    file: str
    stages: tuple[Stage, ...] = ()
    program: str = ""
    program_line: int = 0


@dataclass(frozen=True, slots=True)
class Container:
    """One service of a compose file: the image that it runs or what builds it, its ports and env files with lines."""

    name: str
    place: Place
    image: str = ""
    context: str = ""
    dockerfile: str = ""
    published: tuple[tuple[str, int], ...] = ()
    env_files: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class RawSecret:
    """A secret that is put into a URL as it is, so that one with `#`, `/` or `?` breaks the URL."""

    name: str
    place: Place
    by: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What one file says."""

    uses: tuple[Use, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    assigned: tuple[Assigned, ...] = ()
    dockerfiles: tuple[Dockerfile, ...] = ()
    containers: tuple[Container, ...] = ()
    raw_secrets: tuple[RawSecret, ...] = ()


@dataclass(frozen=True)
class Found(Reading):
    """What all files say, in the order of their names."""

    def of(self, *kinds: Kind) -> Iterator[Use]:
        """Yield the uses of these kinds outside tests."""
        return (use for use in self.uses if use.kind in kinds and not use.is_test)

    def file(self, path: str) -> Dockerfile | None:
        """Return the Dockerfile at `path`."""
        return next((one for one in self.dockerfiles if one.file == path), None)
