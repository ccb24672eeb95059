"""A circuit breaker for calls to the outside, in one line.

    from slipway_runtime.breaker import CircuitOpen, breaker

    @breaker("acrcloud")                     # a function or a coroutine function
    def identify(sample): ...

    with breaker("momo", exclude=(Declined,)):   # the service answered: no failure
        pay()

After `fail_max` failures in a row the calls raise `CircuitOpen` at once; `reset_timeout` seconds later one call tries.
All processes share a circuit through Redis; while Redis is away each has its own.
"""

import functools
import inspect
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self, TypeVar

import pybreaker

from slipway_runtime.circuits import Storage, names

CircuitOpen = pybreaker.CircuitBreakerError
"""Raised instead of the call while the circuit is open."""

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class CircuitState:
    """How a circuit stands: `state` is closed, open or half-open, `opened_at` a POSIX time.

    `shared` says whether Redis knows, so that it is the same for every process.
    """

    name: str
    state: str
    failures: int
    opened_at: float | None
    shared: bool


class Breaker:
    """One circuit in this process: a context manager and a decorator. Threads do not wait for each other in it.

    pybreaker's `call` holds a lock for as long as the call takes, so all threads would wait for one slow answer; its
    `calling`, used here, holds it for the decision only.
    """

    def __init__(
        self, name: str, fail_max: int, reset_timeout: float, exclude: tuple[type[BaseException], ...]
    ) -> None:
        self.name = name
        self.storage = Storage(name)
        self._circuit = pybreaker.CircuitBreaker(
            fail_max,
            reset_timeout,
            exclude=list(exclude),
            state_storage=self.storage,
            name=name,
            throw_new_error_on_trip=False,  # the caller sees what went wrong, also the time it opens
        )
        # Of the thread, and of the coroutine in it: those leave in another order than they entered.
        self._calls: ContextVar[tuple[tuple[Any, bool], ...]] = ContextVar(f"slipway_circuit_{name}", default=())

    def __enter__(self) -> Self:
        """Raise `CircuitOpen` unless a call may be made."""
        trial = self.storage.state != pybreaker.STATE_CLOSED
        if trial:
            self._may_try()
        call = self._circuit.calling()
        try:
            call.__enter__()
        except BaseException:
            if trial:
                self.storage.end_trial()
            raise
        self._calls.set((*self._calls.get(), (call, trial)))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Count what became of the call; its exception goes on."""
        *others, (call, trial) = self._calls.get()
        self._calls.set(tuple(others))
        try:
            call.__exit__(kind, error, trace)
        finally:
            if trial:
                self.storage.end_trial()

    def _may_try(self) -> None:
        """Let one call through once the pause is over; the others go on being refused until it came back."""
        opened, pause = self.storage.opened_at, timedelta(seconds=self._circuit.reset_timeout)
        if self.storage.state == pybreaker.STATE_OPEN and opened and datetime.now(UTC) < opened + pause:
            raise CircuitOpen(f"{self.name} is left alone until {opened + pause:%H:%M:%S} UTC")
        if not self.storage.begin_trial(max(1.0, self._circuit.reset_timeout)):
            raise CircuitOpen(f"{self.name} is being tried by another call")

    def __call__(self, function: Function) -> Function:
        """Return the function within this circuit."""
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def asynchronous(*args: Any, **options: Any) -> Any:
                with self:
                    return await function(*args, **options)

            return asynchronous  # type: ignore[return-value]

        @functools.wraps(function)
        def synchronous(*args: Any, **options: Any) -> Any:
            with self:
                return function(*args, **options)

        return synchronous  # type: ignore[return-value]

    def state(self) -> CircuitState:
        """Return how it stands."""
        return _described(self.storage)


def _described(storage: Storage) -> CircuitState:
    opened = storage.opened_at
    state = storage.state
    return CircuitState(
        storage.circuit,
        state,
        storage.counter,
        opened.timestamp() if opened and state != pybreaker.STATE_CLOSED else None,
        storage.shared,
    )


_breakers: dict[str, Breaker] = {}
_lock = threading.Lock()


def breaker(
    name: str, *, fail_max: int = 5, reset_timeout: float = 30.0, exclude: tuple[type[BaseException], ...] = ()
) -> Breaker:
    """Return this process's circuit of that name; the first call of a process says how it behaves."""
    with _lock:
        if name not in _breakers:
            _breakers[name] = Breaker(name, fail_max, reset_timeout, exclude)
        return _breakers[name]


_CACHE_SECONDS = 1.0
_seen: tuple[float, list[CircuitState]] = (0.0, [])


def states() -> list[CircuitState]:
    """Return every circuit that this process or, through Redis, another one has; asks Redis at most once a second."""
    global _seen  # noqa: PLW0603 - a remembered answer
    at, found = _seen
    if time.monotonic() - at > _CACHE_SECONDS:
        storages = [_breakers[name].storage if name in _breakers else Storage(name) for name in sorted(_known())]
        found = [_described(storage) for storage in storages]
        _seen = (time.monotonic(), found)
    return found


def _known() -> set[str]:
    return set(_breakers) | names()
