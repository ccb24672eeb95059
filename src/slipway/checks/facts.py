"""Facts: what the rules over an environment look at, gathered once."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property

from slipway.checks import effective
from slipway.checks.issue import Issue, Severity
from slipway.config import references
from slipway.config.config import Config, Setting
from slipway.config.fault import Fault
from slipway.config.schema import Phase, Stage
from slipway.config.workspace import Role
from slipway.secret import Secret

# A name that is no name may be a line of a pasted key, so only what reads like one is shown.
_SHOWABLE_NAME = re.compile(r"(?=.{1,40}$)([A-Z]+|[A-Z][A-Z0-9]*(_[A-Z0-9]+)+)")


@dataclass(frozen=True, slots=True)
class Seen:
    """A setting as one or more services see it; `text` has its references replaced by public values and samples.

    `text` is None when a reference is unknown, which is a finding of its own.
    """

    setting: Setting
    services: tuple[str, ...]
    text: str | None = field(repr=False)

    @property
    def name(self) -> str:
        """The variable's name."""
        return self.setting.name


@dataclass(frozen=True)
class Facts:
    """One environment for the rules: its configuration and which of its files git tracks.

    `is_whole` is False when a file could not be read, so that what it would have held is not called missing.
    `elsewhere` are the values in other environments' files of secrets by the environment's name, `unread` what is wrong
    with those that cannot be read; `examples` are the values in example files with the file.
    """

    config: Config
    tracked: frozenset[str] = frozenset()
    is_whole: bool = True
    elsewhere: Mapping[str, frozenset[Secret]] = field(default_factory=dict, repr=False)
    unread: tuple[Fault, ...] = ()
    examples: Mapping[Secret, str] = field(default_factory=dict, repr=False)
    today: date = field(default_factory=lambda: datetime.now(UTC).date())

    @property
    def is_public(self) -> bool:
        """Whether others reach the environment: everything but development."""
        return self.config.stage is not Stage.DEVELOPMENT

    @cached_property
    def domain(self) -> str:
        """The environment's domain, a stand-in when it is not set (a finding of its own)."""
        return effective.domain(self.config)

    @cached_property
    def values(self) -> dict[str, str]:
        """What references stand for: public values, and samples of what only the platform knows."""
        return effective.stand_ins(self.config)

    @cached_property
    def seen(self) -> tuple[Seen, ...]:
        """Every variable with a value, once for each place that it comes from."""
        found: dict[tuple[str, str], tuple[Setting, list[str]]] = {}
        for service in self.config.workspace.services:
            given = self.config.settings(service) | self.config.settings(service, Phase.BUILD)
            for name, setting in given.items():
                found.setdefault((name, setting.where), (setting, []))[1].append(service)
        for name, variable in self.config.schema.variables.items():
            for reader in (None, *self.config.workspace.services) if variable.phase is Phase.DEPLOY else ():
                own = self.config.setting(name, reader)
                if own is not None:
                    found.setdefault((name, own.where), (own, []))
        return tuple(Seen(setting, tuple(services), self._text(setting)) for setting, services in found.values())

    def of(self, name: str) -> Iterator[Seen]:
        """Yield the seen settings of one variable that have a readable, fitting text."""
        for seen in self.seen:
            if seen.name == name and seen.text is not None and not seen.setting.variable.misfit(seen.text):
                yield seen

    def flag(self, name: str) -> Iterator[Seen]:
        """Yield the settings of a boolean that are true."""
        return (seen for seen in self.of(name) if (seen.text or "").lower() == "true")

    @property
    def portals(self) -> dict[str, str]:
        """The public address of each portal by service name."""
        return {name: self.values[f"service.{name}.public_url"] for name in self._public(Role.STATIC)}

    @property
    def apis(self) -> dict[str, str]:
        """The public host of each web service by name."""
        return {name: self.values[f"service.{name}.public_host"] for name in self._public(Role.WEB)}

    def _public(self, role: Role) -> list[str]:
        return [
            name for name in self.config.workspace.services_with(role) if f"service.{name}.public_url" in self.values
        ]

    def _text(self, setting: Setting) -> str | None:
        if any(name not in self.values for name in setting.references):
            return None
        return str(references.expand(setting.text.reveal(), self.values))


def issue(seen: Seen, kind: str, message: str, hint: str = "", severity: Severity = Severity.ERROR) -> Issue:
    """Return an issue about a setting at its place."""
    return Issue(kind, severity, seen.name, seen.setting.where, f"{seen.name} {message}", hint)


def shown_name(name: str) -> str:
    """Return a name that a file uses, or a stand-in where it could be a part of a secret."""
    return name if _SHOWABLE_NAME.fullmatch(name) else "a name"
