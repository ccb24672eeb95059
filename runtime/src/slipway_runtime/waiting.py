"""Wait for what a process cannot start without, with a deadline and the reason why it was missed."""

import os
import random
import time
from collections.abc import Callable

from slipway_runtime.say import say

_LONGEST_PAUSE = 2.0


class NotThere(Exception):
    """Something did not answer before the deadline, or never will; the message says what and why."""


def wait_for(what: str, ask: Callable[[], None], seconds: float, hopeless: tuple[type[Exception], ...] = ()) -> None:
    """Call `ask` until it raises nothing, pausing about 0.1 s, then twice as long each time, at most about 2 s.

    "About" is up to a quarter more or less: containers that start together would ask together for ever.

    Raises `NotThere` with the last reason after `seconds`, or at once for one of `hopeless`, which no waiting mends.
    """
    until = time.monotonic() + seconds
    pause, told = 0.1, False
    while True:
        try:
            return ask()
        except hopeless as error:
            raise NotThere(f"{what} cannot be used: {type(error).__name__}: {error}") from error
        except Exception as error:  # noqa: BLE001  (drivers raise classes of their own)
            reason = f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}"
        left = until - time.monotonic()
        if left <= 0:
            raise NotThere(f"{what} did not answer within {seconds:g} s: {reason}")
        if not told:
            say(f"waiting for {what}, at most {seconds:g} s: {reason}")
            told = True
        time.sleep(min(pause * random.uniform(0.75, 1.25), left))  # noqa: S311 - no secret
        pause = min(pause * 2, _LONGEST_PAUSE)


def database(seconds: float) -> None:
    """Wait until Django's default database takes a connection; the connection is closed again."""
    from django.db import connections

    connection = connections["default"]
    settings = connection.settings_dict
    place = f"{settings.get('HOST') or 'the local socket'}:{settings.get('PORT') or 'default port'}"

    def ask() -> None:
        connection.close()
        connection.ensure_connection()
        connection.close()
        if getattr(connection, "pool", None):
            connection.close_pool()  # its threads would not survive the fork of a server

    wait_for(f"the database {connection.vendor} at {place}", ask, seconds)


def broker(app: object, seconds: float) -> None:
    """Wait until the Celery app's broker takes a connection; a client library that kombu refuses is said at once."""
    from kombu.exceptions import VersionMismatch

    def ask() -> None:
        with app.connection_for_write() as connection:  # type: ignore[attr-defined]
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=5)

    # as_uri() hides the password.
    wait_for(f"the broker {app.connection_for_write().as_uri()}", ask, seconds, (VersionMismatch, ImportError))  # type: ignore[attr-defined]


def patience() -> float:
    """Return SLIPWAY_WAIT_SECONDS; `start` has checked it."""
    return float(os.environ.get("SLIPWAY_WAIT_SECONDS") or 60)
