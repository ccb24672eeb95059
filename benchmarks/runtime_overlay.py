"""What the overlay costs a request: the same view, bare, under the overlay, and under it with the rate limit.

In one process each, without a server or a network but the one to Redis, so that nothing else is measured; in turns, so
that a busy machine hits all three.
"""

import json
import statistics
from collections.abc import Mapping

from figures import Figure
from runtime_parts import Project

VARIANTS: Mapping[str, dict[str, str]] = {
    "bare": {"DJANGO_SETTINGS_MODULE": "core.settings", "BENCH_APPLICATION": "core.asgi"},
    "overlay": {
        "DJANGO_SETTINGS_MODULE": "slipway_runtime.settings",
        "BENCH_APPLICATION": "slipway_runtime.served",
        "RATE_LIMIT_ENABLED": "false",
    },
    "overlay with limiter": {
        "DJANGO_SETTINGS_MODULE": "slipway_runtime.settings",
        "BENCH_APPLICATION": "slipway_runtime.served",
        "RATE_LIMIT_CLIENT": "1000000",
    },
}
SCRIPT = """
import asyncio, importlib, json, os, sys, time
import uvloop
application = importlib.import_module(os.environ["BENCH_APPLICATION"]).application
path, count = sys.argv[1], int(sys.argv[2])
HEADERS = [(b"host", b"localhost"), (b"x-forwarded-proto", b"https"), (b"accept", b"application/json"),
           (b"user-agent", b"Mozilla/5.0 (X11; Linux x86_64)"), (b"origin", b"https://portal.example.org")]
async def once():
    scope = dict(type="http", asgi={"version": "3.0"}, http_version="1.1", method="GET", scheme="https", path=path,
                 raw_path=path.encode(), query_string=b"", headers=HEADERS, client=("127.0.0.1", 1), server=("x", 80))
    asked, sent = [], []
    async def receive():
        if asked: await asyncio.Event().wait()
        asked.append(1)
        return {"type": "http.request", "body": b"", "more_body": False}
    async def send(message): sent.append(message)
    await application(scope, receive, send)
    if sent[0]["status"] != 200: raise SystemExit(f"{path} answered {sent[0]['status']}")
async def main():
    for _ in range(100): await once()
    walls, begin = [], time.process_time()
    for _ in range(count):
        at = time.perf_counter()
        await once()
        walls.append(time.perf_counter() - at)
    return [sorted(walls)[count // 2] * 1000, (time.process_time() - begin) * 1000 / count]
print(json.dumps(uvloop.run(main())))
"""


def measure(project: Project, path: str = "/", count: int = 500, rounds: int = 5) -> list[Figure]:
    """Return the medians of each variant and what the overlay adds to them."""
    seen: dict[str, list[list[float]]] = {name: [] for name in VARIANTS}
    for _ in range(rounds):
        for name, variables in VARIANTS.items():
            said = project.run("-c", SCRIPT, path, str(count), SECURE_SSL_REDIRECT="true", **variables)
            seen[name].append(json.loads(said.splitlines()[-1]))
    # The least disturbed round; the CPU time says the same on a machine that is busy with other things.
    wall = {name: min(one[0] for one in found) for name, found in seen.items()}
    cpu = {name: statistics.median(one[1] for one in found) for name, found in seen.items()}
    found = [Figure(f"a request, {name}: median", wall[name], "ms") for name in VARIANTS]
    found += [Figure(f"a request, {name}: CPU time", cpu[name], "ms") for name in VARIANTS]
    for name, most in (("overlay", 0.5), ("overlay with limiter", 1.0)):
        added = wall[name] - wall["bare"]
        found.append(Figure(f"{name} adds to the median", added, "ms", f"<= {most:g}", added <= most))
    return found
