"""What a request passes before its handler: token, limit, team role, switch, addresses, ability. In this order."""

import ipaddress

from .answers import Answer, Refusal, message, refuse
from .endpoint import Endpoint
from .rate_limit import Budget
from .site import Site
from .tokens import Token


def authenticate(site: Site, authorization: str) -> Token:
    """The token of the Authorization header. Raises a Refusal with 401."""
    scheme, _, bearer = authorization.partition(" ")
    token = site.tokens.find(bearer.strip()) if scheme.lower() == "bearer" else None
    if token is None:
        raise refuse(401, "Unauthenticated.")
    if not token.role:
        raise refuse(401, "Invalid token.")
    return token


def spend(site: Site, key: str, limit: int) -> Budget:
    """Counts the request. Raises a Refusal with 429, rendered by Laravel, when the minute's budget is gone."""
    budget = site.limiter.spend(key, limit)
    if budget.wait:
        too_many = message(429, "Too Many Attempts.")
        raise Refusal(Answer(429, too_many.body, headers=budget.headers), framework=True)
    return budget


def admit(site: Site, token: Token, client: str, endpoint: Endpoint | None) -> None:
    """The gates after the limit. Raises a Refusal with 403; `success: true` in some bodies is Coolify's."""
    if token.elevated and not token.is_admin:
        raise refuse(403, "Missing required team role.")
    if endpoint is None or not endpoint.ungated:
        if not site.store.instance["is_api_enabled"]:
            raise Refusal(Answer(403, {"success": True, "message": "API is disabled."}))
        if not is_allowed(client, site.settings.allowed_ips):
            raise Refusal(Answer(403, {"success": True, "message": "You are not allowed to access the API."}))
    if endpoint is not None and not token.can(endpoint.ability):
        raise refuse(403, f"Missing required permissions: {endpoint.ability}")


def is_allowed(client: str, allowed: str) -> bool:
    """Whether the address is in the comma separated list of addresses and CIDRs; an empty list lets everyone in."""
    entries = [entry.strip() for entry in allowed.split(",") if entry.strip()]
    if not entries or any(entry.split("/")[0] == "0.0.0.0" for entry in entries):  # noqa: S104 - means everyone
        return True
    try:
        address = ipaddress.ip_address(client)
        return any(address in ipaddress.ip_network(entry, strict=False) for entry in entries)
    except ValueError:
        return False


def moved_to_post(endpoints: dict[str, Endpoint]) -> Endpoint | None:
    """The endpoint behind a GET that answers 405 since 4.2.0; other wrong methods are 404."""
    post = endpoints.get("POST")
    return post if post is not None and post.moved else None
