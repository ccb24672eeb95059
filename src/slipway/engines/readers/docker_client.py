"""`docker run --env-file`, read by the real client, which hands what it read to a socket of ours, not to an engine."""

import re
import secrets
from collections.abc import Sequence
from pathlib import Path

from slipway.config.env_readers import Reader, Reading
from slipway.engines.readers.asking import ask, in_halves, private_folder, stamp, write
from slipway.errors import Unreachable

_BATCH = 200


class DockerClient:
    """Port `EnvReader` of the docker client. No engine is asked for anything."""

    reader = Reader.DOCKER

    def __init__(self, docker: Path | None) -> None:
        """Say where the client is, None where it is not."""
        self._docker = docker

    @property
    def stamp(self) -> str:
        """What changes when the client does."""
        return stamp(self._docker)

    @property
    def program(self) -> str:
        """Return the client and its version. Raises `Unreachable` where it is not on this machine."""
        if self._docker is None:
            raise Unreachable("there is no docker on the PATH", where="docker")
        with private_folder() as folder:
            told = ask((str(self._docker), "--version"), folder).stdout.decode("ascii", "replace")
        version = re.search(r"\d+\.\d+\.\d+", told)
        return f"docker {version[0] if version else 'of no known version'}"

    def read(self, files: Sequence[str]) -> list[Reading]:
        """Read each text as a file of its own. Raises `Unreachable` where the client does not answer."""
        if self._docker is None:
            raise Unreachable("there is no docker on the PATH", where="docker")
        found: list[Reading] = []
        for start in range(0, len(files), _BATCH):
            found += self._batch(files[start : start + _BATCH])
        return found

    def _batch(self, files: Sequence[str]) -> list[Reading]:
        from slipway.engines.readers.listening import listening

        with private_folder() as folder, listening(folder) as told:
            mark = f"SLIPWAY_{secrets.token_hex(16)}"  # no file can know it
            for index, text in enumerate(["", *files]):
                write(folder / f"{index}.env", text)
                write(folder / f"{index}.mark", f"{mark}={index}\n")

            def together(indexes: Sequence[int]) -> list[Reading] | None:
                told.clear()
                words = [f"--env-file={index}.{kind}" for index in indexes for kind in ("mark", "env")]
                environment = {"DOCKER_HOST": f"unix://{folder}/engine", "DOCKER_CONFIG": str(folder)}
                ask((str(self._docker), "create", *words, "none"), folder, environment=environment)
                return _cases(told[-1], indexes, mark) if told else None

            if together([0]) is None:
                raise Unreachable("docker does not read an empty file", where="docker")
            return in_halves(range(1, len(files) + 1), together)


def _cases(variables: list[str], indexes: Sequence[int], mark: str) -> list[Reading]:
    found: dict[int, dict[str, str]] = {index: {} for index in indexes}
    case = indexes[0]
    for variable in variables:
        name, _, value = variable.partition("=")
        if name == mark:
            case = int(value)
        else:
            found[case][name] = value
    return [Reading(found[index]) for index in indexes]
