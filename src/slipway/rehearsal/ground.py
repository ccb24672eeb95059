"""The rehearsal's ground: a disposable Coolify-like host made of real parts on this machine's engine.

    network ── registry ── Traefik ── host (sshd with the engine's socket) ── Coolify stand-in

Everything carries `slipway.rehearsal=<name>`, published ports listen on loopback only, and `teardown` removes all of
it, also what the stand-in created. Nothing else on the engine is touched.
"""

import io
import json
import os
import secrets
import tarfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.engines.web import WebClient
from slipway.errors import Unreachable, UsageError
from slipway.rehearsal.certificates import throwaway_certificates

if TYPE_CHECKING:
    import docker
    from docker.models.containers import Container

LABEL = "slipway.rehearsal"
_ABILITIES = ["read", "read:sensitive", "write", "deploy"]
_HTTP, _HTTPS = 80, 443
_FILES = ("ground.json", "id_ed25519", "known_hosts", "ca.pem")
_TEARDOWN_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class GroundImages:
    """References of the images that the ground is made of."""

    registry: str
    host: str
    traefik: str
    coolify: str


@dataclass(frozen=True, slots=True)
class Ground:
    """Where everything is once it runs. Paths are files in the rehearsal's own 0700 folder on this machine."""

    name: str
    domain: str
    network: str
    registry: str
    ssh_port: int
    ssh_key: str
    known_hosts: str
    coolify_url: str
    coolify_token: str
    ca_file: str

    def settings(self) -> dict[str, str]:
        """Return the ground as the variables that any environment would name its host with."""
        return {
            "SLIPWAY_DOMAIN": self.domain,
            "SLIPWAY_REGISTRY": self.registry,
            "SLIPWAY_SSH_HOST": "127.0.0.1",
            "SLIPWAY_SSH_PORT": str(self.ssh_port),
            "SLIPWAY_SSH_USER": "root",
            "SLIPWAY_SSH_KEY_FILE": self.ssh_key,
            "SLIPWAY_SSH_KNOWN_HOSTS": self.known_hosts,
            "SLIPWAY_COOLIFY_URL": self.coolify_url,
            "SLIPWAY_COOLIFY_TOKEN": self.coolify_token,
            "SLIPWAY_CA_FILE": self.ca_file,
            "SLIPWAY_PUBLIC_ADDRESS": "127.0.0.1",
            "SLIPWAY_NETWORK": self.network,
            "SLIPWAY_POSTGRES_IMAGE": f"{self.registry}/slipway/base-postgres:bookworm",
            "SLIPWAY_REDIS_IMAGE": f"{self.registry}/slipway/base-redis:bookworm",
        }


