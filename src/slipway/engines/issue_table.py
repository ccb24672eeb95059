"""How findings look on a terminal: a table for each file, its lines in order. Pure; the console prints it."""

from collections.abc import Iterable, Iterator
from itertools import groupby

from slipway.checks.issue import Issue, Severity

STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.INFO: "dim"}


def file_of(issue: Issue) -> tuple[str, int]:
    """Return file and line (0 for none) of `env/production.env:12`."""
    file, _, line = issue.where.rpartition(":")
    return (file, int(line)) if file and line.isdecimal() else (issue.where, 0)


def grouped(issues: Iterable[Issue]) -> Iterator[tuple[str, str]]:
    """Yield (line, style): each file as a heading, below it line, severity, what is wrong and the way out."""
    listed = sorted(issues, key=lambda issue: (file_of(issue), issue.id))
    places = {issue: file_of(issue) for issue in listed}
    line_width = max((len(str(line)) for _, line in places.values() if line), default=1)
    id_width = max((len(issue.id) for issue in listed), default=0)
    for file, those in groupby(listed, key=lambda issue: places[issue][0]):
        yield file, "bold"
        for issue in those:
            number = str(places[issue][1] or "").rjust(line_width)
            head = f"  {number}  {issue.severity:<7}  {issue.id:<{id_width}}  "
            yield head + issue.message, STYLES[issue.severity]
            if issue.hint:
                yield f"{' ' * len(head)}-> {issue.hint}", "dim"


def counted(issues: Iterable[Issue]) -> str:
    """Return how many of each severity: `3 errors, 1 warning, 0 info`."""
    listed = list(issues)
    counts = {severity: sum(issue.severity is severity for issue in listed) for severity in Severity}
    return ", ".join(f"{n} {s}{'' if n == 1 or s is Severity.INFO else 's'}" for s, n in counts.items())
