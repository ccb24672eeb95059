"""One hop to one thread a request, which serves the next one afterwards."""

from typing import Any

import pytest

from .conftest import Shop

VIEWS = """
import asyncio, threading, time
from django.db import connection
from django.http import HttpResponse
from django.urls import path

def plain(request):
    return HttpResponse(f"{request.seen} {threading.get_ident()}")

async def later(request):
    await asyncio.sleep(0)
    return HttpResponse(f"{request.seen} {threading.get_ident()}")

def broken(request):
    raise RuntimeError("a mistake")

seen = []
def slow(request):
    connection.ensure_connection()
    seen.append("began")
    time.sleep(0.4)
    seen.append(threading.get_ident())
    return HttpResponse("late")

class Layer:
    def __init__(self, get_response): self.get_response = get_response
    def __call__(self, request):
        request.seen = threading.get_ident()
        return self.get_response(request)

urlpatterns = [path(f"{view.__name__}/", view) for view in (plain, later, broken, slow)]
"""
ASK = """
import asyncio, threading
from slipway_runtime import one_hop
one_hop.use()
from django.core.asgi import get_asgi_application
application = get_asgi_application()
async def ask(path, stays=None):
    scope = dict(type="http", method="GET", path=path, query_string=b"", client=("127.0.0.1", 1),
                 headers=[(b"host", b"localhost"), (b"x-forwarded-proto", b"https")])
    asked, sent = [], []
    async def receive():
        if not asked:
            asked.append(1)
            return {"type": "http.request", "body": b"", "more_body": False}
        if stays is None: await asyncio.Event().wait()
        await asyncio.sleep(stays)
        return {"type": "http.disconnect"}
    async def send(message): sent.append(message)
    await application(scope, receive, send)
    return [sent[0]["status"], sent[1]["body"].decode()] if sent else None
"""


def _asked(shop: Shop, script: str) -> Any:
    (shop.folder / "shop" / "urls.py").write_text(VIEWS)
    shop.change("MIDDLEWARE.append('shop.urls.Layer')\n")
    # One in memory is never closed.
    shop.change("DATABASES['default']['NAME'] = str(BASE_DIR / 'shop.sqlite3')\n")
    return shop.ask(ASK + script)


def test_layers_and_view_share_a_thread_and_an_asynchronous_view_has_the_loop(shop: Shop) -> None:
    (plain, later, broken, nowhere), loop = _asked(
        shop,
        """
async def several():
    return [await ask(path) for path in ("/plain/", "/later/", "/broken/", "/nowhere/")]
answer = [asyncio.run(several()), threading.get_ident()]
""",
    )
    layer, view = plain[1].split()
    assert plain[0] == 200
    assert layer == view != str(loop)
    layer, view = later[1].split()
    assert later[0] == 200
    assert view == str(loop) != layer
    assert [broken[0], nowhere[0]] == [500, 404]


def test_requests_one_after_the_other_share_a_thread_and_requests_at_once_do_not(shop: Shop) -> None:
    after, at_once, threads = _asked(
        shop,
        """
async def several():
    after = []
    for _ in range(5):
        after.append(await ask("/plain/"))
        await asyncio.sleep(0.05)
    at_once = await asyncio.gather(*(ask("/slow/") for _ in range(3)))
    return after, at_once
after, at_once = asyncio.run(several())
from shop import urls
answer = [after, at_once, len({one for one in urls.seen if one != "began"})]
""",
    )
    assert len({text for _, text in after}) == 1
    assert at_once == [[200, "late"]] * 3
    assert threads == 3


@pytest.mark.parametrize("end", ["leaves", "is cancelled"])
def test_the_thread_of_a_request_that_ends_early_first_finishes_and_keeps_no_connection(shop: Shop, end: str) -> None:
    other, opened, kept = _asked(
        shop,
        f"""
from django.db import connections
async def early():
    if {end!r} == "leaves":
        return await ask("/slow/", stays=0.1)
    asked = asyncio.create_task(ask("/slow/"))
    await asyncio.sleep(0.1)
    asked.cancel()
    await asyncio.wait([asked])
async def several():
    await early()
    other = await ask("/plain/")  # at once: the first thread may still work
    await asyncio.sleep(0.6)
    return other
other = asyncio.run(several())
from shop import urls
executors = list(application.threads._free)
look = lambda: [one.connection is not None for one in connections.all(initialized_only=True)]
answer = [other, urls.seen[0], [thread.submit(look).result() for thread in executors]]
""",
    )
    assert other[0] == 200
    assert opened == "began"
    assert kept
    assert not any(any(connections) for connections in kept)


def test_no_more_threads_are_kept_than_said(shop: Shop) -> None:
    kept, alive = _asked(
        shop,
        """
import time
threads = one_hop.Threads(kept=2)
taken = [threads.take() for _ in range(4)]
for one in taken: threads.give_back(one)
until = time.monotonic() + 5
count = lambda: sum(one.name.startswith("request") for one in threading.enumerate())
while (len(threads._free) < 2 or count() > 2) and time.monotonic() < until: time.sleep(0.02)
answer = [len(threads._free), count()]
""",
    )
    assert (kept, alive) == (2, 2)
