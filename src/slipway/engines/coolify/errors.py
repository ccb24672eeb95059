"""What Coolify's error answers mean, for a person.

The shapes were read in Coolify's own code (coollabsio/coolify, 4.3.11): its OpenAPI document leaves most of them out.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from slipway.errors import PersonNeeded, Refused, SlipwayError, Unreachable, UsageError
from slipway.secret import Mask

# Terminal escapes and other controls of a foreign text must not reach a person's terminal.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_LONGEST = 400


class NotFound(Refused):
    """Coolify has nothing of that uuid, or nothing that this token's team may see."""


class BadRequest(UsageError):
    """Coolify understood who asks and not what: 400, 405 or 422."""


class NoAnswer(Unreachable):
    """Nothing usable came back; a request that only reads may be sent again."""


class Uncertain(NoAnswer):
    """A request that changes something was sent and not answered: it may have taken effect."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP answer: status, lower-case headers, the whole body."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def text(self) -> str:
        """The body as text, undecodable bytes replaced."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """Return the body's JSON. Raises `ValueError` when it is none."""
        try:
            return json.loads(self.body)
        except RecursionError as error:
            raise ValueError("nested too deeply") from error


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, for messages: the API's address and the place the token was read from."""

    address: str
    token_source: str
    mask: Mask
    token_has_number: bool = True

    def show(self, text: str) -> str:
        """Return foreign text masked, safe and short; masked first, so that no secret is cut in half."""
        return clean(self.mask(text))


def clean(text: str) -> str:
    """Return foreign text in a form that is safe and short enough to show."""
    text = _CONTROLS.sub("", text).strip()
    return text if len(text) <= _LONGEST else text[:_LONGEST] + " ..."


def error_for(reply: Reply, method: str, path: str, caller: Caller) -> SlipwayError:
    """Return the error that a status of 300 or more stands for; 429 is dealt with by the caller's waiting."""
    where = f"{caller.address} ({method} {path})"
    said, problems, data = _what_it_says(reply, caller)
    status = reply.status
    if status >= 500:
        return _broken(where, f"answered {status}: {said or 'no reason given'}", method)
    if status < 400:
        target = caller.show(reply.headers.get("location", "elsewhere"))
        hint = "configure the address that it redirects to"
        return UsageError(f"answers with a redirect to {target}", where=where, hint=hint)
    if status in {401, 403}:
        return (_token_error if status == 401 else _forbidden)(where, said, caller)
    if status == 404:
        return NotFound(said or "not found", where=where, hint="is it in the team that the token belongs to?")
    if status == 409:
        return Refused(
            said, where=where, details=(*problems, *_conflicts(data, caller)), hint="give it another name or domain"
        )
    kind = BadRequest if status in {400, 405, 422} else Refused
    return kind(f"refused what was sent ({status}): {said or 'no reason given'}", where=where, details=problems)


def _broken(where: str, message: str, method: str) -> SlipwayError:
    hint = "see Coolify's own log on its host: docker logs coolify"
    if method == "GET":
        return NoAnswer(message, where=where, hint=hint)
    return Uncertain(
        message, where=where, hint=f"{hint}; whether the request took effect is unknown, the next run looks first"
    )


def _token_error(where: str, said: str, caller: Caller) -> SlipwayError:
    hint = f"make a new one in Coolify under Keys & Tokens -> API tokens and put it into {caller.token_source}"
    if not caller.token_has_number:
        hint = f"a token starts with its number and a bar (12|...): copy it whole into {caller.token_source}"
    return UsageError(
        f"the Coolify token from {caller.token_source} is expired or wrong ({said or 'no reason given'})",
        where=where,
        hint=hint,
    )


def _forbidden(where: str, said: str, caller: Caller) -> SlipwayError:
    if "API is disabled" in said:
        return PersonNeeded(
            "Coolify's API is switched off",
            where=where,
            hint="an instance administrator has to switch it on: Settings -> Advanced -> API Access",
        )
    if "not allowed to access the API" in said:
        return PersonNeeded(
            "Coolify does not let this machine's address use its API",
            where=where,
            hint="an instance administrator has to add it: Settings -> Advanced -> Allowed IPs",
        )
    if "team role" in said:
        return UsageError(
            f"the user of the token from {caller.token_source} is no admin or owner of its team",
            where=where,
            hint="Coolify refuses every token with more than read from plain members: use an admin's token",
        )
    missing = said.partition("Missing required permissions:")[2].strip()
    if missing:
        return missing_ability(missing, where, caller)
    return UsageError(f"the token from {caller.token_source} may not do this: {said or 'no reason given'}", where=where)


def missing_ability(ability: str, where: str, caller: Caller) -> UsageError:
    """Return the error of a token that lacks an ability of Coolify (`read`, `write`, `deploy`, `read:sensitive`)."""
    return UsageError(
        f"the Coolify token from {caller.token_source} lacks the ability {ability}",
        where=where,
        hint="make one with read, read:sensitive, write and deploy (tick deploy first: it clears the others), or root",
    )


def _what_it_says(reply: Reply, caller: Caller) -> tuple[str, tuple[str, ...], Any]:
    try:
        data = reply.json()
    except ValueError:
        kind = reply.headers.get("content-type", "")
        return ("" if "html" in kind else caller.show(reply.text)), (), None
    if not isinstance(data, dict):
        return caller.show(json.dumps(data)), (), data
    parts = [data.get("message"), data.get("error")]
    said = caller.show(" ".join(part for part in parts if isinstance(part, str) and part != "Unauthorized"))
    return said, tuple(caller.show(line) for line in _problems(data.get("errors"))), data


def _problems(errors: Any) -> list[str]:
    # Coolify's four shapes: field -> list of texts, field -> text, a list of texts, a list of field names.
    if isinstance(errors, dict):
        found = []
        for name, texts in errors.items():
            found += [f"{name}: {text}" for text in (texts if isinstance(texts, list) else [texts])]
        return found
    if isinstance(errors, list):
        return [f"{text}: unknown or wrong" if re.fullmatch(r"\w+", str(text)) else str(text) for text in errors]
    return [str(errors)] if errors else []


def _conflicts(data: Any, caller: Caller) -> tuple[str, ...]:
    conflicts = data.get("conflicts") if isinstance(data, dict) else None
    if not isinstance(conflicts, list):
        return ()
    return tuple(
        caller.show(f"{one.get('domain')} belongs to {one.get('resource_type')} {one.get('resource_name')}")
        for one in conflicts
        if isinstance(one, dict)
    )
