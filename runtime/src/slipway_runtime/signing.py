"""Worker and beat sign the board now and then; a broker that is away costs them a second at most, and no error."""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from slipway_runtime import board

log = logging.getLogger("slipway.signing")


class Signing:
    """Call it as often as you like: it signs every `board.EVERY` seconds."""

    def __init__(self, app: Any, kind: str, name: str, said: Callable[[], dict[str, Any]]) -> None:
        self.board, self.kind, self.name, self.said = board.of(app), kind, name, said
        self._due = 0.0
        self._failing = False

    def __call__(self) -> None:
        """Sign if it is time."""
        now = time.monotonic()
        if self.board is None or now < self._due:
            return
        self._due = now + board.EVERY
        try:
            self.board.sign(self.kind, self.name, self.said())
        except Exception as error:  # noqa: BLE001  (to be seen is no reason to stop working)
            if not self._failing:
                log.warning("cannot sign the board in Redis: %s", type(error).__name__)
            self._failing = True
        else:
            self._failing = False

    def leave(self) -> None:
        """Take the sign away: this process stops by itself."""
        self._due = 0.0
        if self.board is not None:
            with suppress(Exception):
                self.board.leave(self.kind, self.name)
