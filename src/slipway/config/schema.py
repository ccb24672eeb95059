"""Schema: every variable once, as `env/schema.yaml` states it; strict about itself."""

import re
from collections.abc import Collection, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from slipway.config.document import Document, read_document
from slipway.config.fault import Fault, refuse, shown
from slipway.config.kinds import LISTS, Kind, Misfit, items, misfit
from slipway.config.references import REFERENCE
from slipway.config.workspace import Name, Workspace


class Stage(StrEnum):
    """What kind of environment it is; rules are as strict as the stage asks."""

    DEVELOPMENT = "development"
    REHEARSAL = "rehearsal"
    PRODUCTION = "production"


class Phase(StrEnum):
    """When a variable is read: by the running process, or by Slipway itself."""

    RUN = "run"
    DEPLOY = "deploy"


def _text(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


Text = Annotated[str, BeforeValidator(_text)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Constraints(_Model):
    """Bounds of a value: `min` and `max` of a number, lengths in characters, `pattern` for the whole text."""

    min: float | None = None
    max: float | None = None
    min_length: int | None = Field(default=None, ge=0)
    max_length: int | None = Field(default=None, ge=1)
    pattern: str | None = None
    choices: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("min is larger than max")
        if self.min_length is not None and self.max_length is not None and self.min_length > self.max_length:
            raise ValueError("min_length is larger than max_length")
        if self.pattern is not None:
            try:
                re.compile(self.pattern)
            except re.error as error:
                raise ValueError(f"pattern is no regular expression: {error}") from error
        return self

    def range_misfit(self, number: float) -> Misfit | None:
        """Return why a number is out of bounds."""
        if self.min is not None and number < self.min:
            return Misfit("range", f"must be at least {self.min:g}")
        if self.max is not None and number > self.max:
            return Misfit("range", f"must be at most {self.max:g}")
        return None

    def size_misfit(self, size: int, unit: str) -> Misfit | None:
        """Return why a text or a list is too short or too long."""
        if self.min_length is not None and size < self.min_length:
            return Misfit("short", f"has {size} {unit}, at least {self.min_length} are needed")
        if self.max_length is not None and size > self.max_length:
            return Misfit("long", f"has {size} {unit}, at most {self.max_length} are allowed")
        return None


class Variable(_Model):
    """One variable. `services` holds service, role or image names; `required` is true, false or a list of environments.

    `generate` is the length of the secret that the rehearsal makes up; `computed` variables are set by Slipway alone.
    """

    type: Kind
    description: str = Field(min_length=3)
    services: tuple[str, ...] = ()
    phase: Phase = Phase.RUN
    required: bool | tuple[Name, ...] = False
    default: Text | None = None
    secret: bool = False
    computed: bool = False
    generate: int | None = Field(default=None, ge=16, le=256)
    example: Text | None = None
    deprecated: str | None = None
    constraints: Constraints = Constraints()

    @model_validator(mode="after")
    def _agree(self) -> Self:
        found = [message for wrong, message in self._contradictions() if wrong]
        if found:
            raise ValueError("; ".join(found))
        return self

    def _contradictions(self) -> Iterator[tuple[bool, str]]:
        yield self.secret and self.default is not None, "a secret has no default"
        yield self.generate is not None and not self.secret, "generate is for secrets only"
        yield self.default is not None and self.required is True, "with a default it is never missing, so not required"
        yield (
            (self.type is Kind.ENUM) != bool(self.constraints.choices),
            "choices belong to type enum, and enum needs them",
        )
        yield (self.phase is Phase.DEPLOY) == bool(self.services), "services: who gets it? (phase deploy: nobody)"
        yield (
            self.computed and (self.default is not None or self.required is not False),
            "computed: no default, not required",
        )
        yield (
            (self.generate is not None and self.generate < (self.constraints.min_length or 0)),
            "generate is shorter than min_length",
        )

    def is_required_in(self, environment: str) -> bool:
        """Whether the environment needs a value."""
        return self.required if isinstance(self.required, bool) else environment in self.required

    def misfit(self, text: str) -> Misfit | None:
        """Return why `text` does not fit type and constraints; the message never holds the text."""
        return misfit(self.type, text) or self._out_of_bounds(text)

    def _out_of_bounds(self, text: str) -> Misfit | None:
        bounds = self.constraints
        if bounds.choices and text not in bounds.choices:
            return Misfit("choice", f"must be one of {', '.join(bounds.choices)}")
        if bounds.pattern is not None and not re.fullmatch(bounds.pattern, text):
            return Misfit("pattern", f"does not match {bounds.pattern}")
        if self.type in {Kind.INTEGER, Kind.NUMBER}:
            return bounds.range_misfit(float(text))
        if self.type in LISTS:
            return bounds.size_misfit(len(items(text)), "items")
        return bounds.size_misfit(len(text), "characters")


VariableName = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{0,63}$")]


BUNDLED = "VITE_"
"""What the names begin with that a portal reads: Vite hands every one of them to the browser."""


class Schema(_Model):
    """The environments and their stage, and every variable by name."""

    environments: dict[Name, Stage]
    variables: dict[VariableName, Variable]

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


def read_schema(file: Path, root: Path, workspace: Workspace) -> tuple[Schema | None, list[Fault]]:
    """Read the schema and hold it against itself and the workspace. Returns None when it cannot be used."""
    document, faults = read_document(file, shown(file, root))
    if document is None:
        return None, faults
    schema, wrong = document.validate(Schema)
    faults += wrong
    if schema is not None:
        known: Collection[str] = frozenset().union(*(names_of(workspace, service) for service in workspace.services))
        for name, variable in schema.variables.items():
            faults += _variable_faults(schema, document, name, variable, known)
    return (None if any(fault.fatal for fault in faults) else schema), faults


def load_schema(file: Path, root: Path, workspace: Workspace) -> Schema:
    """Read the schema or raise one `UsageError` with everything wrong in it, each with file:line."""
    schema, faults = read_schema(file, root, workspace)
    refuse(faults, shown(file, root))
    assert schema is not None
    return schema


def _variable_faults(
    schema: Schema, document: Document, name: str, variable: Variable, known: Collection[str]
) -> Iterator[Fault]:
    def fault(key: str, message: str) -> Fault:
        return Fault("schema.variable", document.where(("variables", name, key)), f"{name}.{key}: {message}")

    for service in variable.services:
        if service not in known:
            yield fault("services", f"no service, role or image {service!r}; there are {', '.join(sorted(known))}")
    for environment in variable.required if isinstance(variable.required, tuple) else ():
        if environment not in schema.environments:
            yield fault("required", f"no environment {environment!r}; there are {', '.join(schema.environments)}")
    for key, text in (("default", variable.default), ("example", variable.example)):
        if text is not None and not REFERENCE.search(text) and (wrong := variable.misfit(text)):
            yield fault(key, wrong.message)
    if name.startswith(BUNDLED) and variable.secret:
        yield fault("secret", "a VITE_ name ends up in every browser, so it cannot be secret")
    if name.startswith(BUNDLED) and variable.phase is not Phase.RUN:
        yield fault("phase", "a VITE_ name is read by a portal: phase run, or none")
