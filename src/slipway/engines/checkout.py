"""Checkout: what its files say that bears on an environment: the sources, the env files in it and who reads those.

It is walked once; what was found is remembered until something changes.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.checks.issue import Issue, Severity
from slipway.checks.look import Look
from slipway.checks.readers import RULES as READER_RULES
from slipway.sources.found import Trouble
from slipway.sources.use import Place
from slipway.sources.walk import Walk, walk

if TYPE_CHECKING:
    from slipway.config.config import Config
    from slipway.config.env_readers import Reader, Use
    from slipway.config.workspace import Workspace
    from slipway.engines.readers.memory import Answer
    from slipway.ports import EnvReader


class Checkout:
    """The checkout of one workspace."""

    def __init__(self, root: Path, workspace: "Workspace", memory: Path) -> None:
        """Take Slipway's own `root`, whose overlay runs with these sources, and the folder that remembers."""
        self._root = root
        self._workspace = workspace
        self._source = workspace.source
        self._memory = memory
        self.tools = root / ".slipway" / "tools"
        """Programs fetched for nothing but being asked what they read."""

    @property
    def looks(self) -> tuple[Look, Look]:
        """The looks that `inv check.env` takes beside its rules over the environment, each from a Config to issues."""
        return (
            Look(self.source_issues, _source_rules),
            Look(lambda _: self.reader_issues(), lambda: READER_RULES),
        )

    def source_issues(self, config: "Config") -> list[Issue]:
        """Hold the sources, and the overlay that runs with them, against a configuration."""
        from slipway.checks.sources.rules import issues
        from slipway.checks.sources.stand import OVERLAY
        from slipway.engines.source_reader import read_sources

        backend = self._workspace.backend
        settings = f"{backend.path}/{backend.settings.replace('.', '/')}"
        settings = f"{settings}/__init__.py" if (self._source / settings).is_dir() else f"{settings}.py"
        found = read_sources(self._walked, self._memory / "sources.json", settings)
        if not (self._source / settings).is_file():
            found = replace(found, troubles=(*found.troubles, Trouble(Place(settings, 1), "is not there")))
        overlay = read_sources(walk(self._root, (OVERLAY,)), self._memory / "overlay.json")
        return issues(config, found, overlay)

    def reader_issues(self) -> list[Issue]:
        """Return the lines of the checkout's env files that their readers do not take alike."""
        from slipway.engines.readers.machine import machine_readers
        from slipway.engines.readers.memory import remembered

        def stamps(wanted: Mapping[str, str], which: "list[Reader]") -> "dict[Reader, str]":
            return {one: reader.stamp for one, reader in machine_readers(self.tools, wanted, which).items()}

        found = remembered(self._memory / "readers.json", self._walked, stamps, self._asked)
        return [self._placed(one) for one in found]

    def readers(self) -> "tuple[list[Use], dict[str, str], dict[Reader, EnvReader]]":
        """Return who reads which env file, the npm packages asked for (name -> name@version), and whom to ask."""
        read, _, wanted = self._uses()
        return read, wanted, self.askable(wanted)

    def askable(self, wanted: Mapping[str, str]) -> "dict[Reader, EnvReader]":
        """Return a way to ask each reader, as this machine is now."""
        from slipway.engines.readers.machine import machine_readers

        return machine_readers(self.tools, wanted)

    @cached_property
    def _walked(self) -> Walk:
        return walk(self._source)

    def _uses(self) -> "tuple[list[Use], dict[str, Path], dict[str, str]]":
        from slipway.checks.readers.uses import uses
        from slipway.engines.readers.machine import npm_wanted
        from slipway.engines.readers.workspace import gather

        env_files, sources = gather(self._walked)
        return uses(env_files, sources), env_files, npm_wanted(sources)

    def _asked(self) -> "Answer":
        from slipway.checks.readers import issues
        from slipway.checks.readers.lines import is_plain_file
        from slipway.config.textfile import read_text
        from slipway.engines.readers.machine import machine_readers
        from slipway.engines.readers.memory import Answer

        read, env_files, wanted = self._uses()
        texts: dict[str, str] = {}
        found: list[Issue] = []
        for path in sorted({use.file for use in read}):
            text, faults = read_text(env_files[path], path)
            found += [
                Issue(f.id, Severity.ERROR if f.fatal else Severity.WARNING, path, f.where, f.message, f.hint)
                for f in faults
            ]
            if not any(fault.fatal for fault in faults) and not is_plain_file(text):
                texts[path] = text
        asked = [use for use in read if use.file in texts]
        readers = machine_readers(self.tools, wanted, sorted({use.reader for use in asked}))
        found += issues.reader_issues(asked, texts, readers)
        return Answer(found, {one: reader.stamp for one, reader in readers.items()}, wanted)

    def _placed(self, found: Issue) -> Issue:
        """Return a finding of a file of the source at the place that a person opens it by."""
        from slipway.config.fault import shown

        is_file = (self._source / found.where.partition(":")[0]).is_file()
        return replace(found, where=shown(self._source / found.where)) if is_file else found


def _source_rules() -> int:
    from slipway.checks.sources.rules import RULES

    return len(RULES)
