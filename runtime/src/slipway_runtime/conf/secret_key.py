"""SECRET_KEY: from the environment or no start."""

import ast
import re
import secrets
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from slipway_runtime.conf.env import Env

SHORTEST = 50
FEWEST = 10
"""Different characters; a random key of 50 has more, also in hexadecimal."""
_NAME = "SECRET_KEY"
# Seven letters at least: a random key has none of these by chance (one in 10^8).
_PLACEHOLDER = re.compile(
    r"change.?me|replace.?(me|with|this)|insecure|placeholder|your.?secret|secret.?key|example|default|password|0123456|1234567|abcdefg"
)
_HINT = "python -c 'import secrets; print(secrets.token_urlsafe(64))'"


def overlay(settings: Mapping[str, Any], env: Env) -> dict[str, Any]:
    """Return SECRET_KEY and its older ones; copies of the project's own key elsewhere in the settings follow it.

    A key that may not be used becomes the empty one, which Django refuses by itself wherever something is signed: so
    the rule also holds for a server that was not started by Slipway.
    """
    key = env.text(_NAME)
    written = set(_written_down(settings))
    wrong = _wrong(key, written)
    if wrong:
        env.problem(_NAME, wrong[1], _HINT, code=wrong[0])
    older = [old for old in env.items("SECRET_KEY_FALLBACKS") if old not in written]
    project = settings.get(_NAME)
    changes: dict[str, Any] = {}
    if isinstance(project, str) and project and (wrong or project != key):
        # SIMPLE_JWT["SIGNING_KEY"] and its like took the project's key when its settings were read.
        copy = secrets.token_urlsafe(SHORTEST) if wrong else key
        changes = {name: _instead(value, project, copy) for name, value in settings.items()}
    return {**changes, _NAME: "" if wrong else key, "SECRET_KEY_FALLBACKS": older}


def _wrong(key: str, written: set[str]) -> tuple[str, str] | None:
    """Return the check's number and what is wrong with the key."""
    if not key:
        return "010", "is not set, and the project's own key is no secret"
    if key in written:
        return "013", "is the one that stands in the project's settings, where everybody can read it"
    if len(key) < SHORTEST or len(set(key)) < FEWEST or key in (key + key)[1:-1]:
        return "011", f"is too weak: {SHORTEST} characters or more, made up at random"
    if _PLACEHOLDER.search(key.lower()):
        return "012", "is a placeholder"
    return None


def _written_down(settings: Mapping[str, Any]) -> Iterator[str]:
    """Yield the texts that stand as SECRET_KEY, or as its default, in the source of the project's settings."""
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if not file or not file.endswith(".py") or vars(module).get(_NAME) != settings.get(_NAME, ""):
            continue
        if module.__name__.startswith("slipway_runtime"):
            continue
        try:
            tree = ast.parse(Path(file).read_bytes())
        except (OSError, SyntaxError, ValueError):
            continue
        for node in ast.walk(tree):
            yield from _texts(node)


def _texts(node: ast.AST) -> Iterator[str]:
    """Yield the texts of `SECRET_KEY = ...` and of `anything("SECRET_KEY", ...)`."""
    if isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        named = any(isinstance(target, ast.Name) and target.id == _NAME for target in targets)
    elif isinstance(node, ast.Call):
        named = bool(node.args) and isinstance(node.args[0], ast.Constant) and node.args[0].value == _NAME
    else:
        return
    if named:
        for inner in ast.walk(node):
            if isinstance(inner, ast.Constant) and isinstance(inner.value, str) and inner.value not in ("", _NAME):
                yield inner.value


def _instead(value: Any, old: str, new: str) -> Any:
    """Return `value` with every text `old` in its dictionaries and lists replaced."""
    if isinstance(value, str):
        return new if value == old else value
    if type(value) is dict:
        return {name: _instead(inner, old, new) for name, inner in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_instead(inner, old, new) for inner in value)
    return value
