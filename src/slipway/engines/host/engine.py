"""HostEngine: the Docker engine of this machine, or of a host over SSH, as the port `Containers`."""

import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from slipway.command import Command, Result
from slipway.engines.host.attach import Attached
from slipway.errors import PersonNeeded, Refused, SlipwayError, Unreachable, UsageError
from slipway.ports import OneOff, Say
from slipway.release.observed import RunningContainer
from slipway.secret import Mask, Secret

if TYPE_CHECKING:
    import docker

    from slipway.engines.host.forward import Forwarder
    from slipway.engines.host.ssh import Host

ONE_OFF_LABEL = "slipway.one-off"
_ANSWER_SECONDS = 60
_FOREIGN_LABEL = "coolify."  # a container with Coolify's labels gets its traffic and is removed by its next deployment


class HostEngine:
    """A Docker engine. Make one with `local` or `over`; close it, or use it as a context manager."""

    def __init__(
        self, place: str, url: str, forwarder: "Forwarder | None" = None, labels: Mapping[str, str] | None = None
    ) -> None:
        self.place = place
        self._labels = dict(labels or {})
        self._url = url
        self._forwarder = forwarder
        self._opened: docker.DockerClient | None = None
        self._lock = threading.Lock()

    @property
    def _client(self) -> "docker.DockerClient":
        """The client, made with the first question: it asks the engine which version of the API both speak."""
        import docker

        with self._lock:
            if self._opened is None:
                self._opened = docker.DockerClient(self._url, version="auto", timeout=_ANSWER_SECONDS)
            return self._opened

    @classmethod
    def local(cls, socket: str = "unix:///var/run/docker.sock", labels: Mapping[str, str] | None = None) -> Self:
        """Return this machine's engine; every one-off bears `labels`, too."""
        return cls("this machine's engine", socket, labels=labels)

    @classmethod
    def over(cls, host: "Host", labels: Mapping[str, str] | None = None) -> Self:
        """Return the engine of a host, reached through its SSH connection; every one-off bears `labels`, too."""
        from slipway.engines.host.forward import Forwarder

        forwarder = Forwarder(host)
        return cls(f"the engine of {host.place}", f"unix://{forwarder.path}", forwarder, labels)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection to the engine."""
        if self._opened is not None:
            self._opened.close()
        if self._forwarder is not None:
            self._forwarder.close()

    def pull(self, reference: str, say: Say) -> str:
        """Pull and return the image id. Raises `Refused` when the registry does not have it or does not let us."""
        from docker.errors import APIError

        with self._asking(reference):
            try:
                messages = self._client.api.pull(reference, stream=True, decode=True)
            except APIError as error:
                raise _pull_error(str(error.explanation or error), reference) from error
            for message in messages:
                if error_text := message.get("error"):
                    raise _pull_error(str(error_text), reference)
                if "id" not in message and (status := str(message.get("status", ""))):
                    say(status)
            return str(self._client.images.get(reference).id)

    def running(self, label: str) -> tuple[RunningContainer, ...]:
        """Return the containers (running or not) with `label` (`key=value`), newest first."""
        with self._asking(f"containers with {label}"):
            listed = self._client.api.containers(all=True, filters={"label": label})
            return tuple(found for entry in listed if (found := self._look(entry["Id"])) is not None)

    def logs(self, container: str, lines: int = 40) -> str:
        """Return the last lines a container wrote, both streams. Raises `Refused` when there is none of this name."""
        with self._asking(f"container {container}"):
            written: bytes = self._client.api.logs(container, stdout=True, stderr=True, tail=lines)
            return written.decode(errors="replace")

    def run_once(self, one_off: OneOff, say: Say) -> Result:
        """Run to its end, tell its output line by line with its secrets masked, remove it, also when interrupted.

        Raises `Refused` when the host does not have the image (pull it first) or the network, `UsageError` for labels
        that are Coolify's, `Unreachable` at the time limit, after ending it.
        """
        if foreign := [name for name in one_off.labels if name.startswith(_FOREIGN_LABEL)]:
            raise UsageError(f"a one-off container may not carry {foreign[0]}", where=f"one-off {one_off.name}")
        mask = Mask(value for value in (*one_off.variables.values(), one_off.stdin) if isinstance(value, Secret))
        with self._asking(f"one-off {one_off.name}"):
            container = self._create(one_off)
            try:
                return self._run(container, one_off, lambda line: say(mask(line)), mask)
            finally:
                self._remove(container, one_off)

    def _create(self, one_off: OneOff) -> str:
        api = self._client.api
        variables = {
            name: value.reveal() if isinstance(value, Secret) else value for name, value in one_off.variables.items()
        }
        created = api.create_container(
            one_off.image,
            list(one_off.argv[1:]),
            # argv is the whole command: what an image would start by itself has no say.
            entrypoint=list(one_off.argv[:1]),
            name=f"slipway-{one_off.name}-{secrets.token_hex(4)}",
            environment=variables,
            labels={**self._labels, **one_off.labels, ONE_OFF_LABEL: one_off.name},
            user=one_off.user,
            stdin_open=one_off.stdin is not None,
            host_config=api.create_host_config(network_mode=one_off.network or "default"),
        )
        return str(created["Id"])

    def _run(self, container: str, one_off: OneOff, say: Say, mask: Mask) -> Result:
        api = self._client.api
        said = Command(one_off.argv, seconds=one_off.seconds)
        attached = Attached(api, container, said_input(one_off))
        expired = threading.Event()
        watch = threading.Timer(one_off.seconds, self._expire, (container, expired))
        watch.daemon = True
        try:
            api.start(container)
            watch.start()
            out, err = attached.read(say)
            code = int(api.wait(container, timeout=_ANSWER_SECONDS)["StatusCode"])
        finally:
            watch.cancel()
            attached.close()
        out, err = mask(out), mask(err)
        if expired.is_set():
            raise Unreachable(
                f"one-off {one_off.name} was ended after {one_off.seconds:g} s",
                where=self.place,
                details=tuple((err or out).strip().splitlines()[-8:]),
            )
        return Result(said, code, out, err)

    def _expire(self, container: str, expired: threading.Event) -> None:
        expired.set()
        with suppress(Exception):  # gone already: its end is seen by the reader
            self._client.api.kill(container)

    def _remove(self, container: str, one_off: OneOff) -> None:
        from docker.errors import NotFound

        try:
            with suppress(NotFound):
                self._client.api.remove_container(container, force=True, v=True)
        except Exception as error:
            raise PersonNeeded(
                f"the container of one-off {one_off.name} could not be removed: {error}",
                where=self.place,
                hint=f"docker rm -f {container[:12]}",
            ) from error

    def _look(self, container: str) -> RunningContainer | None:
        from docker.errors import NotFound

        try:
            seen: dict[str, Any] = self._client.api.inspect_container(container)
        except NotFound:
            return None  # gone between the list and the look
        state = seen["State"]
        return RunningContainer(
            id=seen["Id"],
            name=str(seen["Name"]).lstrip("/"),
            image=seen["Config"]["Image"],
            image_id=seen["Image"],
            state=state["Status"],
            health=state.get("Health", {}).get("Status", ""),
            labels=seen["Config"].get("Labels") or {},
        )

    @contextmanager
    def _asking(self, about: str) -> Iterator[None]:
        """Turn what the engine's library raises into errors that say where and what."""
        import requests
        from docker.errors import APIError, DockerException, NotFound

        try:
            yield
        except SlipwayError:
            raise
        except NotFound as error:
            missing = error.explanation or str(error)
            hint = "pull the image first" if "image" in missing.lower() else ""
            raise Refused(f"{about}: {missing}", where=self.place, hint=hint) from error
        except APIError as error:
            raise Refused(f"{about}: {error.explanation or error}", where=self.place) from error
        except (DockerException, requests.RequestException, OSError, EOFError) as error:
            raise self._silence(about, error) from error

    def _silence(self, about: str, error: Exception) -> SlipwayError:
        complaint = self._forwarder.complaint() if self._forwarder is not None else None
        if isinstance(complaint, SlipwayError):
            return complaint
        return Unreachable(
            f"the engine did not answer about {about}: {complaint or error}",
            where=self.place,
            hint="check that Docker runs there and that this user may use it (`docker info`)",
        )


def said_input(one_off: OneOff) -> bytes | None:
    """Return what goes to the container's standard input, revealed."""
    return Command((), one_off.stdin).input_bytes()


# The words of registries that answered; anything else (connection refused, time-out) is a registry that did not.
_REGISTRY_SAYS_NO = ("not found", "manifest unknown", "denied", "unauthorized", "does not exist", "invalid reference")


def _pull_error(text: str, reference: str) -> SlipwayError:
    kind: Callable[..., SlipwayError] = (
        Refused if any(words in text.lower() for words in _REGISTRY_SAYS_NO) else Unreachable
    )
    return kind(
        f"the image cannot be pulled: {text}",
        where=reference,
        hint="check that it was pushed, and `docker login` on the host for a private registry",
    )
