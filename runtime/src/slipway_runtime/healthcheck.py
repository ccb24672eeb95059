#!/opt/venv/bin/python3 -IS
"""`healthcheck`: is the one process of this container well? 0 green, 1 red, one line that says why.

Runs every two seconds in every container, so it imports nothing but what the interpreter has at hand and looks at this
container only: dependencies show elsewhere, else a short fault of the database would take every container out of the
router at once. `state.py` writes the files that are read here.
"""

import os
import sys
import time

DEADLINE = 4.0  # seconds; Docker gives up after 5
STALE = {"worker": 10.0, "beat": 15.0}  # seconds; they beat every 1 and at least every 5
LONGEST_STATUS = 256


def age(path: str) -> float | None:
    """Return how many seconds ago the file was touched, None when it is not there."""
    try:
        return time.time() - os.stat(path).st_mtime  # noqa: PTH116  (pathlib costs 15 ms here)
    except OSError:
        return None


def role(directory: str) -> str:
    """Return the role that was started, else the one that the container was given."""
    try:
        with open(f"{directory}/role") as file:  # noqa: PTH123
            return file.read(16).strip()
    except OSError:
        return os.environ.get("SLIPWAY_ROLE") or "web"


def host() -> str:
    """Return a Host header that Django accepts: the first name of ALLOWED_HOSTS that is one."""
    named = os.environ.get("SLIPWAY_HEALTH_HOST")
    names = [named] if named else (os.environ.get("ALLOWED_HOSTS") or "").split(",")
    for name in names:
        plain = name.strip().lstrip(".")
        if plain and plain.isprintable() and not set(plain) & set("* /"):
            return plain
    return "localhost"


def web() -> tuple[bool, str]:
    """Ask the server once; only 200 is green."""
    import socket  # 10 ms that the other roles do not pay

    path = os.environ.get("SLIPWAY_HEALTH_PATH") or "/health/"
    port = os.environ.get("PORT") or "8000"
    if not path.startswith("/") or not path.isascii() or not path.isprintable() or " " in path:
        return False, f"SLIPWAY_HEALTH_PATH {path!r} is no path"
    if not port.isdigit():
        return False, f"PORT {port!r} is no port"
    request = (
        f"GET {path} HTTP/1.1\r\nHost: {host()}\r\nX-Forwarded-Proto: https\r\nX-Forwarded-For: 127.0.0.1\r\n"
        "User-Agent: slipway-healthcheck\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    )
    started = time.monotonic()
    answer = b""
    try:
        with socket.create_connection(("127.0.0.1", int(port)), DEADLINE) as connection:
            connection.sendall(request.encode())
            while b"\n" not in answer and len(answer) < LONGEST_STATUS:
                left = started + DEADLINE - time.monotonic()
                if left <= 0:
                    raise TimeoutError  # noqa: TRY301
                connection.settimeout(left)
                part = connection.recv(LONGEST_STATUS)
                if not part:
                    break
                answer += part
    except TimeoutError:
        return False, f"GET {path} did not answer within {DEADLINE:g} s"
    except (OSError, OverflowError) as error:
        return False, f"nothing answers on port {port}: {error}"
    words = answer.split(b"\n", 1)[0].decode("latin-1").split()
    status = words[1] if len(words) > 1 and words[0].startswith("HTTP/1.") else "no HTTP"
    return status == "200", f"GET {path} for {host()} answered {status} in {(time.monotonic() - started) * 1000:.0f} ms"


def loop(name: str, directory: str) -> tuple[bool, str]:
    """Look at the heartbeat file of worker or beat."""
    seconds = age(f"{directory}/{name}.heartbeat")
    if seconds is None:
        return False, f"{name} has not begun: no heartbeat yet"
    limit = STALE[name]
    return seconds < limit, f"{name}'s last heartbeat is {max(0.0, seconds):.1f} s old, the limit is {limit:g} s"


def main() -> int:
    """Say one line and return 0 (green) or 1 (red)."""
    directory = os.environ.get("SLIPWAY_RUN_DIR") or "/run/slipway"
    name = role(directory)
    draining = age(f"{directory}/draining")
    if draining is not None:
        ok, why = False, f"draining since {max(0.0, draining):.0f} s"
    elif name == "web":
        ok, why = web()
    elif name in STALE:
        ok, why = loop(name, directory)
    else:
        ok, why = False, f"no health is known for role {name!r}"
    sys.stdout.write(f"{'green' if ok else 'red'}: {why}\n")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
