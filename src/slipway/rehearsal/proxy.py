"""The rehearsal's proxy: how the real Traefik is started, as Coolify starts it."""

CERTIFICATES = """\
tls:
  certificates:
    - certFile: /etc/traefik/tls/server.pem
      keyFile: /etc/traefik/tls/server.key
  stores:
    default:
      defaultCertificate:
        certFile: /etc/traefik/tls/server.pem
        keyFile: /etc/traefik/tls/server.key
"""
"""Traefik's dynamic configuration: the one certificate, for every name."""


def proxy_arguments(network: str, label: str, name: str) -> tuple[str, ...]:
    """Return Coolify's proxy settings, narrowed to the containers labelled so and their network."""
    return (
        "--entrypoints.http.address=:80",
        "--entrypoints.https.address=:443",
        "--ping=true",
        "--ping.entrypoint=http",
        "--providers.docker=true",
        "--providers.docker.exposedbydefault=false",
        f"--providers.docker.network={network}",
        f"--providers.docker.constraints=Label(`{label}`,`{name}`)",
        "--providers.file.directory=/etc/traefik/dynamic",
        "--global.checknewversion=false",
        "--global.sendanonymoususage=false",
    )
