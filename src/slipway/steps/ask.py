"""Questions to PostgreSQL and Redis from a `slipway-tools` container on the platform's network: a route of its own."""

import json
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

from slipway.errors import Unreachable, UsageError
from slipway.ports import Containers, OneOff
from slipway.secret import Secret
from slipway.steps.migrate import connection_variables


@dataclass(frozen=True, slots=True)
class AskPostgres:
    """Takes one SQL query and returns psql's unaligned answer, columns split by `|`."""

    containers: Containers
    tools: str
    network: str
    url: Secret

    def __call__(self, query: str) -> str:
        """Ask. Raises `Unreachable` with psql's own words when there is no answer."""
        asked = self.containers.run_once(
            OneOff(
                "ask-postgres",
                self.tools,
                ("psql", "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", query),
                network=self.network,
                variables=connection_variables(self.url),
                seconds=60,
            ),
            _nobody,
        )
        return asked.checked(where="PostgreSQL").stdout


@dataclass(frozen=True, slots=True)
class AskTaskState:
    """Takes the key of a Celery task's result and returns the state that Redis holds under it, "" for none."""

    containers: Containers
    tools: str
    network: str
    url: Secret

    def __call__(self, key: str) -> str:
        """Ask. Raises `Unreachable` when Redis does not answer."""
        parts, port = _redis(self.url)
        words = ["redis-cli", "-h", parts.hostname or "", "-p", str(port)]
        if parts.scheme == "rediss":
            words.append("--tls")
        if parts.username:
            words += ["--user", unquote(parts.username)]
        words += ["-n", parts.path.strip("/") or "0", "GET", key]
        password = Secret(unquote(parts.password or ""))
        asked = self.containers.run_once(
            OneOff(
                "ask-redis",
                self.tools,
                tuple(words),
                network=self.network,
                variables={"REDISCLI_AUTH": password} if password else {},
                seconds=30,
            ),
            _nobody,
        )
        text = asked.checked(where="Redis").stdout.strip()
        if not text:
            return ""
        try:
            return str(json.loads(text)["status"])
        except (ValueError, KeyError, TypeError) as error:
            raise Unreachable(f"Redis answered {text[:80]!r} for {key}", where="Redis") from error


def _redis(url: Secret) -> tuple[SplitResult, int]:
    """Take a URL apart. Raises `UsageError` without a cause: urllib's messages quote what may be the password."""
    try:
        parts = urlsplit(url.reveal())
        port = parts.port or 6379
    except ValueError:
        parts, port = SplitResult("", "", "", "", ""), 0
    if parts.scheme not in ("redis", "rediss") or not parts.hostname:
        raise UsageError(
            "is no URL of the form redis://user:password@host:port/number",
            where="the URL of Redis",
            hint="special characters of the password have to be percent-encoded",
        )
    return parts, port


def _nobody(_: str) -> None:
    """Tell nobody: the answer is returned whole."""
