"""A server on which every command works and nothing happens: for endpoints that only hand work on."""

from pathlib import Path

from slipway.rehearsal.standin.compose_cli import Compose
from slipway.rehearsal.standin.engine import Container, Engine


class NoEngine(Engine):
    """Shows the containers in `present`, whichever label is asked for."""

    def __init__(self) -> None:
        self.present: list[Container] = []

    def close(self) -> None:
        pass

    def containers(self, label: str) -> list[Container]:
        return list(self.present)

    def find(self, name: str) -> Container | None:
        return None

    def logs(self, name: str, lines: int, *, timestamps: bool = False) -> str:
        return "\x1b[31mred\x1b[0m\n"

    def stop(self, name: str, grace: int) -> None:
        pass

    def remove(self, name: str) -> None:
        pass

    def remove_volume(self, name: str) -> None:
        pass

    def images(self, repository: str) -> list[tuple[str, int]]:
        return [("1", 1_767_225_600)]

    def image_of(self, name: str) -> str | None:
        return None


class NoCompose(Compose):
    """Notes what would have run."""

    def __init__(self) -> None:
        self.ran: list[tuple[str, ...]] = []

    def run(self, job: str, project: str, file: Path, *arguments: str) -> str:
        self.ran.append((project, file.name, *arguments))
        return ""

    def kill(self, job: str) -> None:
        pass

    def kill_all(self) -> None:
        pass
