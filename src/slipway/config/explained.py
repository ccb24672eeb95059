"""Explained: each variable with where it comes from, what it won against and what its references stand for."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from slipway.config import references
from slipway.config.config import DOMAIN, SCHEMA, Config, Setting
from slipway.config.credentials import masked
from slipway.config.kinds import Kind
from slipway.config.references import REFERENCE, VARIABLE
from slipway.config.schema import Phase
from slipway.secret import Secret

SLIPWAY = "slipway"
"""Stands for the reader of what no service gets (phase deploy), and for the place of what is computed."""

_DATABASE_URLS = frozenset({Kind.DATABASE_URL, Kind.REDIS_URL})
# A reference that stands for a whole address, and what may follow it: a database number, a query without a secret.
_REFERENCE_ALONE = re.compile(r"\$\{[^{}\r\n]*\}(/\w{0,40})?")


@dataclass(frozen=True, slots=True)
class Stands:
    """A reference: what it stands for, masked ("" where nobody knows yet), and who says so."""

    reference: str
    value: str
    source: str


@dataclass(frozen=True, slots=True)
class Explained:
    """One variable as `services` see it; `value` is masked, `overrides` are (layer, place), the weakest first."""

    name: str
    services: tuple[str, ...]
    value: str
    type: str
    secret: bool
    phase: str
    layer: str
    where: str
    overrides: tuple[tuple[str, str], ...] = ()
    references: tuple[Stands, ...] = ()

    def as_json(self) -> dict[str, object]:
        """Return it in JSON's kinds."""
        return {
            "name": self.name,
            "services": list(self.services),
            "value": self.value,
            "type": self.type,
            "secret": self.secret,
            "phase": self.phase,
            "layer": self.layer,
            "where": self.where,
            "overrides": [{"layer": layer, "where": where} for layer, where in self.overrides],
            "references": [
                {"reference": one.reference, "value": one.value, "source": one.source} for one in self.references
            ],
        }


@dataclass(frozen=True)
class Explaining:
    """Explains the variables of `config`. `observed` is what a platform hands out now; empty where none was asked.

    `key` keys the short digest by which a masked value can be compared with another; who does not have the key learns
    nothing from it, not even by trying likely values.
    """

    config: Config
    observed: references.Values
    key: bytes

    def explain(self, service: str | None = None, name: str | None = None) -> tuple[Explained, ...]:
        """Return every variable once for each place it comes from; those of `service`, or that `name`, alone."""
        found: dict[tuple[str, str, str], tuple[Explained, list[str]]] = {}
        for reader in (service,) if service else (*self.config.workspace.services, None):
            for each in self._of(reader):
                if name in {None, each.name}:
                    same = found.setdefault((each.name, each.where, each.value), (each, []))
                    same[1].append(reader or SLIPWAY)
        listed = (replace(each, services=tuple(readers)) for each, readers in found.values())
        return tuple(sorted(listed, key=lambda each: (each.name, each.where)))

    def _of(self, reader: str | None) -> Iterator[Explained]:
        config = self.config
        settings = config.settings(reader).values() if reader else self._own()
        computed = config.computed(reader) if reader else {}
        for setting in settings:
            if setting.name not in computed:
                yield self._setting(setting, reader)
        for name, value in computed.items():
            kind = str(config.schema.variables[name].type) if name in config.schema.variables else "string"
            over = self._layers(name, reader)
            yield Explained(
                name,
                (),
                value,
                kind,
                secret=False,
                phase=str(Phase.RUN),
                layer="computed",
                where=SLIPWAY,
                overrides=over,
            )

    def _own(self) -> list[Setting]:
        """Return what Slipway itself reads."""
        variables = self.config.schema.variables.items()
        found = (self.config.setting(name) for name, variable in variables if variable.phase is Phase.DEPLOY)
        return [setting for setting in found if setting is not None]

    def _setting(self, setting: Setting, reader: str | None) -> Explained:
        layers = self._layers(setting.name, reader)
        variable = setting.variable
        written = self.config.written(setting.name, reader)
        names = references.references(written.text) if written else ()
        stands = tuple(self._stands(name, reader) for name in names)
        value = self._value(setting)
        kind, phase = str(variable.type), str(variable.phase)
        layer, where = layers[-1]
        return Explained(setting.name, (), value, kind, setting.is_secret, phase, layer, where, layers[:-1], stands)

    def _layers(self, name: str, reader: str | None) -> tuple[tuple[str, str], ...]:
        variable = self.config.schema.variables.get(name)
        default = (("default", SCHEMA),) if variable is not None and variable.default is not None else ()
        return (*default, *((str(a.layer), a.line.where) for a in self.config.layers.chain(name, reader)))

    def _stands(self, name: str, reader: str | None) -> Stands:
        shown = f"${{{name}}}"
        if name.startswith(VARIABLE):
            setting = self.config.setting(name.removeprefix(VARIABLE), reader)
            return Stands(shown, self._value(setting), setting.where) if setting else Stands(shown, "", "nothing")
        if name in self.observed:
            value = self.observed[name]
            kind = Kind.DATABASE_URL  # what of it is secret is a database's address or password
            return Stands(shown, self._shown(value, kind, isinstance(value, Secret)), "the platform, now")
        if name in self._public:
            domain = self.config.setting(DOMAIN)
            return Stands(shown, self._public[name], f"{DOMAIN} {domain.where}" if domain else DOMAIN)
        return Stands(shown, "", "the platform, once it is deployed")

    def _value(self, setting: Setting) -> str:
        values: Mapping[str, str | Secret] = {**self._public, **self.observed}
        known = {name: values.get(name, f"${{{name}}}") for name in setting.references}
        whole = references.expand(setting.text.reveal(), known) if "" not in known else setting.text
        secret = setting.is_secret or isinstance(whole, Secret)
        return self._shown(whole, setting.variable.type, secret)

    @property
    def _public(self) -> dict[str, str]:
        has_domain = DOMAIN in self.config.schema.variables and self.config.setting(DOMAIN)
        return references.public_values(self.config.workspace, self.config.domain) if has_domain else {}

    def _shown(self, value: str | Secret, kind: Kind, secret: bool) -> str:
        return shown_value(value.reveal() if isinstance(value, Secret) else value, kind, secret=secret, key=self.key)


def is_reference(text: str) -> bool:
    """Whether a text is a reference that stands for all that is secret in it."""
    return _REFERENCE_ALONE.fullmatch(text) is not None


def shown_value(text: str, kind: Kind, *, secret: bool, key: bytes) -> str:
    """Return a value as it may be shown: a secret as its keyed digest, an address with its password alone masked."""
    if not secret:
        return masked(text, lambda password: password if is_reference(password) else _digest(password, key))
    if not text or is_reference(text):
        return text
    if kind in _DATABASE_URLS or kind is Kind.URL:
        return _address(text, kind, key) or _digest(text, key)
    return _digest(text, key)


def _address(text: str, kind: Kind, key: bytes) -> str:
    """Return scheme, user, host and port of an address with a password; "" for one that is not so clear."""
    try:
        url = urlsplit(text)
        password = url.password
    except ValueError:
        return ""
    if not url.scheme or not password or REFERENCE.search(password):
        return ""
    user, at, host = url.netloc.rpartition("@")
    path = url.path if kind in _DATABASE_URLS else ""
    more = "..." if url.query or url.fragment or path != url.path else ""
    return f"{url.scheme}://{user.partition(':')[0]}:{_digest(password, key)}{at}{host}{path}{more}"


def _digest(text: str, key: bytes) -> str:
    return f"[secret #{Secret(text).digest(key)[:8]}]"
