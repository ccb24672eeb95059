"""Where this machine's commands find their Docker engine: DOCKER_HOST with its TLS variables, or the usual socket."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self
from urllib.parse import unquote

from slipway.engines.engine_probe import DEFAULT_SOCKET
from slipway.errors import Unreachable, UsageError

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.tls import TLSConfig

_USUAL = f"unix://{DEFAULT_SOCKET}"
_SCHEMES = ("http+unix://", "unix://")


@dataclass(frozen=True, slots=True)
class EngineAddress:
    """An engine's address as the Docker SDK takes it; `tls` is what its certificate is held against, if anything."""

    url: str = _USUAL
    tls: "TLSConfig | None" = None

    @classmethod
    def configured(cls) -> Self:
        """Return the address that `docker.from_env` would use. Raises `UsageError` for TLS files that are not there."""
        from docker.errors import TLSParameterError
        from docker.utils import kwargs_from_env

        try:
            found = kwargs_from_env()
        except TLSParameterError as error:
            raise UsageError(
                f"the engine's TLS files cannot be used: {error.msg}",
                where="DOCKER_CERT_PATH",
                hint="DOCKER_CERT_PATH names a folder with ca.pem, cert.pem and key.pem",
            ) from error
        return cls(str(found.get("base_url") or _USUAL), found.get("tls"))

    def client(self, seconds: float = 120) -> "DockerClient":
        """Open a client. Raises `Unreachable` when no engine answers."""
        import docker
        from docker.errors import DockerException

        from slipway.engines.images.errors import no_engine

        try:
            # The stubs want whole seconds; requests takes any.
            return docker.DockerClient(self.url, tls=self.tls or False, timeout=int(seconds))
        except (DockerException, OSError, ValueError) as error:
            silent = no_engine(self.url, error)
            if self.url == _USUAL:
                raise silent from error
            raise Unreachable(
                silent.message,
                where=f"DOCKER_HOST={self.url}",
                hint="start that engine, or use this machine's own with 'unset DOCKER_HOST'",
                details=silent.details,
            ) from error

    def socket(self) -> str:
        """Return the engine's socket as a path on this machine. Raises `UsageError` for an engine without one here."""
        for scheme in _SCHEMES:
            if self.url.startswith(scheme):
                return "/" + unquote(self.url.removeprefix(scheme)).lstrip("/")
        raise UsageError(
            "a rehearsal happens on this machine's own engine: its host gets the engine's socket, and you reach it on "
            "127.0.0.1",
            where=f"DOCKER_HOST={self.url}",
            hint="`unset DOCKER_HOST`, or name a socket: DOCKER_HOST=unix:///var/run/docker.sock",
        )
