"""`python -m slipway_runtime.preflight slipway_runtime.web`: look at the settings, then be that process.

Only with the overlay's settings: a project that runs without them is started as it is.
"""

import importlib
import os
import sys
from collections.abc import Iterable

from slipway_runtime.conf import CannotCompose
from slipway_runtime.conf.env import Problem
from slipway_runtime.say import say

WRONG_CONFIGURATION = 2
SETTINGS = "slipway_runtime.settings"


def fatal_problems() -> int:
    """Say everything that is wrong and return how many problems forbid a start."""
    try:
        from django.conf import settings

        problems: tuple[Problem, ...] = settings.SLIPWAY["problems"]
    except CannotCompose as error:
        problems = error.problems
    for problem in problems:
        _tell(problem.id, f"{problem.name} {problem.message}", problem.hint)
    fatal = sum(problem.fatal for problem in problems)
    # Without sound settings an app may not even load, and its error would hide the reason.
    return fatal or _failed_checks({problem.id for problem in problems})


def _failed_checks(told: Iterable[str]) -> int:
    """Run the overlay's system checks that look at more than variables."""
    import django
    from django.core import checks

    from slipway_runtime.checks import TAG

    django.setup()
    found = [message for message in checks.run_checks(tags=[TAG]) if message.id not in told]
    for message in found:
        _tell(message.id, message.msg, message.hint or "")
    return sum(message.is_serious() for message in found)


def _tell(identity: str, message: str, hint: str) -> None:
    say(f"{identity}: {message}" + (f" ({hint})" if hint else ""))


def main(module: str) -> int:
    """Be the process `module`, or return 2 for settings that forbid it."""
    if os.environ.get("DJANGO_SETTINGS_MODULE") == SETTINGS and (count := fatal_problems()):
        say(f"not started: {count} problem{'s' if count > 1 else ''} in the configuration")
        if module == "slipway_runtime.migrate":
            _tell_migration(count)
        return WRONG_CONFIGURATION
    return int(importlib.import_module(module).main() or 0)


def _tell_migration(count: int) -> None:
    """Give the caller of a migration the JSON that it waits for."""
    from slipway_runtime.migrate import Outcome, tell

    tell(Outcome(error=f"{count} problems in the configuration, see above"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
