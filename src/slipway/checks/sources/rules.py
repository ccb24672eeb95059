"""Every rule over the sources; each has a stable id, named in its docstring and in docs/checks.md."""

from collections.abc import Callable, Iterator

from slipway.checks.issue import Issue
from slipway.checks.sources import containers, declared, django
from slipway.checks.sources.stand import Stand
from slipway.config.config import Config
from slipway.sources.found import Found

Rule = Callable[[Stand], Iterator[Issue]]

RULES: tuple[Rule, ...] = (
    declared.unread,
    declared.unread_documents,
    declared.undeclared,
    declared.dynamic,
    declared.unparsed,
    declared.exposed,
    declared.exposed_in_compose,
    django.hard_coded,
    django.secret_fallback,
    django.boolean,
    django.bool_call,
    django.kept_connections,
    django.one_redis,
    django.published_behind_proxy,
    containers.vite_at_run,
    containers.argument_default,
    containers.browser_address,
    containers.process_env,
    containers.raw_secret,
    containers.client_version,
    containers.node_env,
)


def issues(config: Config, found: Found, overlay: Found) -> list[Issue]:
    """Return every problem of the sources of `config`'s workspace; `found` and `overlay` are what was read in them."""
    stand = Stand(config, found, overlay)
    return list(dict.fromkeys(issue for rule in RULES for issue in rule(stand)))
