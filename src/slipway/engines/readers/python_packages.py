"""Readers that are Python packages: python-dotenv, django-environ, python-decouple."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from slipway.config.env_readers import Reader, Reading
from slipway.engines.readers.asking import ask, private_folder, stamp
from slipway.errors import Unreachable

_CHILD = Path(__file__).with_name("python_child.py")


class PythonPackage:
    """Port `EnvReader` of one package, in this interpreter's environment or in the folder `packages`."""

    def __init__(self, reader: Reader, packages: Path) -> None:
        """Name the package; `packages` is where `pip install --target` may have put it."""
        self.reader = reader
        self._packages = packages

    @property
    def stamp(self) -> str:
        """What changes when the package does: the times of its metadata's folder, looked for without importing much."""
        name = self.reader.value.replace("-", "[_-]")
        folders = [Path(entry) for entry in (*sys.path, str(self._packages)) if entry]
        found = [one for folder in folders if folder.is_dir() for one in folder.glob(f"{name}-*.dist-info")]
        return " ".join(stamp(one / "METADATA") for one in found) or "none"

    @property
    def program(self) -> str:
        """Return the package and its version. Raises `Unreachable` where it is not installed."""
        from importlib.metadata import distributions

        found = next(iter(distributions(name=self.reader.value, path=[*sys.path, str(self._packages)])), None)
        if found is None:
            raise Unreachable(f"the package {self.reader} is not installed", where=str(self.reader))
        return f"{self.reader} {found.version}"

    def read(self, files: Sequence[str]) -> list[Reading]:
        """Read each text as a file of its own. Raises `Unreachable` where the package does not answer."""
        program = self.program
        with private_folder() as folder:
            done = ask(
                (sys.executable, "-I", str(_CHILD), self.reader.value, str(self._packages)),
                folder,
                stdin=json.dumps(list(files)).encode(),
                environment={"TMPDIR": str(folder)},
            )
        try:
            readings = json.loads(done.stdout)["readings"]
        except (ValueError, KeyError, TypeError):
            readings = []
        if not isinstance(readings, list) or len(readings) != len(files):
            raise Unreachable(f"{program} gave no answer, exit code {done.returncode}", where=program) from None
        return [Reading(found) if isinstance(found, dict) else Reading(None, f"raises {found}") for found in readings]
