"""`python -m slipway_runtime.start [web|worker|beat|migrate]`: what the backend image runs."""

import os
import sys

from slipway_runtime import state
from slipway_runtime.metrics import place
from slipway_runtime.options import KILL_MARGIN, Options, WrongOption, read
from slipway_runtime.say import say
from slipway_runtime.supervisor import StopPlan, supervise


def command(options: Options) -> tuple[str, ...]:
    """Return the words that start the real server of this role."""
    words = (sys.executable, "-m", "slipway_runtime.preflight", f"slipway_runtime.{options.role}")
    return (*words, "--plan") if options.plan else words


def stop_plan(options: Options) -> StopPlan:
    """Return how this role stops: only web drains, because only web is behind a router."""
    drain = options.drain if options.role == "web" else 0.0
    kill_after = max(1.0, options.grace - drain - KILL_MARGIN)
    # SIGQUIT is Celery's cold shutdown: it hands unfinished late-acknowledged tasks back to the broker.
    return StopPlan(
        drain, kill_after, quit_after=kill_after - 5.0 if options.role == "worker" and kill_after > 10 else None
    )


def main(argv: list[str]) -> int:
    """Start a role and return the container's exit code: 2 for a wrong option."""
    try:
        options = read(argv, os.environ)
    except WrongOption as error:
        say(str(error))
        return 2
    os.environ["SLIPWAY_ROLE"] = options.role
    words = command(options)
    if options.role == "migrate":
        os.execv(words[0], words)  # noqa: S606  (runs to its end: nothing to drain and nothing to keep)
    try:
        state.begin(options.role)
        if options.role == "web":
            place.prepare(os.environ)
    except OSError as error:
        say(f"{state.RUN_DIR} must be writable for this user: {error}")
        return 2
    return supervise(words, stop_plan(options), state.drain)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
