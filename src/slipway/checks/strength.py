"""Rules over how hard a secret is to guess."""

import ipaddress
import re
from collections.abc import Iterator

from slipway.checks.facts import Facts, Seen, issue
from slipway.checks.held import STORES, URLS, all_held, lacks_password
from slipway.checks.issue import Issue
from slipway.config.kinds import split_url
from slipway.config.schema import Stage

_COMMON = re.compile(
    r"pass(word|wort)?|secret|admin|zamio|django|postgres|redis|letmein|changeme|welcome|abc|0?123+",
    re.IGNORECASE,
)
_ROWS = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890123",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
    "azertyuiopqsdfghjklmwxcvbn",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "1q2w3e4r5t6y7u8i9o0p",
    "!@#$%^&*()",
)
_RUN = 4
_RUNS = frozenset(
    row[start : start + _RUN]
    for each in _ROWS
    for row in (each, each[::-1])
    for start in range(len(row) - _RUN + 1)
)  # fmt: skip
_SHORTEST = 12
_LEAST_LEFT = _SHORTEST // 2
_FEWEST_DIFFERENT = 6
# What is looked at of a longer text: a part that is repeated only after 500 characters is no short one.
_HEAD = 1000
# Other ways in than a password, as libpq names them.
_OTHER_WAYS = re.compile(r"[?&](sslcert|passfile|service|host=/|host=%2F)", re.IGNORECASE)
_GENERATE = 'python3 -c "import secrets; print(secrets.token_urlsafe(48))"'


def weak(facts: Facts) -> Iterator[Issue]:
    """`secret.weak`: a secret that can be guessed: short, few different characters, common words, a row of keys."""
    for each in all_held(facts) if facts.is_public else ():
        is_guessed = not each.is_whole or each.seen.setting.variable.type not in URLS
        if is_guessed and (reason := weakness(each.text)):
            yield issue(each.seen, "secret.weak", f"is weak: {reason}", _GENERATE)


def without_password(facts: Facts) -> Iterator[Issue]:
    """`secret.weak`: the address of a database or a Redis on another machine that asks for no password at all."""
    for seen in facts.seen if facts.config.stage is Stage.PRODUCTION else ():
        variable = seen.setting.variable
        if variable.type in STORES and not variable.deprecated and _is_open(seen):  # nothing reads a deprecated one
            message = "has no password: whoever reaches the port reads and writes everything"
            yield issue(seen, "secret.weak", message, "use ${service.<name>.internal_url}, or give the user a password")


def _is_open(seen: Seen) -> bool:
    text = seen.text or ""
    parts = split_url(text)
    if parts is None or not lacks_password(text) or _OTHER_WAYS.search(text):
        return False
    return not _is_here((parts.hostname or "").lower())


def _is_here(host: str) -> bool:
    """Whether a host is this machine: an address of its own, or a unix socket (%2Fvar%2Frun%2Fpostgresql)."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost") or host.startswith(("/", "%2f"))


def weakness(text: str) -> str | None:
    """Return why a secret can be guessed, in words that hold nothing of it; None for a good one."""
    if len(text) < _SHORTEST:
        return f"{len(text)} characters"
    if is_common(text):
        return "made of words, or of keys in a row, that are tried first"
    distinct = len(set(text))
    if distinct < _FEWEST_DIFFERENT:
        return f"only {distinct} different characters"
    return "one part repeated" if _is_repeated(text.lower()) else None


def is_common(text: str) -> bool:
    """Whether next to nothing of a text is left without common words and rows of letters, digits or keys."""
    head = text[:_HEAD].lower()
    covered = bytearray(len(head))
    for found in _COMMON.finditer(head):
        covered[found.start() : found.end()] = b"\1" * len(found[0])
    for start in range(len(head) - _RUN + 1):
        if head[start : start + _RUN] in _RUNS:
            covered[start : start + _RUN] = b"\1" * _RUN
    return len(head) - sum(covered) < _LEAST_LEFT


def _is_repeated(text: str) -> bool:
    """Whether a text is one part over and over, the last time perhaps cut short.

    The smallest part that the head repeats divides every other one that the whole may repeat, so only it is tried.
    """
    head = text[:_HEAD]
    for period in range(1, len(head) // 2 + 1):
        if head.startswith(head[period:]):
            return text.startswith(text[period:])
    return False
