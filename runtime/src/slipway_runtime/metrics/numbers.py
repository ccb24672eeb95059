"""How the sums of tasks are laid out in their hash; written by `tasks`, read by `shared`."""

TASKS = "tasks"
TASK_BUCKETS = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 600.0, 1800.0)
"""Seconds."""
_SEPARATOR = "\x1f"


def field(name: str, kind: str, value: str = "") -> str:
    """Return the hash's field for a task: `state` counts, `le` counts of one bucket alone, `sum` of seconds."""
    return _SEPARATOR.join((name, kind, value))


def parts(text: str) -> tuple[str, str, str] | None:
    """Return name, kind and value of a field, None for one that somebody else wrote."""
    found = text.split(_SEPARATOR)
    return (found[0], found[1], found[2]) if len(found) == 3 else None
