"""Answers and refusals in the bodies that Coolify's code makes."""

import html
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_REASONS = {413: "Payload Too Large", 429: "Too Many Requests", 500: "Server Error"}
_REDIRECT = '<!DOCTYPE html><html><head><meta http-equiv="refresh" content="0;url=/" /></head><body></body></html>'
_PAGE = '<!DOCTYPE html><html lang="en"><head><title>{reason}</title></head><body>{status} | {reason}</body></html>'


@dataclass(frozen=True)
class Answer:
    """One HTTP answer: a JSON body, or plain `text`."""

    status: int
    body: Any = None
    text: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def content(self) -> tuple[bytes, str]:
        """The bytes to send and their media type."""
        if self.text is not None:
            return self.text.encode(), "text/html; charset=UTF-8"
        return json.dumps(self.body, ensure_ascii=False).encode("utf-8", "replace"), "application/json"


class Refusal(Exception):
    """A handler's early answer. `framework` marks those that Laravel renders: HTML unless JSON is asked for."""

    def __init__(self, answer: Answer, *, framework: bool = False) -> None:
        super().__init__(answer.status)
        self.answer = answer
        self.framework = framework


def message(status: int, text: str, /, **more: Any) -> Answer:
    """The usual body: `{"message": …}` and perhaps more keys."""
    return Answer(status, {"message": text, **more})


def refuse(status: int, text: str, /, **more: Any) -> Refusal:
    """A refusal with the usual body."""
    return Refusal(message(status, text, **more))


def invalid(errors: Any) -> Refusal:
    """422 with `errors` in whichever of Coolify's four shapes the endpoint uses."""
    return Refusal(message(422, "Validation failed.", errors=errors))


def invalid_by_framework(errors: dict[str, list[str]]) -> Refusal:
    """422 as Laravel itself renders it: a redirect for those who did not ask for JSON."""
    count = sum(map(len, errors.values())) - 1
    first = next(iter(errors.values()))[0]
    more = f" (and {count} more error{'s' if count > 1 else ''})" if count else ""
    return Refusal(Answer(422, {"message": first + more, "errors": errors}), framework=True)


def server_error() -> Refusal:
    """500 as Laravel renders an exception with debug off."""
    return Refusal(message(500, "Server Error"), framework=True)


def wants_json(accept: str) -> bool:
    """Laravel's rule: the *first* media type of the Accept header is a JSON one."""
    first = accept.split(",", 1)[0].lower()
    return "/json" in first or "+json" in first


def rendered(refusal: Refusal, accept: str) -> Answer:
    """The refusal as this client gets it: without `Accept: application/json` what Laravel renders is no JSON."""
    answer = refusal.answer
    if not refusal.framework or wants_json(accept):
        return answer
    if answer.status == 422:
        return Answer(302, text=_REDIRECT, headers={**answer.headers, "Location": "/"})
    reason = html.escape(_REASONS.get(answer.status, "Error"))
    page = _PAGE.format(reason=reason, status=answer.status)
    return Answer(answer.status, text=page, headers=answer.headers)
