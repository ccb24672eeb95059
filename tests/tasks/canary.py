"""Canaries: secrets as nasty as people make them, and every form in which one could come out again."""

import base64
import json
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

CANARIES = {
    "SECRET_KEY": 'cAnary-1 "$Qz #8W!?é+%&<x>~`{}|;:-long-enough-to-be-a-signing-key',
    "EMAIL_HOST_PASSWORD": "cAnary-2'it\\s",
    "DEMO_USER_PASSWORD": "cAnary-3-first-line\ncAnary-3-second-line",
    "POSTGRES_PASSWORD": "cAnary-4-9Qw8Er7Ty6Ui5Op4As3",
    "REDIS_PASSWORD": "cAnary-5-1Zx2Cv3Bn4Mq5We6Rt7",
    "SLIPWAY_COOLIFY_TOKEN": "7|cAnary6hT5nB8yLd1sKe6GfWq0cJmPqRs",
    "ACRCLOUD_ACCESS_SECRET": "cAnary-7=+/==",
    "SENTRY_DSN": "https://cAnary8key@sentry.example.org/4",
    "DATABASE_READ_URL": "postgresql://reader:cAnary-9%2Fpass@replica:5432/app",
}
"""Name -> value; none may ever be seen. Every part of one begins with `cAnary`."""

INSIDE = ("cAnary-9%2Fpass", "cAnary-9/pass", "cAnary8key", "cAnary6hT5nB8yLd1sKe6GfWq0cJmPqRs")
"""What is secret inside an address or a token, alone."""


def env_file(values: dict[str, str]) -> str:
    """Return an env file of them, quoted as a person would who knows how."""
    return "".join(f"{name}={_quoted(value)}\n" for name, value in values.items())


def _quoted(value: str) -> str:
    if "'" not in value and "\n" not in value:
        return f"'{value}'"
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def forms(value: str) -> Iterator[str]:
    """Yield every form of a value, its single lines included, that is searched for; no code of the project helps."""
    for piece in {value, *value.splitlines()}:
        data = piece.encode()
        yield piece
        yield json.dumps(piece)[1:-1]
        yield json.dumps(piece, ensure_ascii=False)[1:-1]
        yield from (quote(piece), quote(piece, safe=""), quote_plus(piece), quote(piece, safe="").lower())
        yield from (data.hex(), data.hex().upper(), data.hex(" "), data.hex(":"))
        for offset in range(3):
            whole = base64.b64encode(b"x" * offset + data)
            inner = whole[4 if offset else 0 : len(whole) // 4 * 4 - 4].decode()
            yield from (inner, inner.replace("+", "-").replace("/", "_"))


def leaks(text: str, values: dict[str, str]) -> list[str]:
    """Return the names of those that are in `text` in any form."""
    return [name for name, value in values.items() if any(form in text for form in forms(value) if len(form) >= 8)]
