"""Config: everything known before acting on one environment, frozen."""

import hmac
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from hashlib import sha256
from pathlib import Path
from urllib.parse import unquote

from slipway.config import references
from slipway.config.credentials import passwords, typed_passwords
from slipway.config.fault import Fault, refuse, shown
from slipway.config.health import HealthContract, health_contract
from slipway.config.inlined import Written, inline_faults, put_in_place
from slipway.config.kept import read_schema
from slipway.config.layers import FOLDER, Layer, Layers, read_layers
from slipway.config.media import media_origins
from slipway.config.schema import BUNDLED, Phase, Schema, Stage, Variable
from slipway.config.sealed import Unseal
from slipway.config.workspace import Configured, Role, Workspace
from slipway.errors import UsageError
from slipway.secret import Secret

SCHEMA = f"{FOLDER}/schema.yaml"
DOMAIN = "SLIPWAY_DOMAIN"
_CREDENTIALS = re.compile(r"://([^\s/:@?#]*)(?::([^\s/@]*))?@")
HEALTH_VARIABLES = {
    "interval": "SLIPWAY_HEALTH_INTERVAL",
    "timeout": "SLIPWAY_HEALTH_TIMEOUT",
    "retries": "SLIPWAY_HEALTH_RETRIES",
    "start_period": "SLIPWAY_HEALTH_START_PERIOD",
    "drain": "SLIPWAY_DRAIN_SECONDS",
    "grace": "SLIPWAY_GRACE_SECONDS",
}
"""The figures of the health contract that an env file may set, by the contract's own names."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One variable as it stands: `text` has the variables `parts` put in place and other references unresolved.

    `overrides` are the places it won against; `is_secret` holds also where one of the parts is a secret.
    """

    name: str
    variable: Variable
    text: Secret = field(repr=False)
    where: str
    overrides: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    is_secret: bool = False

    @property
    def references(self) -> tuple[str, ...]:
        """The references in the text; "" stands for a malformed one."""
        return references.references(self.text.reveal())


