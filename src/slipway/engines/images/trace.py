"""The builder's trace: `moby.buildkit.trace` messages decoded, and the events and the failure they tell of.

The messages are protobuf (`moby.buildkit.v1.StatusResponse` in BuildKit's api/services/control/control.proto). Three of
its types and two wire kinds are all that is needed, so they are read here by hand.
"""

import base64
import binascii
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from slipway.ports import BuildEvent

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_TAIL = 15
_LONGEST_LINE = 2000

Fields = dict[int, list[int | bytes]]


class TraceError(ValueError):
    """The bytes are no trace message."""


@dataclass(frozen=True, slots=True)
class Vertex:
    """One step of the build graph. Times are seconds since the epoch, None while not yet known."""

    digest: str
    name: str
    cached: bool
    started: float | None
    completed: float | None
    error: str


@dataclass(frozen=True, slots=True)
class Status:
    """Progress inside a step, e.g. a layer that is fetched: `current` of `total` bytes."""

    id: str
    vertex: str
    current: int
    total: int


@dataclass(frozen=True, slots=True)
class Log:
    """A piece of a step's output; it need not end at a line's end."""

    vertex: str
    stream: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Trace:
    """One message."""

    vertexes: tuple[Vertex, ...]
    statuses: tuple[Status, ...]
    logs: tuple[Log, ...]


@dataclass(frozen=True, slots=True)
class Failure:
    """The step that failed: its name, what the builder says, its last lines of output."""

    step: str
    error: str
    lines: tuple[str, ...]


def decode_trace(aux: str) -> Trace:
    """Decode the base64 text of one message. Raises `TraceError` on anything else."""
    try:
        data = base64.b64decode(aux, validate=True)
    except (binascii.Error, ValueError) as error:
        raise TraceError(f"not base64: {error}") from error
    response = _fields(data)
    return Trace(
        tuple(_vertex(_fields(item)) for item in _messages(response, 1)),
        tuple(_status(_fields(item)) for item in _messages(response, 2)),
        tuple(_log(_fields(item)) for item in _messages(response, 3)),
    )


class BuildProgress:
    """Turns the messages of one build into events, and remembers each step's last lines for the case that it fails."""

    def __init__(self, build: str, mask: Callable[[str], str]) -> None:
        self._build = build
        self._mask = mask
        self._names: dict[str, str] = {}
        self._ended: set[str] = set()
        self._tails: dict[str, deque[str]] = {}
        self._open: dict[tuple[str, int], str] = {}
        self._failed: tuple[str, str] | None = None

    def take(self, trace: Trace) -> Iterator[BuildEvent]:
        """Yield what the message tells; the builder's own housekeeping (`[internal] ...`) is left out."""
        for vertex in trace.vertexes:
            self._names[vertex.digest] = self._mask(vertex.name)
        for log in trace.logs:
            for line in self._lines(log):
                yield BuildEvent(self._build, self._names.get(log.vertex, ""), line)
        for vertex in trace.vertexes:
            if vertex.error and not (self._failed and "context canceled" in vertex.error):
                self._failed = vertex.digest, vertex.error
            if vertex.completed is not None and vertex.digest not in self._ended:
                self._ended.add(vertex.digest)
                if not vertex.name.startswith("[internal]"):
                    seconds = max(0.0, vertex.completed - (vertex.started or vertex.completed))
                    yield BuildEvent(self._build, self._names[vertex.digest], "", seconds, vertex.cached)

    def failure(self) -> Failure | None:
        """Return the step that failed, None when none said so."""
        if self._failed is None:
            return None
        digest, error = self._failed
        open_lines = [
            self._shown(rest) for (vertex, _), rest in self._open.items() if vertex == digest and rest.strip()
        ]
        lines = [*self._tails.get(digest, ()), *open_lines]
        return Failure(self._names.get(digest, ""), self._mask(error), tuple(lines[-_TAIL:]))

    def _lines(self, log: Log) -> Iterator[str]:
        # Both streams arrive in pieces of their own: an open line of one must not swallow the other's.
        source = log.vertex, log.stream
        text = self._open.get(source, "") + log.data.decode("utf-8", "replace")
        *whole, rest = text.split("\n")
        self._open[source] = rest[-_LONGEST_LINE:]
        tail = self._tails.setdefault(log.vertex, deque(maxlen=_TAIL))
        for line in whole:
            shown = self._shown(line)
            if shown:
                tail.append(shown)
            yield shown

    def _shown(self, line: str) -> str:
        # A progress bar overwrites its line with carriage returns: the last state is what a terminal would show.
        return self._mask(line.rstrip().rpartition("\r")[2][:_LONGEST_LINE])


def _fields(data: bytes) -> Fields:
    """Read one message into field number → values; unknown fields are kept, as protobuf demands."""
    fields: Fields = {}
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, kind = key >> 3, key & 7
        if not number:
            raise TraceError("field number 0")
        value: int | bytes
        if kind == _VARINT:
            value, at = _varint(data, at)
        elif kind in (_FIXED64, _FIXED32, _BYTES):
            if kind == _BYTES:
                length, at = _varint(data, at)
            else:
                length = 8 if kind == _FIXED64 else 4
            value = data[at : at + length]
            if len(value) != length:
                raise TraceError("cut off inside a field")
            at += length
        else:
            raise TraceError(f"wire kind {kind}")
        fields.setdefault(number, []).append(value)
    return fields


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise TraceError("cut off inside a number")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & (1 << 64) - 1, at
    raise TraceError("a number of more than 64 bits")


def _messages(fields: Fields, number: int) -> Iterator[bytes]:
    for value in fields.get(number, ()):
        if not isinstance(value, bytes):
            raise TraceError(f"field {number} is no message")
        yield value


def _bytes(fields: Fields, number: int) -> bytes:
    value = fields.get(number, [b""])[-1]
    if not isinstance(value, bytes):
        raise TraceError(f"field {number} is no text")
    return value


def _text(fields: Fields, number: int) -> str:
    return _bytes(fields, number).decode("utf-8", "replace")


def _number(fields: Fields, number: int) -> int:
    value = fields.get(number, [0])[-1]
    if not isinstance(value, int):
        raise TraceError(f"field {number} is no number")
    return value - (1 << 64) if value >> 63 else value


def _time(fields: Fields, number: int) -> float | None:
    if number not in fields:
        return None
    stamp = _fields(_bytes(fields, number))
    return _number(stamp, 1) + _number(stamp, 2) / 1e9


def _vertex(fields: Fields) -> Vertex:
    return Vertex(
        _text(fields, 1),
        _text(fields, 3),
        bool(_number(fields, 4)),
        _time(fields, 5),
        _time(fields, 6),
        _text(fields, 7),
    )


def _status(fields: Fields) -> Status:
    return Status(_text(fields, 1), _text(fields, 2), _number(fields, 4), _number(fields, 5))


def _log(fields: Fields) -> Log:
    return Log(_text(fields, 1), _number(fields, 3), _bytes(fields, 4))
