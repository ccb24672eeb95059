"""The Docker engine of the one server, seen as Coolify's commands over SSH see it."""

import threading
from dataclasses import dataclass
from typing import Any

from .compose_cli import CommandFailed
from .settings import Settings


@dataclass(frozen=True)
class Container:
    """One line of `docker ps -a`, with what `docker inspect` adds."""

    id: str
    name: str
    state: str
    health: str | None
    restarts: int


class Engine:
    """The commands that deployments, databases and the status job need. All raise CommandFailed when Docker refuses."""

    def __init__(self, settings: Settings) -> None:
        self._host = settings.docker_host or None
        self._own = [f"{key}={value}" for key, value in settings.labels.items()]
        self._client: Any = None
        self._making = threading.Lock()

    @property
    def api(self) -> Any:
        """The low-level client; made at first use, so that a stand-in without engine can still answer."""
        with self._making:
            if self._client is None:
                import docker

                try:
                    self._client = docker.APIClient(base_url=self._host, version="auto", timeout=60)
                except docker.errors.DockerException as error:
                    raise CommandFailed(f"The Docker engine does not answer: {error}") from error
            return self._client

    def close(self) -> None:
        """Closes the connections."""
        if self._client is not None:
            self._client.close()

    def version(self) -> str:
        """The engine's version."""
        return str(self._ask("version")["Version"])

    def require_network(self, name: str) -> None:
        """Fails unless the network exists."""
        self._ask("inspect_network", name)

    def containers(self, label: str) -> list[Container]:
        """All containers that bear the label `key=value`, exited ones too, newest first.

        Only those that this stand-in made: another one on the same engine counts its applications from 1 too.
        """
        lines = self._ask("containers", all=True, filters={"label": [label, *self._own]})
        found = [self.find(line["Id"]) for line in lines]
        return [container for container in found if container is not None]

    def find(self, name: str) -> Container | None:
        """The container of that name or id."""
        try:
            seen = self._ask("inspect_container", name)
        except CommandFailed:
            return None
        state = seen["State"]
        health = (state.get("Health") or {}).get("Status")
        return Container(seen["Id"], seen["Name"].lstrip("/"), state["Status"], health, seen.get("RestartCount", 0))

    def health(self, name: str) -> tuple[str, str]:
        """Health status and the last check's output. Fails, as the inspect template does, when there is no check."""
        health = self._ask("inspect_container", name)["State"].get("Health")
        if not health or health.get("Status") == "none":
            raise CommandFailed('template parsing error: map has no entry for key "Health"')
        log = health.get("Log") or [{}]
        return str(health["Status"]), str(log[-1].get("Output", "")).strip()

    def logs(self, name: str, lines: int, *, timestamps: bool = False) -> str:
        """The last lines of both streams, merged."""
        content: bytes = self._ask("logs", name, stdout=True, stderr=True, tail=lines, timestamps=timestamps)
        return content.decode(errors="replace")

    def stop(self, name: str, grace: int) -> None:
        """`docker stop --time=<grace>`."""
        import docker

        try:
            self.api.stop(name, timeout=grace)
        except docker.errors.NotFound:
            return
        except (docker.errors.DockerException, OSError) as error:
            raise CommandFailed(str(error)) from error

    def remove(self, name: str) -> None:
        """`docker rm -f`; a container that is gone already is fine."""
        import docker

        try:
            self.api.remove_container(name, force=True)
        except docker.errors.NotFound:
            return
        except (docker.errors.DockerException, OSError) as error:
            raise CommandFailed(str(error)) from error

    def remove_volume(self, name: str) -> None:
        """`docker volume rm -f`."""
        import docker

        try:
            self.api.remove_volume(name, force=True)
        except docker.errors.NotFound:
            return
        except (docker.errors.DockerException, OSError) as error:
            raise CommandFailed(str(error)) from error

    def execute(self, name: str, command: str) -> tuple[int, str]:
        """`docker exec <name> sh -c '<command>'`: exit code and output."""
        made = self._ask("exec_create", name, ["sh", "-c", command])
        output: bytes = self._ask("exec_start", made["Id"])
        return int(self._ask("exec_inspect", made["Id"])["ExitCode"]), output.decode(errors="replace")

    def images(self, repository: str) -> list[tuple[str, int]]:
        """Tag and creation time (unix seconds) of the local images of exactly this repository, newest first."""
        found = []
        for image in self._ask("images", name=repository):
            for tagged in image.get("RepoTags") or []:
                name, _, tag = tagged.rpartition(":")
                if name == repository:
                    found.append((tag, int(image["Created"])))
        return sorted(found, key=lambda image: image[1], reverse=True)

    def image_of(self, name: str) -> str | None:
        """The image reference that a container was made from."""
        try:
            return str(self._ask("inspect_container", name)["Config"]["Image"])
        except CommandFailed:
            return None

    def _ask(self, method: str, *arguments: Any, **options: Any) -> Any:
        import docker

        try:
            return getattr(self.api, method)(*arguments, **options)
        except (docker.errors.DockerException, OSError) as error:
            raise CommandFailed(str(error)) from error
