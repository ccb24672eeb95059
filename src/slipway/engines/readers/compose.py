"""Docker Compose's `env_file:`, read by the real program; older ones than 2.26 read by other rules."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

from slipway.config.env_readers import Reader, Reading
from slipway.engines.readers.asking import ask, in_halves, private_folder, stamp, write
from slipway.errors import Unreachable

OLDEST = (2, 26)
_BATCH = 250
_PLUGINS = tuple(
    Path(f"/usr/{folder}/docker/cli-plugins") for folder in ("local/lib", "local/libexec", "lib", "libexec")
)


class Compose:
    """Port `EnvReader` of Docker Compose. `candidates` are command lines, of which the first good one answers."""

    reader = Reader.COMPOSE

    def __init__(self, candidates: Sequence[Sequence[str]], home: Path) -> None:
        """Say which programs may be Compose; `home` is where the docker client looks for its plugins."""
        self._candidates = candidates
        self._environment = {"HOME": str(home), "PATH": "/usr/local/bin:/usr/bin:/bin"}
        self._chosen: tuple[tuple[str, ...], str] | None = None

    @property
    def stamp(self) -> str:
        """What changes when one of the candidates does, or the plugin behind `docker compose`."""
        folders = (Path(self._environment["HOME"], ".docker/cli-plugins"), *_PLUGINS)
        plugins = [folder / "docker-compose" for folder in folders]
        return " ".join(stamp(file) for file in (*(Path(argv[0]) for argv in self._candidates), *plugins))

    @property
    def program(self) -> str:
        """Return Compose and its version. Raises `Unreachable` where none is new enough."""
        return f"compose {self._choose()[1]}"

    def read(self, files: Sequence[str]) -> list[Reading]:
        """Read each text as a file of its own. Raises `Unreachable` where Compose does not answer."""
        argv, _ = self._choose()
        found: list[Reading] = []
        for start in range(0, len(files), _BATCH):
            found += self._batch(argv, files[start : start + _BATCH])
        return found

    def _choose(self) -> tuple[tuple[str, ...], str]:
        if self._chosen is not None:
            return self._chosen
        old = ""
        for argv in self._candidates:
            with private_folder() as folder:
                done = ask((*argv, "version", "--short"), folder, environment=self._environment)
            version = done.stdout.decode("ascii", "replace").strip().removeprefix("v")
            numbers = re.match(r"(\d+)\.(\d+)", version)
            if done.returncode == 0 and numbers and (int(numbers[1]), int(numbers[2])) >= OLDEST:
                self._chosen = (tuple(argv), version)
                return self._chosen
            old = old or version[:20]
        wanted = ".".join(map(str, OLDEST))
        why = f"is {old}, older than {wanted}" if old else f"{wanted} or newer is not on this machine"
        raise Unreachable(f"Docker Compose {why}", where="compose")

    def _batch(self, argv: Sequence[str], files: Sequence[str]) -> list[Reading]:
        with private_folder() as folder:
            for index, text in enumerate(["", *files]):
                write(folder / f"{index}.env", text)

            def together(indexes: Sequence[int]) -> list[Reading] | None:
                return self._values(argv, folder, indexes)

            if together([0]) is None:
                raise Unreachable("Compose does not read an empty file", where="compose")
            return in_halves(range(1, len(files) + 1), together)

    def _values(self, argv: Sequence[str], folder: Path, indexes: Sequence[int]) -> list[Reading] | None:
        services = {f"s{index}": {"image": "none", "env_file": [f"{index}.env"]} for index in indexes}
        (folder / "compose.json").write_text(json.dumps({"name": "slipway", "services": services}))
        words = ("--project-directory", str(folder), "-f", str(folder / "compose.json"), "config", "--format", "json")
        done = ask((*argv, *words), folder, environment=self._environment)
        if done.returncode != 0:
            return None
        try:
            answered = json.loads(done.stdout)["services"]
            # `config` writes a file that is read again, so each $ stands twice.
            return [
                Reading(
                    {
                        name: value.replace("$$", "$")
                        for name, value in (answered[f"s{index}"].get("environment") or {}).items()
                        if value is not None
                    }
                )
                for index in indexes
            ]
        except (ValueError, KeyError, TypeError, AttributeError):
            raise Unreachable("Compose gave no answer", where="compose") from None
