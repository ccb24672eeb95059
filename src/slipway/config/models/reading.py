"""Reading a Config's variables as typed values; what is missing or misshapen is collected and told at once."""

import re
from pathlib import Path

from slipway.config import references
from slipway.config.config import Config, Setting
from slipway.config.fault import Fault, refuse
from slipway.config.kinds import items
from slipway.errors import UsageError
from slipway.secret import Secret


class Reading:
    """The variables of one environment, as `service` sees them (None: as Slipway does).

    A method without a default notes a fault for a variable without a value and returns something empty; `done` raises.
    """

    def __init__(self, config: Config, service: str | None = None, resolve: references.Values | None = None) -> None:
        self._config = config
        self._service = service
        self._resolve = resolve or {}
        self.faults: list[Fault] = []

    def has(self, name: str) -> bool:
        """Whether the variable has a value that is not empty."""
        return self._text(name) != ""

    def text(self, name: str, default: str | None = None) -> str:
        """Return a variable's text."""
        return self._text(name) or self._or(name, default)

    def secret(self, name: str) -> Secret:
        """Return a secret."""
        return Secret(self.text(name))

    def optional_secret(self, name: str) -> Secret | None:
        """Return a secret, None without one."""
        return Secret(self._text(name)) if self.has(name) else None

    def number(self, name: str, default: int | None = None) -> int:
        """Return a whole number."""
        text = self._text(name)
        if not text:
            found = self._or(name, None if default is None else str(default))
            return int(found or 0)
        if not re.fullmatch(r"-?[0-9]{1,18}", text, re.ASCII):
            self.fault(name, f"{name} is no whole number")
            return 0
        return int(text)

    def flag(self, name: str, default: bool) -> bool:
        """Return whether a boolean is true."""
        text = self._text(name).lower()
        if text not in {"", "true", "false"}:
            self.fault(name, f"{name} is neither true nor false")
        return text == "true" if text else default

    def listed(self, name: str) -> tuple[str, ...]:
        """Return the items of a list, none without a value."""
        return tuple(items(self._text(name)))

    def port(self, name: str) -> int:
        """Return a TCP port."""
        text = self.text(name)
        if not text:
            return 1
        if not re.fullmatch("[0-9]{1,5}", text) or not 0 < int(text) < 1 << 16:
            self.fault(name, f"{name} is no port: {text[:20]!r}", "a number, 1 to 65535")
            return 1
        return int(text)

    def file(self, name: str) -> Path:
        """Return a path with `~` replaced."""
        try:
            return Path(self.text(name)).expanduser()
        except RuntimeError as error:
            self.fault(name, f"{name}: {error}", "give the whole path, without ~")
            return Path()

    def setting(self, name: str) -> Setting | None:
        """Return a variable as it stands, None for one without a value or that the schema does not have."""
        known = name in self._config.schema.variables
        return self._config.setting(name, self._service) if known else None

    def where(self, name: str) -> str:
        """Return the place that a variable's value comes from, its name without one."""
        found = self.setting(name)
        return found.where if found else name

    def fault(self, name: str, message: str, hint: str = "") -> None:
        """Note what is wrong with a variable's value."""
        self.faults.append(Fault("env.type", self.where(name), message, hint))

    def done(self, what: str) -> None:
        """Raise one `UsageError` with everything that was noted; `what` names the thing read."""
        refuse(list(dict.fromkeys(self.faults)), what)

    def _text(self, name: str) -> str:
        found = self.setting(name)
        if found is None or not found.text:
            return ""
        try:
            value = self._config.expand(found.text.reveal(), self._resolve)
        except UsageError as error:
            self.faults.append(Fault("env.reference", found.where, f"{name}: {error.message}", error.hint))
            return ""
        return value.reveal() if isinstance(value, Secret) else value

    def _or(self, name: str, default: str | None) -> str:
        if default is None and not any(fault.message.startswith(f"{name}:") for fault in self.faults):
            variable = self._config.schema.variables.get(name)
            is_secret = variable is not None and variable.secret
            file = f"env/{self._config.environment}.{'secrets.' if is_secret else ''}env"
            self.faults.append(Fault("env.missing", file, f"{name} has no value", f"add a line {name}=... there"))
        return default or ""
