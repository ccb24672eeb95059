"""Settings, read from the environment. Without any variable this is a closed production set-up on SQLite."""

import secrets
from datetime import timedelta
from pathlib import Path

import dj_database_url

from core import environment

BASE_DIR = Path(__file__).resolve().parent.parent

DEBUG = environment.flag("DEBUG", False)
# A generated key keeps `collectstatic` working in an image build, where no secret belongs; see core/checks.py.
SECRET_KEY_IS_GENERATED = not environment.text("SECRET_KEY")
SECRET_KEY = environment.text("SECRET_KEY") or secrets.token_urlsafe(48)
ALLOWED_HOSTS = environment.words("ALLOWED_HOSTS", "localhost,127.0.0.1")
BASE_URL = environment.text("BASE_URL", "http://localhost:8000").rstrip("/")

INSTALLED_APPS = [
    "daphne",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "corsheaders",
    "rest_framework",
    "channels",
    "django_celery_beat",
    "core.apps.CoreConfig",
    "artists",
    "plays",
]

MIDDLEWARE = [
    "corsheaders.middleware.CorsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "core.urls"
ASGI_APPLICATION = "core.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASES = {
    "default": dj_database_url.parse(
        environment.text("DATABASE_URL") or f"sqlite:///{BASE_DIR / 'db.sqlite3'}",
        # Under ASGI the next request is another thread, so a connection that is kept is never used again.
        conn_max_age=environment.integer("DB_CONN_MAX_AGE", 0),
        conn_health_checks=True,
    )
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True

EMAIL_BACKEND = environment.text("EMAIL_BACKEND", "django.core.mail.backends.console.EmailBackend")
EMAIL_HOST = environment.text("EMAIL_HOST", "localhost")
EMAIL_PORT = environment.integer("EMAIL_PORT", 25)
EMAIL_HOST_USER = environment.text("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = environment.text("EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS = environment.flag("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = environment.flag("EMAIL_USE_SSL", False)
DEFAULT_FROM_EMAIL = environment.text("DEFAULT_FROM_EMAIL", "zamio@localhost")

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "static_cdn" / "static_root"
MEDIA_URL = "/media/"
MEDIA_ROOT = BASE_DIR / "media"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework_simplejwt.authentication.JWTAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticatedOrReadOnly"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": [
        "rest_framework.renderers.JSONRenderer",
        *(["rest_framework.renderers.BrowsableAPIRenderer"] if DEBUG else []),
    ],
}
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=15),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=7),
    "UPDATE_LAST_LOGIN": True,
}

# The portals live on hosts of their own, so the browser asks before it lets them read an answer.
PORTALS_ON_THIS_MACHINE = ",".join(f"http://localhost:{port}" for port in range(5173, 5177))
CORS_ALLOWED_ORIGINS = environment.words("CORS_ALLOWED_ORIGINS", PORTALS_ON_THIS_MACHINE if DEBUG else "")
CSRF_TRUSTED_ORIGINS = environment.words("CSRF_TRUSTED_ORIGINS")

SECURE_SSL_REDIRECT = environment.flag("SECURE_SSL_REDIRECT", not DEBUG)
# A container asks itself over plain HTTP whether it is well.
SECURE_REDIRECT_EXEMPT = [r"^health/$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = environment.integer("SECURE_HSTS_SECONDS", 31536000) if SECURE_SSL_REDIRECT else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = environment.flag("SECURE_HSTS_INCLUDE_SUBDOMAINS", True)
SESSION_COOKIE_SECURE = environment.flag("SESSION_COOKIE_SECURE", not DEBUG)
CSRF_COOKIE_SECURE = environment.flag("CSRF_COOKIE_SECURE", not DEBUG)

# One Redis carries tasks, results and channels. Without REDIS_URL all three stay inside the process, as tests want it.
REDIS_URL = environment.text("REDIS_URL")
if REDIS_URL:
    CHANNEL_LAYERS = {
        "default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [REDIS_URL]}},
    }
else:
    CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}

CELERY_BROKER_URL = REDIS_URL or "memory://"
CELERY_RESULT_BACKEND = REDIS_URL or "cache+memory://"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = TIME_ZONE
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_SOFT_TIME_LIMIT = environment.integer("CELERY_SOFT_TIME_LIMIT", 300, minimum=1)
CELERY_TASK_TIME_LIMIT = environment.integer("CELERY_TIME_LIMIT", 600, minimum=1)
CELERY_RESULT_EXPIRES = environment.integer("CELERY_RESULT_EXPIRES", 3600, minimum=1)
CELERY_WORKER_PREFETCH_MULTIPLIER = environment.integer("CELERY_PREFETCH_MULTIPLIER", 1)
CELERY_WORKER_CONCURRENCY = environment.integer("CELERY_WORKER_CONCURRENCY", 2, minimum=1)
CELERY_WORKER_MAX_TASKS_PER_CHILD = environment.integer("CELERY_MAX_TASKS_PER_CHILD", 1000, minimum=1)

COUNT_PLAYS_SECONDS = environment.integer("COUNT_PLAYS_SECONDS", 5, minimum=1)
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
# Beat keeps `last_run_at` in memory and saves it every three minutes unless told to save after each task.
CELERY_BEAT_SYNC_EVERY = 1
CELERY_BEAT_SCHEDULE = {
    "count-plays": {
        "task": "plays.tasks.count_plays",
        "schedule": timedelta(seconds=COUNT_PLAYS_SECONDS),
        # A count that waited this long is older than the next one: a worker that was away need not catch up.
        "options": {"expires": COUNT_PLAYS_SECONDS * 2},
    },
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "INFO"},
}
