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
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.engines.web import WebClient
from slipway.errors import SlipwayError, Unreachable, UsageError
from slipway.ports import Say
from slipway.rehearsal.certificates import throwaway_certificates
from slipway.rehearsal.engine_says import asking
from slipway.rehearsal.owner import Owner
from slipway.rehearsal.proxy import CERTIFICATES, proxy_arguments
from slipway.rehearsal.removal import Removal, untag
from slipway.rehearsal.room import Room

if TYPE_CHECKING:
    import docker
    from docker.models.containers import Container

LABEL = "slipway.rehearsal"
_ABILITIES = ["read", "read:sensitive", "write", "deploy"]
_HTTP, _HTTPS = 80, 443
_FILES = ("ground.json", "id_ed25519", "known_hosts", "ca.pem")
_SOCKET = "/var/run/docker.sock"


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
    """Lays the ground and takes it away. `folder` is the rehearsal's own folder for keys, tokens and certificates.

    `socket` returns the engine's on this machine, `owner` is who lays. Every method raises `Unreachable` when
    the engine does not answer or has no room.
    """

    def __init__(
        self,
        client: "docker.DockerClient",
        name: str,
        folder: Path,
        socket: Callable[[], str] = lambda: _SOCKET,
        owner: Owner | None = None,
    ) -> None:
        self._client = client
        self.name = name
        self.folder = folder
        self.network = f"slipway-{name}"
        self._socket = socket
        owner = owner or Owner.here()
        self._mark = {LABEL: name}  # what the platform's own containers bear, too
        self._labels = {**self._mark, **owner.labels()}
        self._room = Room(client, f"{LABEL}={name}", owner)
        self._about = f"rehearsal {name}"

    def require_room(self) -> None:
        """Look before anything is built.

        Raises `UsageError` for an engine without a socket here, another's ground, or a port that is taken.
        """
        self._socket()
        with asking(self._about):
            self._room.refuse_foreign()
            self._room.require_ports(_HTTP, _HTTPS)

    def lay(self, images: GroundImages, domain: str, subdomains: tuple[str, ...], say: Say) -> Ground:
        """Start every part and wait until each answers. What stood under this name before is removed first.

        A ground that does not come to stand is taken away again. Raises `UsageError` where it is another checkout's.
        """
        self.teardown(say)
        try:
            with asking(self._about):
                return self._lay(images, domain, subdomains, say)
        except BaseException:
            self._take_back(say)
            raise

    def _lay(self, images: GroundImages, domain: str, subdomains: tuple[str, ...], say: Say) -> Ground:
        self._make_folder()
        self._client.networks.create(self.network, driver="bridge", labels=self._labels, check_duplicate=True)
        volume = self._client.volumes.create(f"{self.network}-data", labels=self._labels)
        socket = {self._socket(): {"bind": _SOCKET, "mode": "rw"}}
        data = {volume.name: {"bind": "/data", "mode": "rw"}}

        registry = self._start("registry", images.registry, ports={"5000/tcp": ("127.0.0.1", None)})
        say("registry started")
        certificates = throwaway_certificates(domain, (domain, *(f"{name}.{domain}" for name in subdomains)))
        ca_file = self._keep("ca.pem", certificates.authority)
        self._start(
            "traefik",
            images.traefik,
            command=list(proxy_arguments(self.network, LABEL, self.name)),
            ports={f"{port}/tcp": ("127.0.0.1", port) for port in (_HTTP, _HTTPS)},
            volumes=socket,
            files={
                "/etc/traefik/dynamic/certificates.yml": CERTIFICATES.encode(),
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
                "STANDIN_LABELS": json.dumps(self._mark),
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

    def teardown(self, say: Say, *, foreign: bool = False) -> int:
        """Remove containers, volumes and networks of this rehearsal and its files; return how many things went.

        The images' names in its registry go, too. Raises `UsageError` for a ground that another checkout laid (with
        `foreign` only while its process runs), and `Unreachable` naming what still stands after 30 s:
        something else holds on to it.
        """
        with asking(self._about):
            self._room.refuse_foreign(unless_left=foreign)
            registries = self._registries()
        gone = self._removal(self._mark).remove(say)
        if gone:
            say(f"removed {gone} containers, volumes and networks")
        with asking(self._about):
            if names := untag(self._client, registries):
                say(f"{names} names of images in its registry forgotten")
        self._forget_files()
        return gone

    def left(self) -> tuple[str, ...]:
        """Return the names of what still stands; empty after a complete teardown."""
        with asking(self._about):
            return self._removal(self._mark).left()

    def _removal(self, labels: Mapping[str, str]) -> Removal:
        return Removal(self._client, tuple(f"{key}={value}" for key, value in labels.items()), self._about)

    def _take_back(self, say: Say) -> None:
        """Remove what this process laid, and nothing that another one did at the same time."""
        try:
            self._removal(self._labels).remove(say)
        except SlipwayError as error:  # why it did not come to stand is what has to be told
            say(f"not all of the ground could be taken back: {error.message}")
        self._forget_files()

    def _registries(self) -> tuple[str, ...]:
        """Return the addresses that this rehearsal's registry has or had."""
        addresses = []
        with suppress(UsageError):
            addresses.append(load_ground(self.folder).registry)
        labels = [f"{LABEL}={self.name}", "slipway.part=registry"]
        for found in self._client.api.containers(filters={"label": labels}):
            addresses += [f"127.0.0.1:{port['PublicPort']}" for port in found["Ports"] if "PublicPort" in port]
        return tuple(dict.fromkeys(addresses))

    def _make_folder(self) -> None:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.folder.chmod(0o700)  # also where it was there before
        except OSError as error:
            raise Unreachable(f"cannot be made: {error.strerror}", where=str(self.folder)) from error

    def _forget_files(self) -> None:
        for name in _FILES:
            (self.folder / name).unlink(missing_ok=True)
        with suppress(OSError):  # other files in it are not ours
            self.folder.rmdir()

    def _start(
        self,
        part: str,
        image: str,
        *,
        files: Mapping[str, bytes] | None = None,
        **options: Any,
    ) -> "Container":
        with asking(self._about, f"{part} did not start"):
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
