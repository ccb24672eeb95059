"""Differences: the variables of one environment held against those of another, or against what a platform has."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from slipway.config import references
from slipway.config.config import DOMAIN, Config
from slipway.config.explained import SLIPWAY, is_reference, shown_value
from slipway.config.kinds import Kind
from slipway.config.schema import Phase, Schema
from slipway.secret import Secret


class Outcome(StrEnum):
    """How a variable compares."""

    SAME = "same"
    DIFFERENT = "different"
    LEFT = "only left"
    RIGHT = "only right"


@dataclass(frozen=True, slots=True)
class Difference:
    """One variable of `services` on both sides; values are shown as they may be, and never for a secret."""

    name: str
    outcome: Outcome
    secret: bool
    services: tuple[str, ...]
    left: str = ""
    right: str = ""

    def as_json(self) -> dict[str, object]:
        """Return it in JSON's kinds; values are left out for secrets."""
        values = {} if self.secret else {"left": self.left, "right": self.right}
        shown = {"services": list(self.services), "name": self.name, "outcome": str(self.outcome)}
        return {**shown, "secret": self.secret, **values}


@dataclass(frozen=True, slots=True)
class Side:
    """A variable on one side: what is compared, and what may be shown of it unless it is a secret."""

    text: str = field(repr=False)
    shown: str = field(repr=False)
    secret: bool


def configured(config: Config) -> dict[str, dict[str, Side]]:
    """Return reader -> name -> what is configured, as written: two environments share references, not addresses."""
    domain = config.setting(DOMAIN) if DOMAIN in config.schema.variables else None
    public = references.public_values(config.workspace, config.domain) if domain and domain.text else {}

    def side(name: str, reader: str | None) -> Side | None:
        setting = config.setting(name, reader)
        if setting is None:
            return None
        text = setting.text.reveal()
        secret = setting.is_secret and not is_reference(text)
        known = {each: public.get(each, f"${{{each}}}") for each in setting.references}
        whole = text if "" in known else str(references.expand(text, known))
        return Side(text, shown_value(whole, setting.variable.type, secret=False, key=b""), secret)

    deploying = [name for name, variable in config.schema.variables.items() if variable.phase is Phase.DEPLOY]
    names: dict[str | None, Iterable[str]] = {reader: config.settings(reader) for reader in config.workspace.services}
    names[None] = deploying
    return {
        reader or SLIPWAY: {name: found for name in listed if (found := side(name, reader)) is not None}
        for reader, listed in names.items()
    }


def given(variables: Mapping[str, Mapping[str, str | Secret]], schema: Schema) -> dict[str, dict[str, Side]]:
    """Return service -> name -> what a service gets or has; a name that the schema does not know may be a secret."""

    def side(name: str, value: str | Secret) -> Side:
        variable = schema.variables.get(name)
        text = value.reveal() if isinstance(value, Secret) else value
        secret = isinstance(value, Secret) or variable is None or variable.secret
        kind = variable.type if variable else Kind.STRING
        return Side(text, shown_value(text, kind, secret=False, key=b""), secret)

    return {
        service: {name: side(name, value) for name, value in values.items()} for service, values in variables.items()
    }


def differences(
    left: Mapping[str, Mapping[str, Side]], right: Mapping[str, Mapping[str, Side]]
) -> tuple[Difference, ...]:
    """Return every variable of either side, services that agree on it together, in the order of their names."""
    found: dict[tuple[object, ...], Difference] = {}
    for service in dict.fromkeys((*left, *right)):
        ours, theirs = left.get(service, {}), right.get(service, {})
        for name in sorted({*ours, *theirs}):
            one = _compared(name, ours.get(name), theirs.get(name))
            known = found.setdefault((one.name, one.outcome, one.left, one.right), one)
            found[one.name, one.outcome, one.left, one.right] = replace(known, services=(*known.services, service))
    return tuple(sorted(found.values(), key=lambda one: (one.services, one.name)))


def _compared(name: str, left: Side | None, right: Side | None) -> Difference:
    secret = any(side.secret for side in (left, right) if side)
    shown = [side.shown if side and not secret else "" for side in (left, right)]
    if left is None or right is None:
        outcome = Outcome.LEFT if left else Outcome.RIGHT
    else:
        outcome = Outcome.SAME if Secret(left.text) == Secret(right.text) else Outcome.DIFFERENT
    return Difference(name, outcome, secret, (), *shown)
