"""Supervisor: one child process, kept until it ends or until this container has to stop.

It is small on purpose (it imports neither Django nor Celery) and waits for signals instead of handling them, so no
handler can run at the wrong moment. An init such as tini reaps orphans and forwards signals to it.
"""

import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from slipway_runtime.say import say

_STOP = (signal.SIGTERM, signal.SIGINT)
_WATCHED = (*_STOP, signal.SIGHUP, signal.SIGCHLD)


@dataclass(frozen=True, slots=True)
class StopPlan:
    """How a child ends: serves on for `drain`, gets SIGTERM, after `quit_after` SIGQUIT, after `kill_after` SIGKILL.

    All in seconds, the last two counted from the SIGTERM. `quit_after` None sends no SIGQUIT.
    """

    drain: float
    kill_after: float
    quit_after: float | None = None


def supervise(argv: Sequence[str], plan: StopPlan, on_stop: Callable[[], None]) -> int:
    """Run `argv` until it ends and return the exit code for this container.

    SIGTERM and SIGINT stop it: `on_stop` is called at once, then the plan is followed; a second one skips the drain.
    Returns 0 after such a stop if the child ended by SIGTERM or with 0, 137 if it had to be killed, else the child's
    own code (128 + n for signal n).
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
    try:
        return _Child(argv, plan, on_stop).run()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _Child:
    def __init__(self, argv: Sequence[str], plan: StopPlan, on_stop: Callable[[], None]) -> None:
        self.plan = plan
        self.on_stop = on_stop
        # A session of its own: Ctrl-C in a terminal reaches the supervisor alone, and a kill reaches the whole group.
        self.pid = os.posix_spawnp(
            argv[0], list(argv), os.environ, setsigmask=(), setsigdef=(signal.SIGPIPE,), setsid=True
        )

    def run(self) -> int:
        """Wait for the end or for the order to stop."""
        while True:
            received, code = self._next(None)
            if code is not None:
                say(f"the server ended by itself with {code}")
                return code
            if received in _STOP:
                return self._stop(received)

    def _stop(self, received: int) -> int:
        serving = f", {self.plan.drain:g} s of serving on" if self.plan.drain else ""
        say(f"{signal.Signals(received).name}: health is red{serving}")
        try:
            self.on_stop()
        except OSError as error:
            say(f"health cannot be turned red: {error}")
        code = self._drain()
        if code is not None:
            say(f"the server ended with {code} while it drained")
            return code
        os.kill(self.pid, signal.SIGTERM)
        return self._finish(time.monotonic())

    def _drain(self) -> int | None:
        """Wait out the drain, or until a second order; return the child's exit code if it ended meanwhile."""
        until = time.monotonic() + self.plan.drain
        while (left := until - time.monotonic()) > 0:
            received, code = self._next(left)
            if code is not None:
                return code
            if received in _STOP:
                say(f"{signal.Signals(received).name} again: the drain is skipped")
                break
        return None

    def _finish(self, since: float) -> int:
        quit_at = None if self.plan.quit_after is None else since + self.plan.quit_after
        kill_at = since + self.plan.kill_after
        while True:
            due = kill_at if quit_at is None else min(quit_at, kill_at)
            _, code = self._next(max(0.0, due - time.monotonic()))
            now = time.monotonic()
            if code is not None:
                clean = code in (0, 128 + signal.SIGTERM)
                say(f"stopped after {now - since:.1f} s" + ("" if clean else f" with {code}"))
                return 0 if clean else code
            if now >= kill_at:
                say(f"still running after {self.plan.kill_after:g} s: SIGKILL")
                os.killpg(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
                return 128 + signal.SIGKILL
            if quit_at is not None and now >= quit_at:
                say(f"still running after {self.plan.quit_after:g} s: SIGQUIT")
                os.kill(self.pid, signal.SIGQUIT)
                quit_at = None

    def _next(self, seconds: float | None) -> tuple[int, int | None]:
        """Wait for one watched signal, `seconds` at most; return it (else 0) and the child's exit code if it ended."""
        if seconds is None:
            received: int = signal.sigwait(_WATCHED)
        else:
            info = signal.sigtimedwait(_WATCHED, seconds)
            received = info.si_signo if info else 0
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid == 0:
            return received, None
        code = os.waitstatus_to_exitcode(status)
        return received, 128 - code if code < 0 else code
