"""What a web process counts. Names and labels are documented in docs/overlay/metrics.md."""

from slipway_runtime.metrics import place

place.ensure()  # before prometheus_client is imported, which decides for good how it keeps values

from prometheus_client import Counter, Gauge, Histogram  # noqa: E402

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Seconds."""

REQUESTS = Counter("slipway_http_requests", "Requests answered", ["method", "route", "status"])
SECONDS = Histogram(
    "slipway_http_request_seconds", "From the first layer to the answer's head", ["method", "route"], buckets=BUCKETS
)
EXCEPTIONS = Counter("slipway_http_exceptions", "Exceptions that views raised", ["route", "exception"])
RUNNING = Gauge("slipway_http_requests_running", "Requests being answered", multiprocess_mode="livesum")
SOCKETS = Gauge("slipway_websocket_connections", "Open WebSockets", multiprocess_mode="livesum")
SOCKETS_CLOSED = Counter("slipway_websockets_closed", "WebSockets that ended", ["code"])
CACHE = Counter("slipway_cache_operations", "Operations on Django's caches", ["cache", "operation", "result"])
POOL = Gauge("slipway_db_pool", "psycopg's pool, as it counts itself", ["alias", "what"], multiprocess_mode="livesum")
AWAY = Gauge("slipway_dependency_away_seconds", "Since when it is done without", ["what"], multiprocess_mode="livemax")
DEGRADED = Gauge("slipway_dependency_done_without", "Calls answered without it", ["what"], multiprocess_mode="livesum")
