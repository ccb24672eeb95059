"""Signals that end a run: a SIGTERM or a lost terminal ends it as Ctrl-C does, so that it cleans up."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_ENDING = (signal.SIGTERM, signal.SIGHUP)


class Interrupted(KeyboardInterrupt):
    """A signal other than Ctrl-C ended the run."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


def exit_code(interrupt: KeyboardInterrupt) -> int:
    """Return 128 and the signal's number, as a shell does."""
    return 128 + (interrupt.number if isinstance(interrupt, Interrupted) else signal.SIGINT)


@contextmanager
def ending_as_interrupts() -> Iterator[None]:
    """Raise `Interrupted` in the main thread for SIGTERM and SIGHUP; what was there before comes back at the end.

    A signal that the caller ignores stays ignored (`nohup`). Only the first one counts: what cleans up is not ended by
    the hang-up that the shell sends after the terminal's own, though by Ctrl-C still.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    terminals = [stream for stream in (1, 2) if os.isatty(stream)]
    heard = [number for number in _ENDING if signal.getsignal(number) is not signal.SIG_IGN]

    def end(number: int, _: FrameType | None) -> None:
        for other in heard:
            signal.signal(other, signal.SIG_IGN)
        if number == signal.SIGHUP:
            _silence(terminals)
        raise Interrupted(number)

    before = {number: signal.signal(number, end) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _silence(streams: list[int]) -> None:
    """Send what is still said nowhere: writing to a terminal that is gone is an error, amid the cleaning up."""
    if streams:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in streams:
            os.dup2(nowhere, stream)
        os.close(nowhere)
