"""Committed examples of env files: what a person is told to set. They are read as documents of intent."""

from pathlib import Path

from slipway.config.dotenv import read_env_file
from slipway.sources.found import Reading, Trouble
from slipway.sources.use import Kind, Place, Use


def read_example(path: Path, file: str) -> Reading:
    """Return what an example of an env file sets. How its lines are read by whom is another check's."""
    lines, faults = read_env_file(path, file)
    uses = [
        Use(line.name, _place(line.where), Kind.GIVEN, default=line.value.reveal(), has_default=True) for line in lines
    ]
    troubles = [Trouble(_place(one.where), one.message) for one in faults if one.fatal and one.id.startswith("file.")]
    return Reading(tuple(uses), tuple(troubles))


def _place(where: str) -> Place:
    file, _, line = where.rpartition(":")
    return Place(file, int(line)) if line.isdecimal() and file else Place(where, 1)