def load_ground(folder: Path) -> Ground:
    """Return the ground whose keeper works in `folder`. Raises `UsageError` when none stands."""
    try:
        return Ground(**json.loads((folder / "ground.json").read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise UsageError(
            "no rehearsal is standing", where=str(folder), hint="`./inv rehearse --keep` leaves one standing"
        ) from error


class GroundKeeper:
    """Lays the ground and takes it away. `folder` is the rehearsal's own folder for keys, tokens and certificates."""

    def __init__(self, client: "docker.DockerClient", name: str, folder: Path) -> None:
        self._client = client
        self.name = name
        self.folder = folder
        self.network = f"slipway-{name}"
        self._labels = {LABEL: name}

    def lay(self, images: GroundImages, domain: str, subdomains: tuple[str, ...], say: Callable[[str], None]) -> Ground:
        """Start every part and wait until each answers. What stood under this name before is removed first."""
        self.teardown(say)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.chmod(0o700)  # also where it was there before
        self._client.networks.create(self.network, driver="bridge", labels=self._labels, check_duplicate=True)
        volume = self._client.volumes.create(f"{self.network}-data", labels=self._labels)
        socket = {"/var/run/docker.sock": {"bind": "/var/run/docker.sock", "mode": "rw"}}
        data = {volume.name: {"bind": "/data", "mode": "rw"}}

        registry = self._start("registry", images.registry, ports={"5000/tcp": ("127.0.0.1", None)})
        say("registry started")
        certificates = throwaway_certificates(domain, (domain, *(f"{name}.{domain}" for name in subdomains)))
        ca_file = self._keep("ca.pem", certificates.authority)
        self._start(
            "traefik",
            images.traefik,
            command=list(_traefik_arguments(self.network, self.name)),
            ports={f"{port}/tcp": ("127.0.0.1", port) for port in (_HTTP, _HTTPS)},
            volumes=socket,
            files={
                "/etc/traefik/dynamic/certificates.yml": _TRAEFIK_CERTIFICATES.encode(),
                "/etc/traefik/tls/server.pem": certificates.certificate,
                "/etc/traefik/tls/server.key": certificates.key,
            },
        )
        say("Traefik started")
        private, public = _key_pair()
        key_file = self._keep("id_ed25519", private)
        host = self._start(
            "host",
            images.host,
            ports={"22/tcp": ("127.0.0.1", None)},
            volumes=socket | data,
            files={"/root/.ssh/authorized_keys": public},
        )
        say("host with sshd started")
        token = f"1|{secrets.token_hex(24)}"
        coolify = self._start(
            "coolify",
            images.coolify,
            ports={"8000/tcp": ("127.0.0.1", None)},
            volumes=socket | data,
            environment={
                "STANDIN_PORT": "8000",
                "STANDIN_DATA": "/data/coolify",
                "STANDIN_NETWORK": self.network,
                "STANDIN_LABELS": json.dumps(self._labels),
                "STANDIN_TOKENS": "/run/standin/tokens.json",
                "STANDIN_WILDCARD_DOMAIN": domain,
            },
            files={"/run/standin/tokens.json": json.dumps([{"token": token, "abilities": _ABILITIES}]).encode()},
        )
        say("Coolify stand-in started")
        ssh_port = self._port(host, "22/tcp")
        ground = Ground(
            name=self.name,
            domain=domain,
            network=self.network,
            registry=f"127.0.0.1:{self._port(registry, '5000/tcp')}",
            ssh_port=ssh_port,
            ssh_key=key_file,
            known_hosts=self._keep("known_hosts", self._host_keys(host, ssh_port)),
            coolify_url=f"http://127.0.0.1:{self._port(coolify, '8000/tcp')}",
            coolify_token=token,
            ca_file=ca_file,
        )
        _await_http(f"http://{ground.registry}/v2/", "registry", registry)
        _await_http(f"{ground.coolify_url}/api/health", "Coolify stand-in", coolify)
        self._keep("ground.json", json.dumps(asdict(ground)).encode())
        return ground

    def observe(self) -> dict[str, str]:
        """Return what the engine shows of the ground: container name -> state."""
        return {str(c.name): c.status for c in self._containers()}

    def teardown(self, say: Callable[[str], None]) -> int:
        """Remove containers, volumes and networks of this rehearsal and its files; return how many things went.

        Raises `Unreachable` naming what still stands after 30 s: something else holds on to it.
        """
        gone: set[str] = set()
        deadline = time.monotonic() + _TEARDOWN_SECONDS
        # Again and again: a deployment that is under way may still create a container after the first look, and the
        # engine refuses a volume or network while it still removes the container that used it.
        while True:
            refusals = self._remove_round(gone)
            if not (left := self.left()):
                break
            if time.monotonic() > deadline:
                raise Unreachable(
                    f"cannot be removed: {', '.join(left)}",
                    where=f"rehearsal {self.name}",
                    hint="end what uses it (`docker ps -a`), then `inv rehearse.down`",
                    details=refusals,
                )
            time.sleep(0.2)
        if gone:
            say(f"removed {len(gone)} containers, volumes and networks")
        for name in _FILES:
            (self.folder / name).unlink(missing_ok=True)
        with suppress(OSError):  # other files in it are not ours
            self.folder.rmdir()
        return len(gone)

    def _remove_round(self, gone: set[str]) -> tuple[str, ...]:
        import docker.errors

        refusals = []
        acts: list[tuple[str, Callable[[], object]]] = [
            *((str(c.id), partial(c.remove, force=True, v=True)) for c in self._containers()),
            *(
                (f"volume {v.id}", partial(v.remove, force=True))
                for v in self._client.volumes.list(filters=self._filter())
            ),
            *((str(n.id), n.remove) for n in self._client.networks.list(filters=self._filter())),
        ]
        for key, remove in acts:
            try:
                remove()
            except docker.errors.NotFound:
                continue  # somebody else was faster
            except docker.errors.APIError as error:
                if error.status_code not in (403, 409):  # in use, or its removal is under way
                    raise
                refusals.append(str(error.explanation or error))
            else:
                gone.add(key)
        return tuple(refusals)

    def left(self) -> tuple[str, ...]:
        """Return the names of what still stands; empty after a complete teardown."""
        return (
            *(str(c.name) for c in self._containers()),
            *(v.name for v in self._client.volumes.list(filters=self._filter())),
            *(str(n.name) for n in self._client.networks.list(filters=self._filter())),
        )

    def _filter(self) -> dict[str, str | list[str] | bool]:
        return {"label": f"{LABEL}={self.name}"}

    def _containers(self) -> "list[Container]":
        return self._client.containers.list(all=True, filters=self._filter(), ignore_removed=True)

    def _start(
        self,
        part: str,
        image: str,
        *,
        files: Mapping[str, bytes] | None = None,
        **options: Any,
    ) -> "Container":
        import docker.errors

        try:
            container = self._client.containers.create(
                image,
                name=f"{self.network}-{part}",
                hostname=part,
                labels=self._labels | {"slipway.part": part},
                network=self.network,
                detach=True,
                **options,
            )
            if files:
                container.put_archive("/", _archive(files))
            container.start()
        except docker.errors.APIError as error:
            text = str(error.explanation or error)
            if "port is already allocated" in text or "address already in use" in text:
                raise UsageError(
                    f"a port that {part} needs is taken on 127.0.0.1: {text}",
                    where=f"rehearsal {self.name}",
                    hint="stop what listens there (`ss -ltnp`), or end another rehearsal with `inv rehearse.down`",
                ) from error
            raise Unreachable(f"{part} did not start: {text}", where=f"rehearsal {self.name}") from error
        return container

    def _keep(self, name: str, content: bytes) -> str:
        path = self.folder / name
        try:
            path.unlink(missing_ok=True)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(content)
        except OSError as error:
            raise Unreachable(f"cannot be written: {error.strerror}", where=str(path)) from error
        return str(path)

    @staticmethod
    def _port(container: "Container", inside: str) -> int:
        container.reload()
        bound = container.ports.get(inside)
        if not bound:
            raise Unreachable(
                f"{container.name} is {container.status} and publishes no port",
                details=tuple(container.logs(tail=10).decode(errors="replace").splitlines()),
            )
        return int(bound[0]["HostPort"])

    @staticmethod
    def _host_keys(container: "Container", port: int, seconds: float = 20) -> bytes:
        """Read the host's public keys through the engine, a route that SSH does not take part in."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            code, output = container.exec_run(["sh", "-c", "cat /etc/ssh/keys/*.pub"])
            if code == 0 and isinstance(output, bytes) and output.strip():
                keys = [line.split()[:2] for line in output.decode().splitlines() if line.strip()]
                return "".join(f"[127.0.0.1]:{port} {kind} {key}\n" for kind, key in keys).encode()
            time.sleep(0.1)
        raise Unreachable("the rehearsal's sshd made no host keys", where=container.name or "")


_TRAEFIK_CERTIFICATES = """\
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


def _traefik_arguments(network: str, name: str) -> tuple[str, ...]:
    """Return Coolify's proxy settings (coolify-facts §4), narrowed to this rehearsal's containers and network."""
    return (
        "--entrypoints.http.address=:80",
        "--entrypoints.https.address=:443",
        "--ping=true",
        "--ping.entrypoint=http",
        "--providers.docker=true",
        "--providers.docker.exposedbydefault=false",
        f"--providers.docker.network={network}",
        f"--providers.docker.constraints=Label(`{LABEL}`,`{name}`)",
        "--providers.file.directory=/etc/traefik/dynamic",
        "--global.checknewversion=false",
        "--global.sendanonymoususage=false",
    )


def _archive(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path, content in files.items():
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.size, entry.mode = len(content), 0o600
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def _key_pair() -> tuple[bytes, bytes]:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return private, public + b" slipway-rehearsal\n"


def _await_http(url: str, what: str, container: "Container", seconds: float = 30) -> None:
    web, deadline, last = WebClient(timeout=2), time.monotonic() + seconds, ""
    while time.monotonic() < deadline:
        try:
            if web.ask("GET", url).status == 200:
                return
        except Unreachable as error:
            last = error.message
        time.sleep(0.1)
    raise Unreachable(
        f"the {what} did not answer within {seconds:.0f} s: {last}",
        where=url,
        details=tuple(container.logs(tail=15).decode(errors="replace").splitlines()),
    )
