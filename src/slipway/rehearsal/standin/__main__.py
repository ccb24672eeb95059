"""Starts the stand-in; its environment is read here and nowhere else."""

import json
import os
import sys
from pathlib import Path

import uvicorn

from .app import create
from .lifetime import build
from .settings import Settings
from .store import StateUnreadable
from .tokens import TokensUnusable, read_file


class Misconfigured(Exception):
    """A variable of the environment is missing or unusable; the message names it."""


def settings_from(environment: dict[str, str]) -> tuple[Settings, Path, int]:
    """Settings, token file and port. Raises Misconfigured."""
    tokens = environment.get("STANDIN_TOKENS", "")
    if not tokens:
        raise Misconfigured("STANDIN_TOKENS: the path of the 0600 JSON file with the API tokens")
    try:
        labels = json.loads(environment.get("STANDIN_LABELS") or "{}")
    except ValueError:
        labels = None
    if not isinstance(labels, dict) or not all(isinstance(value, str) for value in labels.values()):
        raise Misconfigured('STANDIN_LABELS: a JSON object of strings, like {"owner": "me"}')
    compose = Path(environment.get("STANDIN_COMPOSE") or "/usr/local/bin/docker-compose")
    if not os.access(compose, os.X_OK):
        raise Misconfigured(f"STANDIN_COMPOSE: no program at {compose}")
    settings = Settings(
        data=Path(environment.get("STANDIN_DATA") or "/data/coolify"),
        compose=compose,
        network=environment.get("STANDIN_NETWORK") or "coolify",
        labels=labels,
        wildcard_domain=environment.get("STANDIN_WILDCARD_DOMAIN", ""),
        rate_limit=_number(environment, "STANDIN_RATE_LIMIT", 200, most=1_000_000),
        status_seconds=_number(environment, "STANDIN_STATUS_SECONDS", 60, most=86_400),
        docker_host=environment.get("DOCKER_HOST", ""),
        docker_config=environment.get("DOCKER_CONFIG", ""),
    )
    return settings, Path(tokens), _number(environment, "STANDIN_PORT", 8000, most=65_535)


def _number(environment: dict[str, str], name: str, default: int, *, most: int) -> int:
    written = environment.get(name) or str(default)
    if not written.isascii() or not written.isdigit() or not 1 <= int(written[:9]) <= most:
        raise Misconfigured(f"{name}: a whole number from 1 to {most}")
    return int(written)


def log_config() -> dict[str, object]:
    """Everything goes to stdout, one line each."""
    to_stdout = {"class": "logging.StreamHandler", "formatter": "line", "stream": "ext://sys.stdout"}
    loggers = {name: {"handlers": ["stdout"], "level": "INFO", "propagate": False} for name in ("uvicorn", "standin")}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
        "handlers": {"stdout": to_stdout},
        "loggers": loggers,
    }


def main() -> int:
    """Serves until SIGTERM. The answer is the exit code: 2 for a configuration that cannot be used."""
    try:
        settings, tokens, port = settings_from(dict(os.environ))
        site = build(settings, read_file(tokens))
    except (Misconfigured, TokensUnusable, StateUnreadable) as error:
        sys.stderr.write(f"standin: {error}\n")
        return 2
    # All addresses: inside a container the network is the boundary.
    uvicorn.run(create(site), host="0.0.0.0", port=port, log_config=log_config(), ws="none")  # noqa: S104
    return 0


if __name__ == "__main__":
    sys.exit(main())
