"""`python -m slipway_runtime.probe`: would these hosts and origins work? Asked through the project's real middleware.

    --origins https://app.example.org,...   the portals; default: CORS_ALLOWED_ORIGINS and CSRF_TRUSTED_ORIGINS
    --api-hosts api.example.org,...         the API's public names; default: the host of BASE_URL, else ALLOWED_HOSTS
    --health-hosts localhost,...            what the health check asks for; default: as the container's own does

Nothing is served and nothing outside is asked: database and cache are replaced. One JSON document on standard output,
`{"ok", "asked", "seconds", "issues": [{"id", "severity", "subject", "where", "message", "hint"}]}`; exit 0, 1 with
errors, 2 for a wrong command line.
"""

import argparse
import json
import logging
import os
import secrets
import sys
import time
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import asdict
from typing import Any

from slipway_runtime.conf import CannotCompose
from slipway_runtime.conf.env import Env, Problem
from slipway_runtime.conf.origins import is_local
from slipway_runtime.conf.security import plain_paths
from slipway_runtime.healthcheck import host as checked_host
from slipway_runtime.questions import Issue, Names, Questions


def names(argv: Sequence[str], env: Env) -> Names:
    """Return what the command line says, and what the environment says where it does not."""
    parser = argparse.ArgumentParser(prog="python -m slipway_runtime.probe")
    for option in ("--origins", "--api-hosts", "--health-hosts"):
        parser.add_argument(option, default="", metavar="A,B")
    options = vars(parser.parse_args(argv))
    given = {name: tuple(one.strip() for one in text.split(",") if one.strip()) for name, text in options.items()}
    trusted = (*env.items("CORS_ALLOWED_ORIGINS"), *env.items("CSRF_TRUSTED_ORIGINS"))
    public = env.text("BASE_URL").partition("://")[2].partition("/")[0]
    allowed = tuple(host.lstrip(".") for host in env.items("ALLOWED_HOSTS") if not is_local(host) and host != "*")
    return Names(
        given["origins"] or tuple(dict.fromkeys(one for one in trusted if "*" not in one)),
        given["api_hosts"] or ((public,) if public else allowed),
        given["health_hosts"] or (checked_host(),),
        plain_paths(env)[0],
    )


def probe(asked: Names) -> tuple[int, list[Issue]]:
    """Return how many requests were made and what is wrong. Django must not have been set up in this process."""
    from django.conf import settings

    try:
        problems: tuple[Problem, ...] = settings.SLIPWAY["problems"]
    except CannotCompose as error:
        return 0, [_issue(problem) for problem in error.problems]
    issues = [_issue(problem) for problem in problems]
    _isolate(settings)
    import django

    logging.disable(logging.CRITICAL)  # the refusals are asked for
    try:
        django.setup()
        questions = Questions(settings, asked)
        return questions.asked, [*issues, *questions.issues()]
    except Exception as error:  # noqa: BLE001  (a project's start runs any code)
        message = f"the project does not start: {type(error).__name__}"
        return 0, [*issues, Issue("probe.start", "error", "probe", "", message, "look at its own log")]
    finally:
        logging.disable(logging.NOTSET)


def _isolate(settings: Any) -> None:
    """Keep what a middleware may do, such as count requests and write an audit log, inside this process."""
    settings.DATABASES = {
        name: {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"} for name in {"default", *settings.DATABASES}
    }
    settings.DATABASE_ROUTERS = []
    dummy = {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}
    settings.CACHES = dict.fromkeys({"default", *settings.CACHES}, dummy)
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    settings.SLIPWAY = {**settings.SLIPWAY, "probed_urls": settings.ROOT_URLCONF}
    settings.ROOT_URLCONF = "slipway_runtime.probe_urls"
    if not settings._wrapped.__dict__.get("SECRET_KEY"):  # noqa: SLF001  (the public way raises)
        # A key that may not be used is told already; the rest is asked all the same.
        settings.SECRET_KEY = secrets.token_urlsafe(50)


def _issue(problem: Problem) -> Issue:
    severity = "error" if problem.fatal else "warning"
    return Issue(problem.id, severity, "environment", problem.name, f"{problem.name} {problem.message}", problem.hint)


def main(argv: Sequence[str]) -> int:
    """Ask, write the JSON, return 0 or 1."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "slipway_runtime.settings")
    os.environ["SLIPWAY_ROLE"] = "web"  # the role that all of this is about
    asked_for = names(argv, Env(os.environ))
    begin = time.monotonic()
    with redirect_stdout(sys.stderr):  # a project that prints must not spoil the document
        asked, issues = probe(asked_for)
    ok = not any(issue.severity == "error" for issue in issues)
    seconds = round(time.monotonic() - begin, 2)
    shown = {"ok": ok, "asked": asked, "seconds": seconds, "issues": [asdict(issue) for issue in issues]}
    sys.stdout.write(json.dumps(shown, indent=2) + "\n")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
