"""Rules over where Slipway acts: Coolify's address and token, the host that SSH reaches, the registry."""

import re
from collections.abc import Iterator

from slipway.checks.facts import Facts, Seen, issue
from slipway.checks.issue import Issue, Severity
from slipway.config.kinds import split_url
from slipway.config.schema import Stage

_HOST_AND_PORT = re.compile(r"[^:]+:[0-9]+")
_OWN = re.compile(r"localhost|127\.[0-9.]+|\[?::1\]?|0\.0\.0\.0")


def coolify(facts: Facts) -> Iterator[Issue]:
    """`target.plain`, `target.own`, `target.address`: how Coolify's API is reached, and what opens it."""
    for seen in _deployed(facts, "SLIPWAY_COOLIFY_URL"):
        parts = split_url(seen.text or "")
        if parts is None:
            yield issue(seen, "target.address", "is no address", "https://coolify.example.org")
        elif parts.path.strip("/") or parts.query or parts.fragment:
            hint = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]} alone; Slipway adds /api/v1"
            yield issue(seen, "target.address", "says more than where Coolify is", hint)
        elif _OWN.fullmatch(parts.hostname or ""):
            yield _own(seen)
        elif parts.scheme == "http":
            hint = "https://, or a tunnel; whoever has the token can change every application"
            yield issue(seen, "target.plain", "sends Coolify's token over plain http", hint, Severity.WARNING)
    for seen in _deployed(facts, "SLIPWAY_COOLIFY_TOKEN"):
        if re.match(r"(?i)bearer\s|authorization:", seen.text or ""):
            yield issue(seen, "target.address", "holds more than the token", "the token alone, without the word Bearer")


def host(facts: Facts) -> Iterator[Issue]:
    """`target.address`, `target.own`: the host that SSH reaches, and the registry that it pulls from."""
    for seen in _deployed(facts, "SLIPWAY_SSH_HOST"):
        if _HOST_AND_PORT.fullmatch(seen.text or ""):
            yield issue(seen, "target.address", "holds a port as well", "the host alone, and SLIPWAY_SSH_PORT=...")
        elif _OWN.fullmatch(seen.text or ""):
            yield _own(seen)
    for seen in _deployed(facts, "SLIPWAY_REGISTRY"):
        if _OWN.fullmatch((seen.text or "").partition("/")[0].rpartition(":")[0]):
            yield _own(seen)


def _deployed(facts: Facts, name: str) -> Iterator[Seen]:
    """Yield a variable's settings; a rehearsal's host is this machine, and development has none."""
    return facts.of(name) if facts.is_public and facts.config.stage is not Stage.REHEARSAL else iter(())


def _own(seen: Seen) -> Issue:
    hint = "right behind a tunnel alone; each machine that deploys, and the host itself, takes it for itself"
    return issue(seen, "target.own", "is this machine itself", hint, Severity.WARNING)
