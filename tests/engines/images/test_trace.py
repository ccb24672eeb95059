import base64
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.engines.images.trace import BuildProgress, TraceError, decode_trace
from slipway.ports import BuildEvent
from slipway.secret import Mask, Secret


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def _field(number: int, value: int | bytes | str) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _vertex(digest: str, name: str, start: int = 0, end: int = 0, *, cached: bool = False, error: str = "") -> bytes:
    message = _field(1, digest) + _field(2, "input") + _field(3, name) + _field(4, int(cached)) + _field(7, error)
    if start:
        message += _field(5, _field(1, start))
    if end:
        message += _field(6, _field(1, end) + _field(2, 500_000_000))
    return _field(1, message)


def _log(digest: str, data: bytes, stream: int = 1) -> bytes:
    return _field(3, _field(1, digest) + _field(2, _field(1, 7)) + _field(3, stream) + _field(4, data))


def _aux(*parts: bytes) -> str:
    return base64.b64encode(b"".join(parts)).decode()


def _events(progress: BuildProgress, *messages: str) -> list[BuildEvent]:
    return [event for message in messages for event in progress.take(decode_trace(message))]


@given(st.text(), st.text(), st.integers(1, 1 << 40), st.integers(1, 1 << 40), st.booleans(), st.binary())
def test_what_is_encoded_is_decoded(digest: str, name: str, start: int, end: int, cached: bool, data: bytes) -> None:
    unknown = _field(15, "future") + _varint(14 << 3 | 1) + bytes(8) + _varint(13 << 3 | 5) + bytes(4)
    trace = decode_trace(_aux(_vertex(digest, name, start, end, cached=cached), unknown, _log(digest, data, 2)))
    (vertex,), (log,) = trace.vertexes, trace.logs
    assert (vertex.digest, vertex.name, vertex.cached) == (digest, name, cached)
    assert (vertex.started, vertex.completed) == (start, end + 0.5)
    assert (log.vertex, log.stream, log.data) == (digest, 2, data)


@given(st.binary(max_size=200))
def test_garbage_is_a_trace_error_and_nothing_else(data: bytes) -> None:
    with contextlib.suppress(TraceError):
        decode_trace(base64.b64encode(data).decode())


@given(st.binary(max_size=60), st.data())
def test_a_message_cut_anywhere_is_read_or_a_trace_error(data: bytes, draw: st.DataObject) -> None:
    whole = _vertex("d", "RUN x", 1, 2) + _log("d", data)
    cut = draw.draw(st.integers(0, len(whole)))
    with contextlib.suppress(TraceError):
        decode_trace(_aux(whole[:cut]))


@pytest.mark.parametrize("text", ["None", "%%%", "Zm9", "äöü"])
def test_what_is_not_base64_is_a_trace_error(text: str) -> None:
    with pytest.raises(TraceError):
        decode_trace(text)


def test_a_step_tells_its_lines_then_its_end_once() -> None:
    progress = BuildProgress("web", str)
    events = _events(
        progress,
        _aux(_vertex("d", "[1/2] RUN make", 10)),
        _aux(_log("d", b"one\ntw")),
        _aux(_log("d", b"o\nthree")),
        _aux(_vertex("d", "[1/2] RUN make", 10, 12)),
        _aux(_vertex("d", "[1/2] RUN make", 10, 12)),
    )
    step = "[1/2] RUN make"
    assert events == [BuildEvent("web", step, "one"), BuildEvent("web", step, "two"), BuildEvent("web", step, "", 2.5)]


def test_the_builders_housekeeping_is_not_told_and_a_cached_step_says_so() -> None:
    events = _events(
        BuildProgress("web", str),
        _aux(_vertex("i", "[internal] load build definition", 1, 2), _vertex("c", "[1/1] RUN x", 3, 3, cached=True)),
    )
    assert [(event.step, event.cached) for event in events] == [("[1/1] RUN x", True)]


def test_a_failure_keeps_the_last_lines_even_one_without_an_end() -> None:
    progress = BuildProgress("web", str)
    lines = "".join(f"line {n}\n" for n in range(40))
    _events(
        progress,
        _aux(_vertex("d", "RUN x", 1), _log("d", lines.encode() + b"the last word")),
        _aux(_vertex("d", "RUN x", 1, 2, error="exit code: 3")),
        _aux(_vertex("e", "RUN y", 1, 2, error="context canceled")),
    )
    failure = progress.failure()
    assert failure is not None
    assert (failure.step, failure.error) == ("RUN x", "exit code: 3")
    assert failure.lines == (*(f"line {n}" for n in range(26, 40)), "the last word")


def test_a_progress_bar_shows_its_last_state_and_a_secret_nothing() -> None:
    progress = BuildProgress("web", Mask([Secret("hunter22")]))
    events = _events(progress, _aux(_vertex("d", "RUN login hunter22", 1), _log("d", b" 1%\r50%\r99% hunter22\r\n")))
    assert [(event.step, event.text) for event in events] == [("RUN login [secret]", "99% [secret]")]


def test_open_lines_of_both_streams_do_not_run_into_each_other() -> None:
    progress = BuildProgress("web", str)
    events = _events(
        progress, _aux(_log("d", b"out"), _log("d", b"err", 2), _log("d", b" one\n"), _log("d", b" two\n", 2))
    )
    assert [event.text for event in events] == ["out one", "err two"]


def test_a_line_that_never_ends_does_not_grow_without_bound() -> None:
    progress = BuildProgress("web", str)
    for _ in range(50):
        _events(progress, _aux(_log("d", b"x" * 10_000)))
    assert len(progress._open["d", 1]) <= 2000
