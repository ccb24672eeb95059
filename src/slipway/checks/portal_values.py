"""Rules over what a portal's container refuses when it starts, although each value fits its type."""

from collections.abc import Iterator

from slipway.checks.facts import Facts, issue
from slipway.checks.issue import Issue
from slipway.config.kinds import Kind, split_url
from slipway.config.schema import BUNDLED

LONGEST = 32_768
"""Bytes of one value that images/portal/configure takes."""


def refused(facts: Facts) -> Iterator[Issue]:
    """`env.portal`: a portal does not start with a value for its pages: too long, or an address with a user."""
    for seen in facts.seen:
        if not seen.name.startswith(BUNDLED) or not seen.text:
            continue
        if len(seen.text.encode()) > LONGEST:
            yield issue(seen, "env.portal", f"is longer than {LONGEST} bytes: no portal starts with it", "shorten it")
        parts = split_url(seen.text) if seen.setting.variable.type is Kind.URL else None
        if parts is not None and "@" in parts.netloc:
            message = "has a user in an address for browsers, which load none of that kind: no portal starts with it"
            yield issue(seen, "env.portal", message, "the address alone: https://api.example.org")
