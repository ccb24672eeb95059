"""A small Django project as somebody else wrote it: it knows nothing of the overlay."""

from pathlib import Path

SETTINGS = """
import os
import dj_database_url
SECRET_KEY = os.environ["SECRET_KEY"]
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "rest_framework", "core"]
USE_TZ = True
ROOT_URLCONF = "core.urls"
ALLOWED_HOSTS = ["*"]
DATABASES = {"default": dj_database_url.parse(os.environ.get("DATABASE_URL") or "sqlite:///:memory:")}
REST_FRAMEWORK = {
    "EXCEPTION_HANDLER": "core.urls.swallows_everything", "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [], "UNAUTHENTICATED_USER": None,
}
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
if os.environ.get("WITH_DJANGO_REDIS"):
    CACHES = {"default": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": os.environ["REDIS_URL"]}}
exec(os.environ.get("MORE_SETTINGS", ""))
"""

URLS = """
from django.core.cache import cache
from django.db import connection
from django.http import HttpResponse, JsonResponse
from django.urls import path
from django.views.decorators.cache import cache_page
from rest_framework.response import Response
from rest_framework.views import APIView
from core.celery import add


def swallows_everything(error, context):
    return Response({"swallowed": type(error).__name__}, status=500)


def query(seconds):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(%s), pg_backend_pid()", [float(seconds)])
        return cursor.fetchone()[1]


def health(request):
    return HttpResponse("alive")


def sql(request):
    return JsonResponse({"backend": query(request.GET.get("seconds", 0))})


class Rest(APIView):
    def get(self, request):
        return Response({"backend": query(request.GET.get("seconds", 0))})


def many_calls(request):
    found = [cache.get(f"key-{n}", "nothing") for n in range(20)]
    cache.set("written", 1)
    return JsonResponse({"found": len(found), "value": cache.get_or_set("value", lambda: 7)})


@cache_page(60)
def cached(request):
    return HttpResponse("page")


def send(request):
    return JsonResponse({"task": add.delay(1, 2).id})


def broken(request):
    raise RuntimeError("a mistake of the program")


urlpatterns = [
    path("health/", health), path("sql/", sql), path("rest/", Rest.as_view()), path("many/", many_calls),
    path("cached/", cached), path("send/", send), path("broken/", broken),
]
"""

ASGI = """
import os
from django.core.asgi import get_asgi_application
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")
application = get_asgi_application()
"""

CELERY = """
import os
import time
import redis
from celery import Celery
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")
app = Celery("core")
app.config_from_object("django.conf:settings", namespace="CELERY")


@app.task
def add(a, b):
    return a + b


@app.task
def note(number, seconds=0.0):
    time.sleep(seconds)
    redis.Redis.from_url(os.environ["REDIS_URL"]).rpush("noted", number)


@app.task(acks_late=True, reject_on_worker_lost=True)
def note_late(number, seconds=0.0):
    redis.Redis.from_url(os.environ["REDIS_URL"]).rpush("begun", number)
    time.sleep(seconds)
    redis.Redis.from_url(os.environ["REDIS_URL"]).rpush("noted", number)


@app.task
def whose():
    from slipway_runtime import request_id
    return request_id.current.get()
"""

SECRET = "a-throwaway-key-for-tests-Zk3vQ9xLm2Wp7RtY5uHs8Bd4Nf6Gj1Ce0"


def write(folder: Path) -> Path:
    """Write the package `core` into a folder and return the folder."""
    core = folder / "core"
    core.mkdir()
    (core / "__init__.py").write_text("from core.celery import app as celery_app\n")
    for name, text in {"settings": SETTINGS, "urls": URLS, "asgi": ASGI, "celery": CELERY}.items():
        (core / f"{name}.py").write_text(text)
    return folder


def variables(**more: str) -> dict[str, str]:
    """Return what a process of the image has in its environment under the overlay."""
    return {
        "DJANGO_SETTINGS_MODULE": "slipway_runtime.settings",
        "SLIPWAY_PROJECT_SETTINGS": "core.settings",
        "SLIPWAY_CELERY": "core",
        "SLIPWAY_ASGI": "core.asgi:application",
        "SECRET_KEY": SECRET,
        "ALLOWED_HOSTS": "localhost,127.0.0.1",
        "SECURE_SSL_REDIRECT": "false",
        "CELERY_WORKER_CONCURRENCY": "2",
        **more,
    }
