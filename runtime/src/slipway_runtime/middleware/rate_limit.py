"""RateLimit: a user's, else a client's requests a minute, counted in Redis for all processes together."""

import logging
from typing import Any

from django.conf import settings
from django.http import JsonResponse

from slipway_runtime.limiting import callers
from slipway_runtime.limiting.buckets import PERIOD, Buckets, Verdict
from slipway_runtime.middleware.layer import Layer

log = logging.getLogger("slipway.limits")


class RateLimit(Layer):
    """Answers 429 to whoever asks too often, and tells everybody how much is left.

    The headers are those of draft-ietf-httpapi-ratelimit-headers-06, the last with one header a number: what clients
    read today.
    """

    def __init__(self, get_response: Any) -> None:
        super().__init__(get_response)
        own = settings.SLIPWAY["limits"]["rate"]
        self.limits: dict[str, int] = {"client": own["client"], "user": own["user"]}
        self.paths, self.exempt = frozenset(own["paths"]), tuple(own["exempt"])
        self.trusted = tuple(settings.SLIPWAY.get("trusted_proxies", ()))
        self.cookie: str = settings.SESSION_COOKIE_NAME
        self.buckets = Buckets(own["url"], own["namespace"], own["timeout"])
        self.known = callers.Known()

    def __call__(self, request: Any) -> Any:
        """Answer, or return what an asynchronous server waits for."""
        if callers.exempt(request.path_info, self.paths, self.exempt):
            return self.get_response(request)
        if self.asynchronous:
            return self._later(request)
        shown, caller, limit = self._who(request)
        verdict = self.buckets.take(caller, limit) if limit else None
        if verdict is not None and not verdict.passes:
            return self._refused(caller, verdict)
        return self._answered(request, self.get_response(request), shown, verdict)

    async def _later(self, request: Any) -> Any:
        shown, caller, limit = self._who(request)
        verdict = await self.buckets.take_async(caller, limit) if limit else None
        if verdict is not None and not verdict.passes:
            return self._refused(caller, verdict)
        return self._answered(request, await self.get_response(request), shown, verdict)

    def _who(self, request: Any) -> tuple[bytes | None, str, int]:
        """Return the credential's digest, the name of the bucket and its limit."""
        authorization = request.META.get("HTTP_AUTHORIZATION", "")
        cookie = request.COOKIES.get(self.cookie, "") if "HTTP_COOKIE" in request.META else ""
        shown = callers.credential(authorization, cookie)
        user = self.known.user(shown) if self.limits["user"] else None
        if user is not None:
            return shown, f"user:{user}", self.limits["user"]
        return shown, f"client:{callers.client(request.META, self.trusted)}", self.limits["client"]

    def _answered(self, request: Any, response: Any, shown: bytes | None, verdict: Verdict | None) -> Any:
        self.known.learn(shown, callers.looked_at(request))
        return response if verdict is None else _told(response, verdict)

    @staticmethod
    def _refused(caller: str, verdict: Verdict) -> JsonResponse:
        kind = caller.partition(":")[0]
        log.info("too many requests of one %s", kind)  # not which one: an address is personal
        body = {
            "error": "rate_limited",
            "detail": f"at most {verdict.limit} requests in {PERIOD} s for one {kind}",
            "retry_after": verdict.retry,
        }
        response = JsonResponse(body, status=429)
        response.headers["Retry-After"] = str(verdict.retry)
        response.headers["Cache-Control"] = "no-store"
        return _told(response, verdict)


def _told(response: Any, verdict: Verdict) -> Any:
    numbers = {"Limit": verdict.limit, "Remaining": verdict.remaining, "Reset": verdict.reset}
    for name, number in numbers.items():
        response.headers.setdefault(f"RateLimit-{name}", str(number))
    response.headers.setdefault("RateLimit-Policy", f"{verdict.limit};w={PERIOD}")
    return response
