"""OneHop: Django's ASGI handler that goes to a thread once a request, not twice for each layer, and keeps the thread.

Under ASGI Django runs every synchronous layer's two halves and the view in hops between event loop and thread: about
thirteen a request with the usual seven layers. Here the whole chain runs in the request's thread, as under WSGI: the
same code in the same order, at half the CPU time. An asynchronous view still runs on the event loop; its thread waits.

Django also starts two threads a request: one to work in, one to wait for the first one's end (asgiref's
ThreadSensitiveContext). Here a thread that is free serves the next request, again as under WSGI.
"""

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from inspect import signature
from typing import Any

import django.core.asgi
from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.db import close_old_connections

KEPT = 32
"""Free threads that a process keeps; one holds no connection while it waits."""


class OneHop(ASGIHandler):  # type: ignore[misc]  # Django ships no types
    """Serves a request's layers and view in one thread."""

    def __init__(self) -> None:
        super().__init__()
        self.threads = Threads()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request."""
        if scope["type"] != "http" or not _TAKES_AN_EXECUTOR:
            return await super().__call__(scope, receive, send)  # type: ignore[no-any-return]
        thread = self.threads.take()
        try:
            async with ThreadSensitiveContext(executor=thread):
                await self.handle(scope, receive, send)
        finally:
            self.threads.give_back(thread)

    def load_middleware(self, is_async: bool = False) -> None:  # noqa: ARG002  (Django's signature)
        """Build the synchronous chain."""
        super().load_middleware(is_async=False)

    async def get_response_async(self, request: Any) -> Any:
        """Run it in the thread of this request."""
        return await sync_to_async(self.get_response, thread_sensitive=True)(request)


class Threads:
    """Single threads, each for one request at a time. The last one given back is the first one taken."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._free: deque[ThreadPoolExecutor] = deque()

    def take(self) -> ThreadPoolExecutor:
        """Return a free thread, a new one where none is."""
        try:
            return self._free.pop()
        except IndexError:
            return ThreadPoolExecutor(max_workers=1, thread_name_prefix="request")

    def give_back(self, thread: ThreadPoolExecutor) -> None:
        """Keep it for the next request, once it is done with all that a client who left has started.

        Such a request ends without Django's own look at its connections, and a kept one would be missing in the pool.
        """
        thread.submit(close_old_connections).add_done_callback(lambda _: self._keep(thread))

    def _keep(self, thread: ThreadPoolExecutor) -> None:
        if len(self._free) < self._kept:
            self._free.append(thread)
        else:
            thread.shutdown(wait=False)


_TAKES_AN_EXECUTOR = "executor" in signature(ThreadSensitiveContext.__init__).parameters  # since asgiref 3.13


def use() -> None:
    """Let `get_asgi_application`, which projects call, make one of these."""
    django.core.asgi.ASGIHandler = OneHop
