"""Questions that may hang, asked side by side and given up on together."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Answer(Generic[Value]):
    """What came back: a value, or the error, or neither when nothing came in time. `seconds` since it was asked."""

    value: Value | None
    error: Exception | None
    seconds: float

    @property
    def late(self) -> bool:
        """Whether nothing came back."""
        return self.value is None and self.error is None


class Question(Generic[Value]):
    """One question, asked in a thread of its own. While it hangs it is not asked again, so threads stay few."""

    def __init__(self, ask: Callable[[], Value]) -> None:
        self._ask = ask
        self._done = threading.Event()
        self._done.set()
        self._begun = 0.0
        self._answer: Answer[Value] | None = None

    def begin(self) -> None:
        """Ask, unless the last time still hangs."""
        if not self._done.is_set():
            return
        self._done.clear()
        self._answer, self._begun = None, time.monotonic()
        # A daemon, so that a question nobody answers does not keep the process from ending.
        threading.Thread(target=self._run, name="slipway-question", daemon=True).start()

    def answer(self, until: float) -> Answer[Value]:
        """Return what came back, waiting until `until` of the monotonic clock at most."""
        self._done.wait(max(0.0, until - time.monotonic()))
        return self._answer or Answer(None, None, time.monotonic() - self._begun)

    def _run(self) -> None:
        begin = time.monotonic()
        try:
            self._answer = Answer(self._ask(), None, time.monotonic() - begin)
        except Exception as error:  # noqa: BLE001  (the error is the answer)
            self._answer = Answer(None, error, time.monotonic() - begin)
        finally:
            self._done.set()
