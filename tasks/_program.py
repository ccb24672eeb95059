"""Slipway's command line: Invoke's, but what cannot be understood ends with 2, as every wrong use does.

Invoke ends with 1, which a script that asks `check.*` would read as "the check says no". The launcher starts this file.
"""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

from invoke import __version__
from invoke.exceptions import Exit, ParseError
from invoke.program import Program


class CommandLine(Program):
    """Invoke's program with the exit codes of Slipway."""

    def parse_core_args(self) -> None:
        """Parse Invoke's own flags."""
        with _as_wrong_use(self.argv):
            super().parse_core_args()

    def parse_tasks(self) -> None:
        """Parse the tasks and theirs."""
        with _as_wrong_use(self.argv):
            super().parse_tasks()


@contextmanager
def _as_wrong_use(argv: list[str]) -> Iterator[None]:
    try:
        yield
    except ParseError as error:
        hint = "`./inv --list` names every task, `./inv --help TASK` its options"
        if wants_json(argv):
            told = {"message": str(error), "where": "", "hint": hint, "details": [], "exit_code": 2}
            sys.stdout.write(json.dumps({"ok": False, "error": told}, indent=2) + "\n")
        raise Exit(f"{error}\n  -> {hint}", code=2) from error


def wants_json(argv: list[str]) -> bool:
    """Whether a command line asks for JSON, as far as one can tell that is not understood."""
    return "--format=json" in argv or any(pair == ("--format", "json") for pair in pairwise(argv))


def main() -> None:
    """Run what was typed."""
    try:
        CommandLine(name="Invoke", binary="inv[oke]", binary_names=["invoke", "inv"], version=__version__).run()
    except BrokenPipeError:  # whoever read the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)


if __name__ == "__main__":
    main()
