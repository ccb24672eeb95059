"""Circuits around calls to the outside: what opens them, what tries, who shares them, and what is without Redis."""

import asyncio
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from slipway_runtime import breaker as module
from slipway_runtime import circuits
from slipway_runtime.breaker import Breaker, CircuitOpen, breaker

from .conftest import eventually
from .faulty import Server, redis_server


class Down(Exception):
    """What the service's client raises."""


class Declined(Exception):
    """The service answered, and the answer is no."""


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(circuits, "_redis", lambda: None)
    monkeypatch.setattr(module, "_breakers", {})
    monkeypatch.setattr(module, "_seen", (0.0, []))


def fails() -> None:
    raise Down


def tripped(name: str = "acrcloud", **options: Any) -> Breaker:
    circuit = breaker(name, fail_max=2, **options)
    for _ in range(2):
        with pytest.raises(Down), circuit:
            fails()
    return circuit


def test_after_so_many_failures_in_a_row_nobody_is_asked_any_more() -> None:
    asked = []

    @breaker("acrcloud", fail_max=3)
    def identify(sample: str) -> str:
        """Its own words."""
        asked.append(sample)
        raise Down

    for _ in range(3):
        with pytest.raises(Down):  # the caller sees what went wrong, also the time it opens
            identify("a")
    for _ in range(5):
        with pytest.raises(CircuitOpen):
            identify("b")
    assert asked == ["a"] * 3
    assert (identify.__name__, identify.__doc__) == ("identify", "Its own words.")
    state = breaker("acrcloud").state()
    assert (state.name, state.state, state.failures, state.shared) == ("acrcloud", "open", 3, False)
    assert state.opened_at is not None
    assert abs(state.opened_at - time.time()) < 5


def test_a_success_between_them_forgets_the_failures() -> None:
    circuit = breaker("momo", fail_max=2)
    for _ in range(5):
        with pytest.raises(Down), circuit:
            fails()
        with circuit:
            pass
    assert circuit.state().state == "closed"


def test_a_no_of_the_service_is_an_answer() -> None:
    circuit = breaker("momo", fail_max=2, exclude=(Declined,))
    for _ in range(5):
        with pytest.raises(Declined), circuit:
            raise Declined
    assert circuit.state().state == "closed"


def test_one_call_tries_after_the_pause_and_closes_it() -> None:
    circuit = tripped(reset_timeout=0.3)
    with pytest.raises(CircuitOpen, match="left alone until"), circuit:
        raise AssertionError
    time.sleep(0.4)
    with circuit:
        pass
    assert circuit.state().state == "closed"
    assert circuit.state().opened_at is None


def test_a_try_that_fails_opens_it_for_another_pause() -> None:
    circuit = tripped(reset_timeout=0.3)
    time.sleep(0.4)
    with pytest.raises(Down), circuit:
        fails()
    assert circuit.state().state == "open"


def test_while_one_call_tries_the_others_are_refused() -> None:
    circuit = tripped(reset_timeout=0.3)
    time.sleep(0.4)
    inside, go = threading.Event(), threading.Event()

    def slow() -> str:
        with circuit:
            inside.set()
            assert go.wait(10)
            return "answer"

    with ThreadPoolExecutor(1) as thread:
        trying = thread.submit(slow)
        assert inside.wait(5)
        for _ in range(3):
            with pytest.raises(CircuitOpen, match="being tried"), circuit:
                raise AssertionError
        go.set()
        assert trying.result(5) == "answer"
    with circuit:
        pass


def test_slow_calls_do_not_wait_for_each_other() -> None:
    circuit = breaker("acrcloud")

    @circuit
    def slow() -> None:
        time.sleep(0.3)

    begin = time.monotonic()
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: slow(), range(8)))
    assert time.monotonic() - begin < 1


