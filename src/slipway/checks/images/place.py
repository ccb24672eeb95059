"""The container's time zone and character set."""

from collections.abc import Iterable

from slipway.checks.images.stage import Stage
from slipway.checks.issue import Issue
from slipway.config.workspace import Role

# What Django does with TIME_ZONE, and what Python takes a file's and a terminal's bytes for.
_QUESTION = (
    "import sys, locale, zoneinfo; zoneinfo.ZoneInfo('Africa/Accra');"
    " print(sys.getfilesystemencoding(), locale.getpreferredencoding(False), sys.stdout.encoding)"
)


def keeps_universal_time(stage: Stage) -> Iterable[Issue]:
    """The clock shows UTC, so that a log line means the same everywhere."""
    offset = stage.host.run("date +%z").stdout.strip()
    if offset != "+0000":
        yield stage.issue("time-zone", f"the clock is at {offset or 'an unknown offset'}, not UTC", "leave TZ out")


def speaks_utf8(stage: Stage) -> Iterable[Issue]:
    """Python reads and writes UTF-8 and knows the time zones that a project may name."""
    if stage.service.role is Role.STATIC:
        return
    asked = stage.host.run("python3 -c %s", _QUESTION)
    if "ZoneInfoNotFoundError" in asked.stderr:
        yield stage.issue("time-zone", "there are no time zones", "install Debian's or Python's tzdata")
    elif asked.rc != 0:
        yield stage.issue("locale", f"Python cannot be asked: {asked.stderr.strip()[-200:] or asked.rc}")
    elif wrong := {word for word in asked.stdout.split() if word.lower().replace("-", "") != "utf8"}:
        yield stage.issue("locale", f"Python reads {', '.join(sorted(wrong))}, not UTF-8", "set LANG=C.UTF-8")
