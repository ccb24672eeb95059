"""The labels Coolify writes for its proxies: Traefik's and Caddy's, both on every application with a domain."""

import base64
import hashlib

from .domains import Domain, of
from .store import Row


def lines(application: Row, network: str) -> list[str]:
    """All proxy labels as `key=value` lines; none without a domain.

    Router and service names hold the application's uuid, never the container's name, so an old and a new container
    share them during a rolling update.
    """
    domains = of(application)
    if not domains:
        return []
    found = ["traefik.enable=true"]
    if application["settings"]["is_gzip_enabled"]:
        found.append("traefik.http.middlewares.gzip.compress=true")
    found.append("traefik.http.middlewares.redirect-to-https.redirectscheme.scheme=https")
    found += _basic_auth(application)
    for index, domain in enumerate(domains):
        found += _traefik(application, index, domain)
    found.append(f"caddy_ingress_network={network}")
    for index, domain in enumerate(domains):
        found += _caddy(application, index, domain)
    return found


def stored(application: Row, network: str) -> str:
    """The labels as the row's `custom_labels` keeps them: base64 of the lines."""
    return base64.b64encode("\n".join(lines(application, network)).encode()).decode()


def in_force(application: Row, network: str) -> dict[str, str]:
    """The proxy and custom labels of the next container: those stored, or fresh ones if none are.

    Labels that start with `coolify.` are taken out; `$` is doubled for Compose unless that is switched off.
    """
    kept = application["custom_labels"]
    written = base64.b64decode(kept).decode().splitlines() if kept else lines(application, network)
    labels: dict[str, str] = {}
    for line in written:
        key, _, value = line.strip().partition("=")
        if key and not key.startswith("coolify."):
            labels[key] = value
    if application["settings"]["is_container_label_escape_enabled"]:
        labels = {key: value.replace("$", "$$") for key, value in labels.items()}
    return labels


def _port(application: Row, domain: Domain) -> str | None:
    if domain.port is not None:
        return str(domain.port)
    exposes = application["ports_exposes"]
    return str(exposes).split(",")[0] if exposes else None


def _basic_auth(application: Row) -> list[str]:
    user, password = application["http_basic_auth_username"], application["http_basic_auth_password"]
    if not (application["is_http_basic_auth_enabled"] and user and password):
        return []
    digest = base64.b64encode(hashlib.sha1(password.encode(), usedforsecurity=False).digest()).decode()
    name = f"http-basic-auth-{application['uuid']}"
    return [f"traefik.http.middlewares.{name}.basicauth.users={user}:{{SHA}}{digest}"]


def _is_hidden_from_robots(application: Row, domain: Domain) -> bool:
    return any(domain.host in str(entry).lower() for entry in application["noindex_domains"] or [])


def _definitions(application: Row, index: int, domain: Domain) -> tuple[list[str], list[str]]:
    """The optional middlewares of one domain: their labels, and the names that its router uses, in order."""
    uuid, settings = application["uuid"], application["settings"]
    prefix = "traefik.http.middlewares"
    labels: list[str] = []
    names: list[str] = []
    if domain.path != "/" and settings["is_stripprefix_enabled"]:
        name = f"{domain.scheme}-{index}-{uuid}-stripprefix"
        labels.append(f"{prefix}.{name}.stripprefix.prefixes={domain.path}")
        names.append(name)
    if settings["is_gzip_enabled"]:
        names.append("gzip")
    if application["redirect"] != "both":
        to_www = application["redirect"] == "www"
        name = f"{index}-{uuid}-to-{'www' if to_www else 'non-www'}"
        regex = r"^(http|https)://(?:www\.)?(.+)" if to_www else r"^(http|https)://www\.(.+)"
        labels += [
            f"{prefix}.{name}.redirectregex.regex={regex}",
            f"{prefix}.{name}.redirectregex.replacement=${{1}}://{'www.' if to_www else ''}${{2}}",
            f"{prefix}.{name}.redirectregex.permanent=false",
        ]
        names.append(name)
    if _basic_auth(application):
        names.append(f"http-basic-auth-{uuid}")
    if _is_hidden_from_robots(application, domain):
        name = f"{index}-{uuid}-noindex"
        labels.append(f"{prefix}.{name}.headers.customresponseheaders.X-Robots-Tag=noindex, nofollow")
        names.append(name)
    return labels, names


def _router(name: str, domain: Domain, port: str | None, middlewares: list[str]) -> list[str]:
    router = f"traefik.http.routers.{name}"
    found = [
        f"{router}.rule=Host(`{domain.host}`) && PathPrefix(`{domain.path}`)",
        f"{router}.entryPoints={name.split('-', 1)[0]}",
    ]
    if port is not None:
        found += [f"{router}.service={name}", f"traefik.http.services.{name}.loadbalancer.server.port={port}"]
    if middlewares:
        found.append(f"{router}.middlewares={','.join(middlewares)}")
    return found


def _traefik(application: Row, index: int, domain: Domain) -> list[str]:
    port = _port(application, domain)
    found, names = _definitions(application, index, domain)
    plain, secure = f"http-{index}-{application['uuid']}", f"https-{index}-{application['uuid']}"
    if domain.scheme == "http":
        return found + _router(plain, domain, port, names)
    found += _router(secure, domain, port, names)
    found += [f"traefik.http.routers.{secure}.tls=true", f"traefik.http.routers.{secure}.tls.certresolver=letsencrypt"]
    if application["settings"]["is_force_https_enabled"]:
        hidden = [name for name in names if name.endswith("-noindex")]
        return found + _router(plain, domain, port, [*hidden, "redirect-to-https"])
    return found + _router(plain, domain, port, names)


def _caddy(application: Row, index: int, domain: Domain) -> list[str]:
    settings = application["settings"]
    port = _port(application, domain)
    handle = "handle_path" if settings["is_stripprefix_enabled"] else "handle"
    site = f"{domain.scheme}://{domain.host}"
    if domain.scheme == "https" and not settings["is_force_https_enabled"]:
        site = f"http://{domain.host}, https://{domain.host}"
    found = [
        f"caddy_{index}={site}",
        f"caddy_{index}.header=-Server",
        f"caddy_{index}.try_files={{path}} /index.html /index.php",
        f"caddy_{index}.{handle}.{index}_reverse_proxy={{{{upstreams{f' {port}' if port else ''}}}}}",
        f"caddy_{index}.{handle}={domain.path}*",
    ]
    if settings["is_gzip_enabled"]:
        found.append(f"caddy_{index}.encode=zstd gzip")
    if application["redirect"] == "www" and not domain.host.startswith("www."):
        found.append(f"caddy_{index}.redir={domain.scheme}://www.{domain.host}{{uri}}")
    if application["redirect"] == "non-www" and domain.host.startswith("www."):
        found.append(f"caddy_{index}.redir={domain.scheme}://{domain.host.removeprefix('www.')}{{uri}}")
    return found
