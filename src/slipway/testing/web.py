"""The web in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from slipway.errors import SlipwayError, Unreachable
from slipway.ports import Answer


@dataclass(slots=True)
class FakeWeb:
    """Answers from a table, and remembers `asked` (`METHOD url`), with what `sent` (headers) and `bodies` (JSON).

    `answers` maps `METHOD url` (a WebSocket's method is `WS`, its answer's status 101) to an answer, an error, or a
    list of them: one a question, the last for ever. What is not in it is a 404. `allowed` are the origins that every
    answer lets read, as CORS does.
    """

    answers: dict[str, "Answer | SlipwayError | list[Answer | SlipwayError]"] = field(default_factory=dict)
    allowed: Sequence[str] = ()
    asked: list[str] = field(default_factory=list)
    sent: list[Mapping[str, str]] = field(default_factory=list)
    bodies: list[object] = field(default_factory=list)

    def ask(
        self, method: str, url: str, *, json: object | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Answer from the table."""
        sent = {name.lower(): value for name, value in (headers or {}).items()}
        self.asked.append(f"{method} {url}")
        self.sent.append(sent)
        self.bodies.append(json)
        answer = self.answers.get(f"{method} {url}", Answer(404, {}, "not found"))
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if isinstance(answer, SlipwayError):
            raise answer
        origin = sent.get("origin")
        if origin is not None and origin in self.allowed:
            return Answer(answer.status, {"access-control-allow-origin": origin, **answer.headers}, answer.body)
        return answer

    def first_message(self, url: str, seconds: float, *, origin: str | None = None) -> str:  # noqa: ARG002 - at once
        """Return the body of the answer to `WS url`. Raises `Unreachable` where its status is not 101."""
        answer = self.ask("WS", url, headers={"Origin": origin} if origin else None)
        if answer.status != 101:
            raise Unreachable(f"WebSocket {url}: HTTP {answer.status}", where="fake web")
        return answer.body
