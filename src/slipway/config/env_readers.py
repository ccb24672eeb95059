"""The programs that read env files, by name, and what one of them made of one file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Reader(StrEnum):
    """A program or package that reads `NAME=value` files by rules of its own."""

    PYTHON_DOTENV = "python-dotenv"
    DJANGO_ENVIRON = "django-environ"
    DECOUPLE = "python-decouple"
    DOCKER = "docker --env-file"
    COMPOSE = "compose"
    NODE_DOTENV = "node dotenv"
    NODE = "node --env-file"
    VITE = "vite"
    BASH = "bash"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a program made of one file: name -> value, or None and a `reason` where it refuses the whole file.

    A variable that it does not see is not in `values`. No reason shows a part of the file.
    """

    values: Mapping[str, str] | None = field(repr=False)
    reason: str = ""
    runs_commands: bool = False
    """Whether it was not asked because it would run a part of the file as a command."""


@dataclass(frozen=True, slots=True, order=True)
class Use:
    """One env file (relative to the workspace) and one of its readers; `evidence` is the file:line that says so."""

    file: str
    reader: Reader
    evidence: str
