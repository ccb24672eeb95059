"""RedisConfig: where Redis is, and which of its numbered databases is used."""

import re
from typing import Self

from pydantic import Field

from slipway.config.models import address
from slipway.config.models.base import Model, SecretField
from slipway.errors import UsageError
from slipway.secret import Secret

SCHEMES = frozenset({"redis", "rediss"})


class RedisConfig(Model):
    """A Redis as a service reaches it: REDIS_URL taken apart, percent-encoding undone."""

    host: str = Field(description="Host name or address; on Coolify the database's uuid.", min_length=1)
    port: int = Field(default=6379, description="TCP port.", ge=1, le=65535)
    database: int = Field(default=0, description="Number of the database inside Redis.", ge=0)
    user: str | None = Field(default=None, description="ACL user; None or empty for the default one.")
    password: SecretField | None = Field(default=None, description="Password of that user, as it is.")
    tls: bool = Field(default=False, description="Whether the connection is encrypted (rediss://).")

    @classmethod
    def from_url(cls, url: Secret | str, where: str = "REDIS_URL") -> Self:
        """Return what `url` says. Raises `UsageError` at `where` that shows nothing of it.

        redis-py takes a path that is no number for database 0 without a word; here it is refused.
        """
        found = address.parse(url, SCHEMES, where)
        number = found.options.get("db", "") or found.path.strip("/")
        if number and not re.fullmatch("[0-9]{1,4}", number):
            raise UsageError("names a database that is no number", where=where, hint="redis://host:6379/0")
        port = 6379 if found.port is None else found.port
        if not port:
            raise UsageError("has port 0", where=where)
        return cls(
            host=found.host,
            port=port,
            database=int(number or 0),
            user=found.user or None,
            password=found.password or None,
            tls=found.scheme == "rediss",
        )