@dataclass(frozen=True)
class Config:
    """One environment: workspace, schema and the variables of every service, each with file and line."""

    environment: str
    workspace: Workspace
    schema: Schema
    layers: Layers = field(repr=False)

    @property
    def stage(self) -> Stage:
        """How strict the environment is."""
        return self.schema.environments[self.environment]

    def settings(self, service: str, phase: Phase = Phase.RUN) -> dict[str, Setting]:
        """Return the variables that `service` has a value for, by name, unresolved."""
        found = (self.setting(name, service) for name in self.schema.variables_of(self.workspace, service, phase))
        return {setting.name: setting for setting in found if setting is not None}

    def setting(self, name: str, service: str | None = None) -> Setting | None:
        """Return one variable as `service` sees it (None: files for one service do not count), None without a value."""
        written = self.written(name, service)
        if written is None:
            return None
        variable, overrides = self.schema.variables[name], self.layers.chain(name, service)[:-1]
        over = tuple(assignment.line.where for assignment in overrides)
        if f"${{{references.VARIABLE}" not in written.text:
            return Setting(name, variable, Secret(written.text), written.where, over, (), variable.secret)
        whole = put_in_place(name, lambda other: self.referable(other, service))
        return Setting(name, variable, Secret(whole.text), written.where, over, whole.parts, whole.secret)

    def written(self, name: str, service: str | None = None) -> Written | None:
        """Return a variable's own text as a file, or the schema's default, has it; None without a value."""
        variable = self.schema.variables[name]
        chain = self.layers.chain(name, service)
        if chain:
            return Written(chain[-1].line.value.reveal(), chain[-1].line.where, variable.secret)
        return None if variable.default is None else Written(variable.default, f"{SCHEMA} (default)", variable.secret)

    def referable(self, name: str, service: str | None = None) -> Written | None:
        """Return what `${variable.NAME}` stands for, references unresolved; None where it stands for nothing."""
        known = name in self.schema.variables and not self.schema.variables[name].computed
        return self.written(name, service) if known else None

    def why_open(self, name: str) -> str:
        """Say why no service can refer to the variable `name`; "" where the reason is told as a circle already."""
        if self.schema.variables[name].computed:
            return "Slipway computes when it deploys"
        readers = (None, *self.workspace.services)
        return "" if any(self.referable(name, reader) for reader in readers) else "has no value"

    def reference_faults(self) -> list[Fault]:
        """Return what is wrong with references between variables, for every service as it sees them."""
        texts = [a.line.value.reveal() for a in self.layers.assignments]
        texts += [variable.default for variable in self.schema.variables.values() if variable.default]
        domain = self.written(DOMAIN) if DOMAIN in self.schema.variables else None
        if not any(f"${{{references.VARIABLE}" in text for text in texts) and not (domain and "${" in domain.text):
            return []
        found: list[Fault] = []
        for service in (None, *self.workspace.services):
            look = partial(self.referable, service=service)
            found += inline_faults(self.schema.variables, look, DOMAIN)
        return list(dict.fromkeys(found))

    def variables_for(self, service: str, resolve: references.Values) -> dict[str, str | Secret]:
        """Return what the process of `service` gets, references resolved, secrets as `Secret`.

        `resolve` holds what the platform hands out: `service.postgres.internal_url` and its like. Raises one
        `UsageError` that lists every required variable without a value and every reference that stays open.
        """
        values, faults = self._values_for(service, resolve)
        refuse(faults, f"the configuration of {service}")
        return {**values, **self.computed(service)}

    def open_faults(self, resolve: references.Values) -> list[Fault]:
        """Return every required variable without a value and every reference that stays open, of all services."""
        found = [fault for service in self.workspace.services for fault in self._values_for(service, resolve)[1]]
        return list(dict.fromkeys(found))

    def _values_for(self, service: str, resolve: references.Values) -> tuple[dict[str, str | Secret], list[Fault]]:
        needed = self.schema.variables_of(self.workspace, service, Phase.RUN)
        settings = self.settings(service)
        faults = [
            Fault("env.missing", self._env_file, f"{name} has no value ({service} needs it)")
            for name, variable in needed.items()
            if variable.is_required_in(self.environment) and not (name in settings and settings[name].text)
        ]
        return {name: self._resolved(setting, resolve, faults) for name, setting in settings.items()}, faults

    def bundled(self, image: str, phase: Phase = Phase.RUN) -> dict[str, Variable]:
        """Return the variables that the portal `image` may read in `phase`, by name, whatever their values."""
        return {
            name: variable
            for service in self._running(image)
            for name, variable in self.schema.variables_of(self.workspace, service, phase).items()
            if name.startswith(BUNDLED)
        }

    def build_arguments(self, image: str) -> dict[str, str]:
        """Return what the portal `image` shall know in this environment, resolved from public names alone.

        It is what its bundle or its /env.js holds. Raises `UsageError` when a required variable is missing, a
        reference is not public, or two services disagree.
        """
        return self._known_to(image, Phase.RUN)

    def built_in(self, image: str) -> dict[str, str]:
        """Return what every bundle of the portal `image` holds: its variables of phase build.

        Raises `UsageError` as `build_arguments` does, and for what `unshared` returns.
        """
        refuse(self.unshared(image), f"the configuration of image {image}")
        return self._known_to(image, Phase.BUILD)

    def unshared(self, image: str) -> list[Fault]:
        """Return a fault for each variable of phase build that belongs to this environment alone.

        One image serves all environments, so env/base.env says it; none is wrong where a portal is configured at build.
        """
        portal, found = self.workspace.frontend.portals.get(image), []
        if portal is None or portal.configure is Configured.BUILD:
            return []
        for service in self._running(image):
            for name, setting in self.settings(service, Phase.BUILD).items():
                layers = {assignment.layer for assignment in self.layers.chain(name, service)}
                if setting.references or layers - {Layer.BASE}:
                    message = f"{name} is written into a portal's image, which serves every environment"
                    hint = f"set it in {FOLDER}/base.env, without references; or `configure: build` of the portal"
                    found.append(Fault("env.build", setting.where, message, hint))
        return list(dict.fromkeys(found))

    def _known_to(self, image: str, phase: Phase) -> dict[str, str]:
        arguments: dict[str, str] = {}
        faults: list[Fault] = []
        for service in self._running(image):
            settings = self.settings(service, phase)
            for name, variable in self.bundled(image, phase).items():
                if name not in settings:
                    if variable.is_required_in(self.environment):
                        faults.append(
                            Fault("env.missing", self._env_file, f"{name} has no value (image {image} needs it)")
                        )
                    continue
                value = self._resolved(settings[name], {}, faults)
                if isinstance(value, Secret):
                    message = f"{name} refers to a secret, and every browser would get it"
                    faults.append(Fault("env.build", settings[name].where, message))
                    continue
                if arguments.setdefault(name, value) != value:
                    message = f"{name} differs between services that share the image {image}"
                    faults.append(Fault("env.build", settings[name].where, message))
        refuse(faults, f"the configuration of image {image}")
        return arguments

    def _running(self, image: str) -> list[str]:
        return [name for name, service in self.workspace.services.items() if service.image == image]

    def expand(self, text: str, resolve: references.Values | None = None) -> str | Secret:
        """Resolve references in a text outside the env files (a probe's body); `${secret.NAME}` works here too.

        Raises `UsageError` naming every reference that stays open.
        """
        secrets = {f"secret.{name}": secret for name, secret in self.secrets().items()}
        values = {**self._public, **secrets, **(resolve or {})}
        if unknown := [name for name in references.references(text) if name not in values]:
            open_names = ", ".join(map(references.shown, unknown))
            raise UsageError(f"no value for {open_names}", where=shown(self.workspace.file))
        return references.expand(text, values)

    @property
    def domain(self) -> str:
        """The domain that every public name ends in. Raises `UsageError` when it is not set."""
        setting = self.setting(DOMAIN) if DOMAIN in self.schema.variables else None
        if setting is None or not setting.text:
            raise UsageError(f"{DOMAIN} has no value", where=self._env_file, hint=f"add {DOMAIN}=example.org")
        return setting.text.reveal()

    def public_host(self, service: str) -> str | None:
        """Return the public host name of a service, None for one that is not public."""
        subdomain = self.workspace.services[service].subdomain
        return f"{subdomain}.{self.domain}" if subdomain else None

    def public_url(self, service: str) -> str:
        """Return `https://<subdomain>.<domain>`. Raises `UsageError` for a service without a public name."""
        host = self.public_host(service)
        if host is None:
            raise UsageError(f"service {service} has no subdomain", where=shown(self.workspace.file))
        return f"https://{host}"

    def health(self, service: str) -> HealthContract:
        """Return the health contract of a service: the contract's own figures, overridden where a file says so."""
        given = {key: self._whole_number(name, service) for key, name in HEALTH_VARIABLES.items()}
        stated = {key: value for key, value in given.items() if value is not None}
        return health_contract(self.workspace.services[service].role, stated)

    def secrets(self) -> dict[str, Secret]:
        """Return every secret of the environment by name, whatever the service: for the mask and for probes.

        Values that are made of references alone are not known here; they become `Secret` when resolved.
        """
        found: dict[str, Secret] = {}
        for assignment in self.layers.assignments:
            variable = self.schema.variables.get(assignment.line.name)
            if variable is not None and variable.secret and not references.references(assignment.line.value.reveal()):
                found[assignment.line.name] = assignment.line.value
        for name, variable in self.schema.variables.items():
            if variable.secret and (setting := self.setting(name)) and setting.parts and not setting.references:
                found[name] = setting.text
        return found

    def hidden(self) -> tuple[Secret, ...]:
        """Return all that may never be shown: secrets, passwords inside addresses, whatever a file of secrets holds.

        A name that the schema does not know counts where it stands in a file of secrets: it is there for a reason.
        """
        found = list(self.secrets().values())
        for assignment in self.layers.assignments:
            variable, text = self.schema.variables.get(assignment.line.name), assignment.line.value.reveal()
            if variable is not None and not variable.secret:
                found += map(Secret, (*passwords(text), *typed_passwords(text)))
                continue
            if variable is None and assignment.layer is Layer.SECRETS:
                found.append(assignment.line.value)
            # A Sentry key stands where others have a user, without a password.
            for user, password in _CREDENTIALS.findall(text) if variable is not None else ():
                secret = password or user
                found += [Secret(secret), Secret(unquote(secret))] if "${" not in secret else []
        return tuple(dict.fromkeys(found))

    @cached_property
    def _public(self) -> dict[str, str]:
        return references.public_values(self.workspace, self.domain)

    @property
    def _env_file(self) -> str:
        return f"{FOLDER}/{self.environment}.env"

    def _resolved(self, setting: Setting, resolve: references.Values, faults: list[Fault]) -> str | Secret:
        values: references.Values = {**self._public, **resolve} if setting.references else {}
        if unknown := [name for name in setting.references if name not in values]:
            open_names = ", ".join(map(references.shown, unknown))
            faults.append(Fault("env.reference", setting.where, f"{setting.name}: no value for {open_names}"))
            return ""
        value = references.expand(setting.text.reveal(), values)
        return Secret(value) if setting.is_secret and isinstance(value, str) else value

    def computed(self, service: str) -> dict[str, str]:
        """Return what Slipway itself sets for `service`."""
        found, health = self.workspace.services[service], self.health(service)
        values = {
            "SLIPWAY_ROLE": str(found.role),
            "SLIPWAY_DRAIN_SECONDS": str(health.drain),
            "SLIPWAY_GRACE_SECONDS": str(health.grace),
        }
        if found.role is Role.WEB:
            values["PORT"] = str(found.port)
        if found.role is Role.STATIC and (origins := media_origins(self._text_of)):
            values["SLIPWAY_MEDIA_ORIGINS"] = ",".join(origins)
        return values

    def _text_of(self, name: str) -> str:
        """Return a variable's text as the API sees it, "" for one without a value."""
        api = next(iter(self.workspace.services_with(Role.WEB)), None)
        setting = self.setting(name, api) if name in self.schema.variables else None
        return "" if setting is None or setting.references else setting.text.reveal()

    def _whole_number(self, name: str, service: str) -> int | None:
        setting = self.setting(name, service) if name in self.schema.variables else None
        if setting is None:
            return None
        if setting.variable.misfit(setting.text.reveal()) or not setting.text.reveal().isdecimal():
            raise UsageError(f"{name} must be a whole number", where=setting.where)
        return int(setting.text.reveal())


