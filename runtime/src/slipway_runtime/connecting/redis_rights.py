"""May this user of Redis do what the application will ask? Everything is asked, and nothing is done where possible.

A server checks the rights of a command when it takes it into a transaction. So the commands go into one that is
discarded: no key is touched, and no right to look at ACLs is needed, which hardly any application's user has (`ACL
DRYRUN`). Only a user without MULTI has the same commands carried out, on keys of a random name that live a minute and
are deleted in the same breath.
"""

import secrets
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

from slipway_runtime.connecting import Found
from slipway_runtime.connecting.redis_needs import Need, Words, needs

_KINDS = ("text", "list", "hash", "set", "sorted", "counter", "channel")
_FEW = 4


@dataclass(slots=True)
class Refusals:
    """What was refused: commands, `prefix` of keys or channels -> commands, the server's own words -> commands."""

    commands: dict[str, None] = field(default_factory=dict)
    keys: dict[str, dict[str, None]] = field(default_factory=dict)
    channels: dict[str, dict[str, None]] = field(default_factory=dict)
    unknown: dict[str, None] = field(default_factory=dict)
    others: dict[str, dict[str, None]] = field(default_factory=dict)

    def add(self, command: str, prefix: str, error: Exception) -> None:
        """Note one refusal. The classes and words are Redis's 6 to 8: acl.c, `ACLCheckAllPerm`."""
        text = str(error)
        # "Transaction discarded because of: NOPERM ..." is how EXEC itself is refused.
        if type(error).__name__ == "NoPermissionError" or "NOPERM" in text:
            if "channel" in text:
                self.channels.setdefault(prefix, {})[command] = None
            elif "access" in text and "key" in text:
                self.keys.setdefault(prefix, {})[command] = None
            else:
                self.commands[command] = None
        elif "unknown command" in text.lower():
            self.unknown[command] = None
        else:
            self.others.setdefault(f"{type(error).__name__}: {text[:200]}", {})[command] = None


def ask(client: Any, namespace: str, wrong: type[Exception]) -> list[Found]:
    """Return the rights that are missing. `client` holds one connection; `wrong` is what it raises for a refusal."""
    name, refused, connection = f"connect-{secrets.token_hex(8)}", Refusals(), client.connection
    users = [need for need in needs(namespace) if not need.package or installed(need.package)]
    opening = (("WATCH", f"{users[0].prefix}{name}"), ("MULTI",), ("EXEC",), ("UNWATCH",))
    watched, multi, executed, unwatched = _said(connection, opening, wrong)
    if isinstance(multi, Exception):
        executed = None  # "EXEC without MULTI" says nothing of its own
    _sort(refused, users[0], opening, (watched, multi, executed, unwatched))
    if "MULTI" not in refused.commands and "MULTI" not in refused.unknown:
        for need in users:
            commands = [_named(words, need, name) for words in (*need.commands, ("DEL", "text"), *_subscribing(need))]
            # An EXEC is never sent, so a connection that breaks here discards as well.
            answers = _said(connection, [("MULTI",), *commands, ("DISCARD",)], wrong)
            _sort(refused, need, commands, answers[1:-1])
        connection.disconnect()  # a user without EXEC or DISCARD stands in the transaction still
        return [*_found(refused)]
    for need in users:
        _carry_out(connection, need, name, refused, wrong)
        _listen(client, need, name, refused, wrong)
    return [*_found(refused)]


def installed(package: str) -> bool:
    """Whether a package is there. Kombu and celery, once imported, have no `__spec__`, at which find_spec fails."""
    return package in sys.modules or find_spec(package) is not None


def _carry_out(connection: Any, need: Need, name: str, refused: Refusals, wrong: type[Exception]) -> None:
    remove = [_named(("DEL", kind), need, name) for kind in _KINDS[:-1]]
    (answer,) = _said(connection, remove[:1], wrong)
    if isinstance(answer, Exception):
        refused.add("DEL", need.prefix, answer)
        return  # whatever it made could not be taken away
    commands = [_named(words, need, name) for words in need.commands]
    answers = _said(connection, [*commands, *remove], wrong)
    _sort(refused, need, commands, answers[: len(commands)])


def _listen(client: Any, need: Need, name: str, refused: Refusals, wrong: type[Exception]) -> None:
    """Subscribe for a moment. A connection that subscribes can do nothing else, so it has its own."""
    for command, channel in (_named(words, need, name) for words in _subscribing(need)):
        listener = client.pubsub()
        try:
            (listener.psubscribe if command == "PSUBSCRIBE" else listener.subscribe)(channel)
            listener.parse_response()
        except wrong as error:
            refused.add(command, need.prefix, error)
        finally:
            listener.close()


def _subscribing(need: Need) -> tuple[Words, ...]:
    return ((need.listens, "channel"),) if need.listens else ()


def _named(words: Words, need: Need, name: str) -> Words:
    return (words[0], *(f"{need.prefix}{name}.{word}" if word in _KINDS else word for word in words[1:]))


def _said(connection: Any, commands: Sequence[Words], wrong: type[Exception]) -> list[Any]:
    """Send all in one packet; return an answer for each, a refusal as the error it is."""
    connection.send_packed_command(connection.pack_commands(commands))
    answers: list[Any] = []
    for _ in commands:
        try:
            answers.append(connection.read_response())
        except wrong as error:
            answers.append(error)
    return answers


def _sort(refused: Refusals, need: Need, commands: Iterable[Words], answers: Iterable[Any]) -> None:
    for words, answer in zip(commands, answers, strict=True):
        # A script that the server does not have yet was looked for: that is allowed.
        if isinstance(answer, Exception) and type(answer).__name__ != "NoScriptError":
            is_pair = words[0] == "SCRIPT"
            refused.add(" ".join(words[:2]) if is_pair else words[0], need.prefix, answer)


def _found(refused: Refusals) -> Iterator[Found]:
    if refused.commands:
        rights = " ".join(f"+{command.lower().replace(' ', '|')}" for command in refused.commands)
        message = f"does not let this user do {', '.join(refused.commands)}"
        if {"MULTI", "DEL"} <= refused.commands.keys():
            message += "; more cannot be tried without them"
        yield Found("redis-rights", message, f"ACL SETUSER with {rights}")
    yield from _patterns("keys", "~", refused.keys)
    yield from _patterns("channels", "&", refused.channels)
    if refused.unknown:
        message = f"does not know {', '.join(refused.unknown)}"
        yield Found("redis-rights", message, "the server is too old, or whoever runs it took them away")
    for said, commands in refused.others.items():
        yield Found("redis-rights", f"refuses {_few(commands)}: {said}", "look at the server")


def _patterns(what: str, sign: str, refused: Mapping[str, Mapping[str, None]]) -> Iterator[Found]:
    if not refused:
        return
    commands = dict.fromkeys(command for several in refused.values() for command in several)
    message = f"does not let this user at the {what} {', '.join(f'{prefix}*' for prefix in refused)}"
    rights = " ".join(f"{sign}{prefix}*" for prefix in refused)
    if "PSUBSCRIBE" in commands:
        rights = "&*: for PSUBSCRIBE Redis compares patterns letter by letter, and Celery's are many"
    yield Found("redis-rights", f"{message} ({_few(commands)})", f"ACL SETUSER with {rights}")


def _few(commands: Mapping[str, None]) -> str:
    more = f" and {len(commands) - _FEW} more" if len(commands) > _FEW else ""
    return ", ".join([*commands][:_FEW]) + more
