"""The labels for Traefik and Caddy."""

import base64
from typing import Any

import pytest

from slipway.rehearsal.standin import domains, proxy_labels
from slipway.rehearsal.standin.answers import Refusal
from tests.rehearsal.standin.trap_scenarios import row

U = "k3x0v9m2q7c1z8r5t4y6w0ab"


def lines(**fields: Any) -> list[str]:
    return proxy_labels.lines(row(**fields), "coolify")


def test_a_secure_domain_has_two_routers() -> None:
    found = lines(fqdn="https://api.zamio.localhost", ports_exposes="8000,9000")
    assert [line for line in found if line.startswith("traefik.")] == [
        "traefik.enable=true",
        "traefik.http.middlewares.gzip.compress=true",
        "traefik.http.middlewares.redirect-to-https.redirectscheme.scheme=https",
        f"traefik.http.routers.https-0-{U}.rule=Host(`api.zamio.localhost`) && PathPrefix(`/`)",
        f"traefik.http.routers.https-0-{U}.entryPoints=https",
        f"traefik.http.routers.https-0-{U}.service=https-0-{U}",
        f"traefik.http.services.https-0-{U}.loadbalancer.server.port=8000",
        f"traefik.http.routers.https-0-{U}.middlewares=gzip",
        f"traefik.http.routers.https-0-{U}.tls=true",
        f"traefik.http.routers.https-0-{U}.tls.certresolver=letsencrypt",
        f"traefik.http.routers.http-0-{U}.rule=Host(`api.zamio.localhost`) && PathPrefix(`/`)",
        f"traefik.http.routers.http-0-{U}.entryPoints=http",
        f"traefik.http.routers.http-0-{U}.service=http-0-{U}",
        f"traefik.http.services.http-0-{U}.loadbalancer.server.port=8000",
        f"traefik.http.routers.http-0-{U}.middlewares=redirect-to-https",
    ]
    assert [line for line in found if line.startswith("caddy")] == [
        "caddy_ingress_network=coolify",
        "caddy_0=https://api.zamio.localhost",
        "caddy_0.header=-Server",
        "caddy_0.try_files={path} /index.html /index.php",
        "caddy_0.handle_path.0_reverse_proxy={{upstreams 8000}}",
        "caddy_0.handle_path=/*",
        "caddy_0.encode=zstd gzip",
    ]


def test_paths_ports_and_switches() -> None:
    found = lines(
        fqdn="http://a.localhost:9000/api,https://b.localhost", redirect="www", is_force_https_enabled=False,
        is_gzip_enabled=False, noindex_domains=["a.localhost"],
    )  # fmt: skip
    middlewares = f"http-0-{U}-stripprefix,0-{U}-to-www,0-{U}-noindex"
    assert f"traefik.http.routers.http-0-{U}.middlewares={middlewares}" in found
    assert f"traefik.http.middlewares.http-0-{U}-stripprefix.stripprefix.prefixes=/api" in found
    assert f"traefik.http.services.http-0-{U}.loadbalancer.server.port=9000" in found
    assert not any(line.startswith(f"traefik.http.routers.https-0-{U}") for line in found)
    assert f"traefik.http.routers.https-1-{U}.middlewares=1-{U}-to-www" in found
    assert f"traefik.http.routers.http-1-{U}.middlewares=1-{U}-to-www" in found
    assert not any(f"services.https-1-{U}" in line for line in found)
    assert "caddy_1=http://b.localhost, https://b.localhost" in found
    assert "caddy_0.handle_path=/api*" in found
    assert "caddy_0.redir=http://www.a.localhost{uri}" in found


def test_basic_auth_is_a_middleware() -> None:
    found = lines(
        fqdn="https://a.localhost", is_http_basic_auth_enabled=True, http_basic_auth_username="me",
        http_basic_auth_password="secret",
    )  # fmt: skip
    name = f"http-basic-auth-{U}"
    assert f"traefik.http.middlewares.{name}.basicauth.users=me:{{SHA}}5en6G6MezRroT3XKqkdPOmY/BfQ=" in found
    assert f"traefik.http.routers.https-0-{U}.middlewares=gzip,{name}" in found


def test_without_a_domain_there_are_none() -> None:
    assert lines() == []


def test_stored_labels_win_lose_coolifys_own_and_have_dollars_doubled() -> None:
    written = base64.b64encode(b"a=1\ncoolify.name=stolen\nb=$x=y\n\n").decode()
    assert proxy_labels.in_force(row(custom_labels=written), "coolify") == {"a": "1", "b": "$$x=y"}
    unescaped = row(custom_labels=written, is_container_label_escape_enabled=False)
    assert proxy_labels.in_force(unescaped, "coolify")["b"] == "$x=y"


def test_domains_are_stored_tidied() -> None:
    assert domains.normal(" HTTPS://A.localhost , http://b.localhost,https://a.localhost") == (
        "https://a.localhost,http://b.localhost"
    )
    with pytest.raises(Refusal) as refused:
        domains.normal("https://a.localhost,nonsense")
    assert refused.value.answer.body == {
        "message": "Validation failed.",
        "errors": ["Invalid domain: nonsense"],
    }


@pytest.mark.parametrize(
    ("wildcard", "domain"),
    [
        ("", "http://u.127.0.0.1.sslip.io"),
        ("zamio.localhost", "http://u.zamio.localhost"),
        ("https://zamio.localhost/", "https://u.zamio.localhost"),
    ],
)
def test_a_made_up_domain(wildcard: str, domain: str) -> None:
    assert domains.generated("u", wildcard) == domain


@pytest.mark.parametrize(
    "written",
    ["https://a:99999", "https://user@a", "https://a?x", "https://a#x", "http://" + "a" * 300, "https://[::1"],
)
def test_what_is_no_domain(written: str) -> None:
    assert domains.parse(written) is None
