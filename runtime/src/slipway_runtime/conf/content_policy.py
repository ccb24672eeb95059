"""The Content-Security-Policy, sent by django-csp; CSP_<DIRECTIVE> of the environment over the project's."""

import re
from collections.abc import Mapping
from typing import Any

from slipway_runtime.conf import place
from slipway_runtime.conf.env import Env

LAYER = "slipway_runtime.middleware.content_policy.ContentPolicy"
_CSP = "csp.middleware.CSPMiddleware"
DEFAULT: dict[str, list[str]] = {
    "default-src": ["'self'"],
    "img-src": ["'self'", "data:"],
    "object-src": ["'none'"],
    "base-uri": ["'self'"],
    "form-action": ["'self'"],
    "frame-ancestors": ["'none'"],
}
DIRECTIVES = (
    *("default-src", "script-src", "style-src", "img-src", "font-src", "connect-src", "media-src", "object-src"),
    *("frame-src", "worker-src", "manifest-src", "base-uri", "form-action", "frame-ancestors", "report-uri"),
)
_KEYWORDS = re.compile(r"self|none|unsafe-\w+(-\w+)*|strict-dynamic|report-sample|nonce-.+|sha(256|384|512)-.+")


class Policy(dict[str, Any]):
    """django-csp's dictionary that reads as the header where a project takes CONTENT_SECURITY_POLICY for text."""

    def __str__(self) -> str:
        return "; ".join(f"{name} {' '.join(map(str, sources))}" for name, sources in self["DIRECTIVES"].items())


def overlay(settings: Mapping[str, Any], env: Env) -> dict[str, Any]:
    """Return the policy and the layer that sends it; a project that has django-csp's own layer keeps that one."""
    project = settings.get("CONTENT_SECURITY_POLICY")
    shape: dict[str, Any] = dict(project) if isinstance(project, Mapping) else {}
    directives = dict(shape.get("DIRECTIVES") or (_parse(project) if isinstance(project, str) else {}) or DEFAULT)
    for directive in DIRECTIVES:
        name = "CSP_" + directive.upper().replace("-", "_")
        sources = env.text(name).split()
        if not sources:
            continue
        if wrong := _wrong(sources):
            env.problem(name, wrong[1], "'self' data: with the quotes inside the value", code=wrong[0])
        else:
            directives[directive] = sources
    changes: dict[str, Any] = {"CONTENT_SECURITY_POLICY": Policy({**shape, "DIRECTIVES": directives})}
    if _CSP not in settings.get("MIDDLEWARE", ()):
        changes["MIDDLEWARE"] = place.first(settings, LAYER)
    return changes


def _parse(header: str) -> dict[str, list[str]]:
    parts = (part.split() for part in header.split(";"))
    return {words[0].lower(): words[1:] for words in parts if words}


def _wrong(sources: list[str]) -> tuple[str, str] | None:
    for source in sources:
        if _KEYWORDS.fullmatch(source):
            return "050", f"has {source} without its quotes, which is a host of that name"
        if set(source) & set(';,"') or not source.isascii() or not source.isprintable():
            return "051", "has a character that would begin another directive"
    if "'none'" in sources and len(sources) > 1:
        return "051", "has 'none' beside something else"
    return None
