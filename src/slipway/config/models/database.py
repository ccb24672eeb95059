"""DatabaseConfig: where the PostgreSQL database is, and as whom to log in."""

from typing import Self

from pydantic import Field

from slipway.config.models import address
from slipway.config.models.base import Model, SecretField
from slipway.errors import UsageError
from slipway.secret import Secret

SCHEMES = frozenset({"postgres", "postgresql", "postgis"})


class DatabaseConfig(Model):
    """A PostgreSQL database as a service reaches it: DATABASE_URL taken apart, percent-encoding undone."""

    host: str = Field(description="Host name or address; on Coolify the database's uuid.", min_length=1)
    port: int = Field(default=5432, description="TCP port.", ge=1, le=65535)
    name: str = Field(description="Name of the database.", min_length=1)
    user: str | None = Field(default=None, description="Role to log in as; None for the server's own rule.")
    password: SecretField | None = Field(default=None, description="Password of that role, as it is.")
    options: dict[str, str] = Field(
        default_factory=dict, description="Further parameters of the connection, such as sslmode."
    )

    @classmethod
    def from_url(cls, url: Secret | str, where: str = "DATABASE_URL") -> Self:
        """Return what `url` says. Raises `UsageError` at `where` that shows nothing of it."""
        found = address.parse(url, SCHEMES, where)
        if not found.path:
            raise UsageError("names no database", where=where, hint="postgresql://user:password@host:5432/name")
        port = 5432 if found.port is None else found.port
        if not port:
            raise UsageError("has port 0", where=where)
        return cls(
            host=found.host,
            port=port,
            name=found.path,
            user=found.user,
            password=found.password,
            options=dict(found.options),
        )
