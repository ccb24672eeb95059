"""Lines: what a container's log says to a person, whose lines may be JSON objects for programs."""

import json

_LONGEST = 400


def spoken(line: str) -> str:
    """Return one line of a log as a person reads it: of a JSON object its message and the last line of its traceback.

    What stands before the object stays. At most 400 characters.
    """
    before, brace, rest = line.partition("{")
    try:
        record = json.loads(brace + rest)
    except (ValueError, RecursionError):
        return line[:_LONGEST]
    if not isinstance(record, dict):
        return line[:_LONGEST]
    message = record.get("message") or record.get("error")
    if not isinstance(message, str):
        return line[:_LONGEST]
    traceback = str(record.get("traceback") or "").strip().splitlines()
    words = (before.strip(), message.splitlines()[0], *traceback[-1:])
    return " ".join(word for word in words if word)[:_LONGEST]
