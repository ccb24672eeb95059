"""`python -m slipway_runtime.send_task NAME [JSON-ARGS] [--seconds N]`: send a Celery task and wait for its answer.

The last line of stdout is JSON: `{"id", "key", "state", "seconds", "result"}`; `key` is where the result backend keeps
it. Exit 0 when the task succeeded, 1 otherwise.
Verification uses it to prove that broker, worker and result backend work together.
"""

import argparse
import json
import os
import sys
import time
from typing import Any


def main(words: list[str]) -> int:
    """Send the task that `words` name and print what came back."""
    parser = argparse.ArgumentParser(prog="slipway_runtime.send_task")
    parser.add_argument("name")
    parser.add_argument("args", nargs="?", default="[]", help="positional arguments as a JSON list")
    parser.add_argument("--seconds", type=float, default=30.0)
    given = parser.parse_args(words)

    # Celery's own loader finds the application the way `celery -A` does.
    from celery.app.utils import find_app

    app = find_app(os.environ.get("SLIPWAY_CELERY", "core"))
    begin = time.monotonic()
    try:
        with app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=3, interval_start=0.5, timeout=given.seconds)
            sent = app.send_task(given.name, args=json.loads(given.args), connection=connection)
        result = sent.get(timeout=given.seconds, propagate=False)
    except Exception as error:  # noqa: BLE001 - every failure is the answer "it did not come back"
        print(f"{type(error).__name__}: {str(error) or 'no answer within ' + str(given.seconds) + ' s'}")
        return 1
    answer = {
        "id": sent.id,
        "key": _key(app, sent.id),
        "state": sent.state,
        "seconds": round(time.monotonic() - begin, 3),
        "result": repr(result),
    }
    print(json.dumps(answer))
    return 0 if sent.state == "SUCCESS" else 1


def _key(app: Any, task: str) -> str:
    """Return the key under which a key-value result backend keeps the task, its own prefix included."""
    key = getattr(app.backend, "get_key_for_task", lambda known: f"celery-task-meta-{known}")(task)
    return key.decode() if isinstance(key, bytes) else str(key)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
