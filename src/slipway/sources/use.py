"""Use: one place in the sources where a variable is read, given or asked for."""

from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """What a place does with the variable."""

    READ = "read"  # its value is taken; without one the default holds, or nothing
    NEEDED = "needed"  # its value is taken, and without one the process fails
    PASSED = "passed"  # perhaps: read from a mapping called `environ` that somebody handed in
    WRITTEN = "written"  # the process gives it to itself
    GIVEN = "given"  # a container or a file of variables gets it from here
    ARGUMENT = "argument"  # an argument of an image's build
    UNKNOWN = "unknown"  # the name is made up while the program runs; `name` is how it begins


READS = frozenset({Kind.READ, Kind.NEEDED, Kind.PASSED})
"""The kinds that take a value."""


class Moment(StrEnum):
    """When it happens: while an image is built or while a process runs."""

    BUILD = "build"
    RUN = "run"


class Otherwise(StrEnum):
    """What a reader of booleans makes of a word that it does not know."""

    TRUE = "true"
    FALSE = "false"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A line of a file; `file` is relative to the source, with slashes."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Words:
    """A reader's truth table, derived from its code: the words for true and false, and what any other one becomes."""

    true: frozenset[str]
    false: frozenset[str]
    otherwise: Otherwise
    folds_case: bool = True

    def says(self, text: str) -> bool | None:
        """Return what the reader makes of `text`; None where it refuses it."""
        word = text.strip().lower() if self.folds_case else text
        if word in self.true:
            return True
        if word in self.false:
            return False
        return None if self.otherwise is Otherwise.REFUSED else self.otherwise is Otherwise.TRUE


_YES, _NO = frozenset({"y", "yes", "t", "true", "on", "1"}), frozenset({"n", "no", "f", "false", "off", "0"})
STRICT = Words(_YES, _NO, Otherwise.REFUSED)
"""distutils.util.strtobool, and what decouple, environs and pydantic settings accept: any other word is an error."""
DJANGO_ENVIRON = Words(frozenset({"true", "on", "ok", "y", "yes", "1"}), frozenset(), Otherwise.FALSE)
"""django-environ's BOOLEAN_TRUE_STRINGS: whatever else is False, and nothing says so."""

META, PROCESS, GUARDED, LOOK_UP, LOADED = "import.meta.env", "process.env", "process.env?", "__ENV", "loadEnv"
"""What a script takes a variable from, in `Use.by`. GUARDED is behind the question whether there is a `process`."""


@dataclass(frozen=True, slots=True)
class Use:
    """One variable at one place.

    `default` is what the code falls back to, "" included; None where it has none or one that only running tells.
    `by` names what is around it: the settings that are made of it, the compose service, the build stage.
    `is_test` marks a place that no image runs.
    """

    name: str
    place: Place
    kind: Kind
    moment: Moment = Moment.RUN
    default: str | None = field(default=None, repr=False)
    has_default: bool = False
    words: Words | None = None
    is_bool_call: bool = False
    by: str = ""
    is_test: bool = False

    @property
    def reads(self) -> bool:
        """Whether the place takes the variable's value."""
        return self.kind in READS