def test_coroutines_leave_in_another_order_than_they_entered() -> None:
    circuit = breaker("acrcloud", fail_max=2)

    @circuit
    async def call(seconds: float, *, works: bool) -> float:
        await asyncio.sleep(seconds)
        if not works:
            raise Down
        return seconds

    async def several() -> list[Any]:
        calls = [call(0.2, works=True), call(0.05, works=True), call(0.1, works=False), call(0.01, works=False)]
        return list(await asyncio.gather(*calls, return_exceptions=True))

    found = asyncio.run(several())
    assert found[:2] == [0.2, 0.05]
    assert [type(one) for one in found[2:]] == [Down, Down]
    assert circuit.state().state == "closed"  # the last to leave came back well

    async def failing() -> list[Any]:
        return list(await asyncio.gather(*(call(0.01, works=False) for _ in range(4)), return_exceptions=True))

    asyncio.run(failing())
    with pytest.raises(CircuitOpen):
        asyncio.run(call(0.0, works=True))


def test_circuits_may_lie_in_each_other() -> None:
    outer, inner = breaker("outer", fail_max=1), breaker("inner", fail_max=1)
    with outer, pytest.raises(Down), inner:
        fails()
    assert (outer.state().state, inner.state().state) == ("closed", "open")


@pytest.mark.parametrize("name", ["", "a b", "x" * 65, "a:b", "*", "ü", "a\nb"])
def test_a_name_is_one_word(name: str) -> None:
    with pytest.raises(ValueError, match="a circuit's name"):
        breaker(name)


def test_states_tell_of_every_circuit_of_this_process() -> None:
    tripped("momo")
    breaker("acrcloud")
    assert [(one.name, one.state) for one in module.states()] == [("acrcloud", "closed"), ("momo", "open")]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with redis_server() as server:
        yield server


@pytest.fixture
def process(server: Server, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Callable[..., Breaker]]:
    """What makes another process's breakers: each call has its own memory, and all have one Redis."""
    client = circuits._client(server.url, 0.5)
    prefix = f"test.{uuid.uuid4().hex}"
    monkeypatch.setattr(circuits, "_redis", lambda: (client, prefix))

    def start() -> Callable[..., Breaker]:
        made: dict[str, Breaker] = {}

        def get(name: str, fail_max: int = 2, reset_timeout: float = 30.0) -> Breaker:
            return made.setdefault(name, Breaker(name, fail_max, reset_timeout, ()))

        return get

    return start


@pytest.mark.docker
def test_processes_share_a_circuit(process: Callable[[], Callable[..., Breaker]]) -> None:
    one, other = process(), process()
    for which in (one, other):  # one failure each
        with pytest.raises(Down), which("acrcloud"):
            fails()
    for which in (one, other, process()):
        with pytest.raises(CircuitOpen), which("acrcloud"):
            raise AssertionError
    assert [(found.name, found.state, found.shared) for found in module.states()] == [("acrcloud", "open", True)]


@pytest.mark.docker
def test_one_process_tries_for_all(process: Callable[[], Callable[..., Breaker]]) -> None:
    one, other = process(), process()
    for _ in range(2):
        with pytest.raises(Down), one("acrcloud", reset_timeout=0.3):
            fails()
    time.sleep(0.4)
    with one("acrcloud"), pytest.raises(CircuitOpen), other("acrcloud", reset_timeout=0.3):
        raise AssertionError
    with other("acrcloud"):
        pass
    assert other("acrcloud").state().state == one("acrcloud").state().state == "closed"


@pytest.mark.docker
def test_without_redis_each_has_its_own_and_waits_for_it_once(
    process: Callable[[], Callable[..., Breaker]], server: Server
) -> None:
    one, other = process(), process()
    with one("acrcloud"):
        pass
    server.pause()
    try:
        begin = time.monotonic()
        for _ in range(2):
            with pytest.raises(Down), one("acrcloud"):
                fails()
        with pytest.raises(CircuitOpen), one("acrcloud"):
            raise AssertionError
        with other("acrcloud"):  # knows nothing of it
            pass
        assert time.monotonic() - begin < 1.5
        state = one("acrcloud").state()
        assert (state.state, state.shared) == ("open", False)
    finally:
        server.unpause()
    eventually(lambda: one("acrcloud").state().shared, 5)
