"""The application: routes, gates, and how an answer becomes a response."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from . import application_api, database_api, deploy_api, deployment_api, env_api, gates, instance_api, project_api
from .answers import Answer, Refusal, message, rendered, server_error
from .endpoint import Endpoint
from .lifetime import begin, end
from .requests import Call, decode
from .site import Site
from .tokens import Token

log = logging.getLogger("standin")

PREFIX = "/api/v1"
_HEALTH_LIMIT = 1000
_MOST_BYTES = 8 * 1024 * 1024

ENDPOINTS: tuple[Endpoint, ...] = (
    *instance_api.ENDPOINTS,
    *project_api.ENDPOINTS,
    *application_api.ENDPOINTS,
    *env_api.ENDPOINTS,
    *deploy_api.ENDPOINTS,
    *deployment_api.ENDPOINTS,
    *database_api.ENDPOINTS,
)


def create(site: Site) -> Starlette:
    """The ASGI application of a stand-in; its workers run from startup to shutdown."""
    by_path: dict[str, dict[str, Endpoint]] = {}
    for endpoint in ENDPOINTS:
        by_path.setdefault(endpoint.path, {})[endpoint.method] = endpoint

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        stop = begin(site)
        try:
            yield
        finally:
            await run_in_threadpool(end, site, stop)

    routes = [
        Route("/api/health", Health(site, _HEALTH_LIMIT)),
        Route(f"{PREFIX}/health", Health(site, site.settings.rate_limit)),
        *(Route(PREFIX + path, Resource(site, endpoints)) for path, endpoints in by_path.items()),
        Route("/{path:path}", Unknown()),
    ]
    app = Starlette(routes=routes, lifespan=lifespan)
    app.router.redirect_slashes = False
    return app


class Health:
    """`OK` for everyone."""

    def __init__(self, site: Site, limit: int) -> None:
        self._site = site
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        request = Request(scope, receive)
        try:
            budget = gates.spend(self._site, f"health{self._limit}:{_client(request)}", self._limit)
            answer = Answer(200, text="OK", headers=budget.headers)
        except Refusal as refusal:
            answer = rendered(refusal, request.headers.get("accept", ""))
        await _response(answer)(scope, receive, send)


class Unknown:
    """The catch-all."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        await _response(NOT_FOUND)(scope, receive, send)


class Resource:
    """One path with its methods."""

    def __init__(self, site: Site, endpoints: dict[str, Endpoint]) -> None:
        self._site = site
        self._endpoints = endpoints

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        request = Request(scope, receive)
        content = await _body(request)
        answer = await run_in_threadpool(self.answer, request, content)
        await _response(answer)(scope, receive, send)

    def answer(self, request: Request, content: bytes | None) -> Answer:
        """The whole way of a request, in a thread of its own. `content` is None when the body was too big."""
        accept = request.headers.get("accept", "")
        method = "GET" if request.method == "HEAD" else request.method
        endpoint = self._endpoints.get(method)
        moved = gates.moved_to_post(self._endpoints) if method == "GET" and endpoint is None else None
        if endpoint is None and moved is None:
            return NOT_FOUND
        headers: dict[str, str] = {}
        try:
            token = gates.authenticate(self._site, request.headers.get("authorization", ""))
            headers.update(gates.spend(self._site, f"user:{token.user}", self._site.settings.rate_limit).headers)
            gates.admit(self._site, token, _client(request), endpoint or moved)
            if endpoint is None:
                return Answer(405, {"message": "This endpoint has changed to a POST request."},
                              headers={**headers, "Allow": "POST"})  # fmt: skip
            if content is None:
                raise Refusal(message(413, "The POST data is too large."), framework=True)  # noqa: TRY301
            answer = self._handle(endpoint, token, request, content)
        except Refusal as refusal:
            answer = rendered(refusal, accept)
        except Exception:
            log.exception("%s %s", request.method, request.url.path)
            answer = rendered(server_error(), accept)
        return Answer(answer.status, answer.body, answer.text, {**headers, **answer.headers})

    def _handle(self, endpoint: Endpoint, token: Token, request: Request, content: bytes) -> Answer:
        query = dict(request.query_params)
        body = decode(content, request.headers.get("content-type", ""), guarded=endpoint.json_guard)
        call = Call(self._site, token, request.path_params, {**query, **body}, query)
        if endpoint.method == "GET":
            return endpoint.handler(call)
        with self._site.store.transaction():
            return endpoint.handler(call)


NOT_FOUND = message(404, "Not found.", docs="https://coolify.io/docs")


async def _body(request: Request) -> bytes | None:
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= _MOST_BYTES:
            chunks.append(chunk)
    return b"".join(chunks) if size <= _MOST_BYTES else None


def _client(request: Request) -> str:
    """The caller's address; the whole proxy chain is trusted, as Coolify does."""
    forwarded = request.headers.get("x-forwarded-for", "").split(",")[0].strip()
    return forwarded or (request.client.host if request.client else "")


def _response(answer: Answer) -> Response:
    content, media_type = answer.content()
    return Response(content, answer.status, dict(answer.headers), media_type)
