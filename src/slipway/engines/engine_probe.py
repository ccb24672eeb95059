"""Whether a Docker engine answers, and what kind of silence it is when none does."""

import socket
from enum import StrEnum
from pathlib import Path

DEFAULT_SOCKET = Path("/var/run/docker.sock")
_PING = b"GET /_ping HTTP/1.0\r\nHost: engine\r\n\r\n"


class Silence(StrEnum):
    """Why no engine answers; each wants another remedy."""

    MISSING = "nothing is there"
    STOPPED = "the socket is there, but nothing listens on it"
    FORBIDDEN = "this user may not open the socket"
    MUTE = "something listens, but does not answer as a Docker engine"


def ask_socket(path: Path, seconds: float = 20.0) -> Silence | None:
    """Ask the engine behind a Unix socket; None means it answered.

    `GET /_ping` is answered without a version and before anything else works, so it is the cheapest honest question
    (Docker Engine API, "System"). `seconds` bounds the connection and the answer; it is long because systemd's
    docker.socket accepts at once and starts the engine only then.
    """
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(seconds)
            connection.connect(str(path))
            connection.sendall(_PING)
            answer = connection.recv(64)
    except (FileNotFoundError, NotADirectoryError):
        return Silence.MISSING
    except PermissionError:
        return Silence.FORBIDDEN
    except ConnectionRefusedError:
        return Silence.STOPPED
    except OSError:
        return Silence.MUTE
    words = answer.split(b"\r\n", 1)[0].split()
    return None if len(words) >= 2 and words[0].startswith(b"HTTP/1.") and words[1] == b"200" else Silence.MUTE


def configured_host() -> str:
    """Return DOCKER_HOST as the Docker SDK reads it, or "" where the default socket is meant."""
    from docker.errors import TLSParameterError
    from docker.utils import kwargs_from_env

    try:
        return str(kwargs_from_env().get("base_url") or "")
    except TLSParameterError as error:
        return f"(unusable: {error.msg})"


def unanswered(docker_host: str) -> str:
    """Ask the engine that `configured_host()` named; "" means it answered, else the reason why not."""
    if docker_host.startswith("unix://") or not docker_host:
        silence = ask_socket(Path(docker_host.removeprefix("unix://")) if docker_host else DEFAULT_SOCKET)
        return str(silence) if silence else ""
    return _ask_over_network()


def _ask_over_network(seconds: int = 10) -> str:
    import docker
    from docker.errors import DockerException
    from docker.utils import kwargs_from_env
    from paramiko import SSHException

    try:
        client = docker.APIClient(**kwargs_from_env(), timeout=seconds)
        try:
            client.ping()
        finally:
            client.close()
    except (DockerException, SSHException, OSError, ValueError) as error:
        return " ".join(str(error).split())[:300] or type(error).__name__
    return ""