def load_config(
    root: Path,
    environment: str,
    workspace: Workspace,
    process: Mapping[str, str] | None = None,
    secrets_file: Path | None = None,
    unseal: Unseal | None = None,
) -> Config:
    """Read schema and env files below `root/env` for `environment`.

    Raises one `UsageError` with everything that cannot be read, with file:line. What the values mean is judged by
    `slipway.checks.environment`, and by `Config.variables_for` at the latest.
    """
    config, faults = read_config(root, environment, workspace, process or {}, secrets_file, unseal)
    refuse(faults, f"the configuration of {environment}")
    assert config is not None
    return config


def read_config(
    root: Path,
    environment: str,
    workspace: Workspace,
    process: Mapping[str, str],
    secrets_file: Path | None,
    unseal: Unseal | None = None,
) -> tuple[Config | None, list[Fault]]:
    """Like `load_config`, but return the faults; the Config leaves out what could not be read, None without schema."""
    layers, faults = read_layers(root, environment, workspace, process, secrets_file, unseal)
    schema, wrong = read_schema(root / SCHEMA, root, workspace)
    faults += wrong
    if schema is None:
        return None, faults
    if environment not in schema.environments:
        hint = f"environments are {', '.join(schema.environments)}"
        faults.append(Fault("env.environment", SCHEMA, f"environments: {environment} is not listed", hint))
        return None, faults
    config = Config(environment, workspace, schema, layers)
    return config, faults + config.reference_faults()


def fingerprint(variables: Mapping[str, str | Secret], key: bytes) -> str:
    """Return a keyed digest (32 hex digits) of a service's variables: equal values, equal digest, nothing told."""
    pairs: Iterable[tuple[str, str]] = (
        (name, value.reveal() if isinstance(value, Secret) else value) for name, value in sorted(variables.items())
    )
    return hmac.new(key, json.dumps(list(pairs)).encode(), sha256).hexdigest()[:32]
