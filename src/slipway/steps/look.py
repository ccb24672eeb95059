"""What every verification shares: it takes nothing back, and it gives a router the time to learn of a container."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from slipway.errors import Unreachable
from slipway.ports import Answer

_NO_WAY_YET = frozenset({404, 502, 503})  # a router's answer without a route, a server, a healthy server


@dataclass(frozen=True, slots=True)
class Look:
    """A look never changes anything that has to be taken back."""

    def undo(self) -> bool:
        """Nothing was changed."""
        return False


def settled(ask: Callable[[], Answer], expected: int, seconds: float, pause: float) -> Answer:
    """Ask until something else than a router without a way answers, `seconds` at most; return the last answer.

    Traefik takes what Docker tells it up to 2 s later (`providersThrottleDuration`), and in between it answers 404, 502
    or 503. Any other answer, and the status that is `expected`, counts at once. Raises `Unreachable` when nothing
    answered to the end.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            answer = ask()
            if answer.status == expected or answer.status not in _NO_WAY_YET or time.monotonic() > deadline:
                return answer
        except Unreachable:
            if time.monotonic() > deadline:
                raise
        time.sleep(pause)
