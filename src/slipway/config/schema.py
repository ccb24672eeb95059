"""Schema: every variable once, as `env/schema.yaml` states it. `schema_file.py` reads it, strictly."""

import math
from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import Annotated, Any

from slipway.config import patterns
from slipway.config.kinds import LISTS, Kind, Misfit, items, misfit, seconds
from slipway.config.lazily import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from slipway.config.policy import Day
from slipway.config.workspace import Name, Workspace


class Stage(StrEnum):
    """What kind of environment it is; rules are as strict as the stage asks."""

    DEVELOPMENT = "development"
    REHEARSAL = "rehearsal"
    PRODUCTION = "production"


class Phase(StrEnum):
    """When a variable is read.

    `run`: by the running process. `build`: while a portal's image is built, into its bundle, and by no container; one
    image serves every environment, so its value is the same in all of them. `deploy`: by Slipway itself, nobody else.
    """

    RUN = "run"
    BUILD = "build"
    DEPLOY = "deploy"


def _text(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


Text = Annotated[str, BeforeValidator(_text), WithJsonSchema({"type": ["string", "number", "boolean"]})]
"""A value as an env file holds it; in the schema's file a number or `true` need no quotes."""

VariableName = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{0,63}$")]
BUNDLED = "VITE_"
"""What the names begin with that a portal reads: Vite hands every one of them to the browser."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Constraints(_Model):
    """Bounds of a value; what a type has no use for is refused.

    `min` and `max` of a number, or of a duration in seconds; lengths in characters, of a list in items; `pattern` for
    the whole text, as `patterns.py` matches it; `choices` of an enum, or of each item of a list.
    """

    min: float | None = None
    max: float | None = None
    min_length: int | None = Field(default=None, ge=0)
    max_length: int | None = Field(default=None, ge=1)
    pattern: str | None = None
    choices: tuple[str, ...] = ()

    def choice_misfit(self, texts: Sequence[str], item: str = "") -> Misfit | None:
        """Return why one of the texts is none of the choices; `item` is what a list calls it."""
        for number, text in enumerate(texts, 1):
            if self.choices and text not in self.choices:
                return Misfit(
                    "choice", f"{f'{item} {number} ' if item else ''}must be one of {', '.join(self.choices)}"
                )
        return None

    def range_misfit(self, number: float, unit: str = "") -> Misfit | None:
        """Return why a number is out of bounds."""
        # No reader of whole numbers takes -0 for one of 0 and more.
        if self.min is not None and (number < self.min or (self.min == 0 and math.copysign(1, number) < 0)):
            return Misfit("range", f"must be at least {plain(self.min)}{unit}")
        if self.max is not None and number > self.max:
            return Misfit("range", f"must be at most {plain(self.max)}{unit}")
        return None

    def size_misfit(self, size: int, unit: str) -> Misfit | None:
        """Return why a text or a list is too short or too long."""
        if self.min_length is not None and size < self.min_length:
            return Misfit("short", f"has {size} {unit}, at least {self.min_length} are needed")
        if self.max_length is not None and size > self.max_length:
            return Misfit("long", f"has {size} {unit}, at most {self.max_length} are allowed")
        return None

    def pattern_misfit(self, text: str, *, secret: bool = False) -> Misfit | None:
        """Return why a text is not what the pattern describes. An unusable pattern describes nothing."""
        if self.pattern is None:
            return None
        if len(text) > patterns.LONGEST_TEXT:
            return Misfit("long", f"has more than {patterns.LONGEST_TEXT} characters, too many for its pattern")
        fits = patterns.fits(self.pattern, text, secret=secret)
        return None if fits else Misfit("pattern", f"does not match {self.pattern}")


class Deprecation(_Model):
    """Why nothing needs a variable any more, which one is used instead, and from which day on it is an error."""

    reason: str = Field(min_length=3)
    use: VariableName | None = None
    refused_from: Day | None = None

    def is_refused(self, today: date) -> bool:
        """Whether the grace is over."""
        return self.refused_from is not None and today >= self.refused_from

    def __str__(self) -> str:
        """Return it for a message, without a full stop."""
        use = f"; use {self.use}" if self.use else ""
        return f"{self.reason}{use}" + (f"; refused from {self.refused_from}" if self.refused_from else "")


def _reason(value: Any) -> Any:
    return {"reason": value} if isinstance(value, str) else value


def _reason_alone(schema: dict[str, Any]) -> None:
    schema["anyOf"].append({"type": "string"})


class Variable(_Model):
    """One variable. What contradicts itself is found when the file is read."""

    type: Kind = Field(description="What its text may look like.")
    description: str = Field(min_length=3, description="What it means, in one line for people.")
    services: tuple[str, ...] = Field(default=(), description="Who gets it: service, role or image names.")
    phase: Phase = Field(default=Phase.RUN, description="When it is read: run, build or deploy.")
    required: bool | tuple[Name, ...] = Field(
        default=False, description="Whether it needs a value: true, false, or the environments where it does."
    )
    default: Text | None = Field(default=None, description="Its value where no file sets it.")
    secret: bool = Field(default=False, description="Whether nobody may see its value.")
    computed: bool = Field(default=False, description="Whether Slipway alone sets it.")
    generate: int | None = Field(
        default=None, ge=16, le=256, description="Characters of the secret that a rehearsal makes up."
    )
    example: Text | None = Field(default=None, description="A value as it could be; of a secret, a reference.")
    deprecated: Annotated[Deprecation, BeforeValidator(_reason)] | None = Field(
        default=None, json_schema_extra=_reason_alone, description="Why nothing needs it any more."
    )
    constraints: Constraints = Field(default=Constraints(), description="Bounds of its value.")

    def is_required_in(self, environment: str) -> bool:
        """Whether the environment needs a value."""
        return self.required if isinstance(self.required, bool) else environment in self.required

    def misfit(self, text: str) -> Misfit | None:
        """Return why `text` does not fit type and constraints; the message never holds the text."""
        return misfit(self.type, text) or self._out_of_bounds(text)

    def _out_of_bounds(self, text: str) -> Misfit | None:
        bounds = self.constraints
        is_list = self.type in LISTS
        if wrong := bounds.choice_misfit(items(text) if is_list else [text], "item" if is_list else ""):
            return wrong
        if wrong := bounds.pattern_misfit(text, secret=self.secret):
            return wrong
        if self.type in {Kind.INTEGER, Kind.NUMBER}:
            return bounds.range_misfit(float(text))
        if self.type is Kind.DURATION:
            return bounds.range_misfit(seconds(text), " s")
        if self.type in LISTS:
            return bounds.size_misfit(len(items(text)), "items")
        return bounds.size_misfit(len(text), "characters")


class Schema(_Model):
    """The environments and their stage, and every variable by name."""

    environments: dict[Name, Stage] = Field(description="Each environment's stage: how strict the rules are.")
    variables: dict[VariableName, Variable] = Field(description="Every variable, by name.")

    def variables_of(self, workspace: Workspace, service: str, phase: Phase) -> dict[str, Variable]:
        """Return what `service` of `workspace` gets in `phase`, in the file's order."""
        names = names_of(workspace, service)
        return {
            name: variable
            for name, variable in self.variables.items()
            if variable.phase is phase and not names.isdisjoint(variable.services)
        }


def names_of(workspace: Workspace, service: str) -> frozenset[str]:
    """Return the words that mean `service` in the schema's `services`: its name, its role, its image."""
    found = workspace.services[service]
    return frozenset({service, str(found.role), found.image})


def words_of(workspace: Workspace) -> Mapping[str, frozenset[str]]:
    """Return every word that `services` may hold -> the services that it means."""
    found: dict[str, frozenset[str]] = {}
    for service in workspace.services:
        for word in names_of(workspace, service):
            found[word] = found.get(word, frozenset()) | {service}
    return found


def plain(number: float) -> str:
    """Return a bound as a person writes it: `63072000`, not `6.3072e+07`."""
    return str(int(number)) if number == int(number) else f"{number:g}"
