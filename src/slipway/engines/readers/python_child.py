"""Run by its path in a process of its own: reads files of stdin (JSON) with the Python package named, answers JSON.

Nothing of Slipway is imported here, so that what answers is the package alone.
"""

import contextlib
import io
import json
import logging
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path


def python_dotenv(text: str) -> dict[str, str]:
    """Read as `load_dotenv` does."""
    from dotenv import dotenv_values

    return {name: value for name, value in dotenv_values(stream=io.StringIO(text)).items() if value is not None}


def django_environ(text: str) -> dict[str, str]:
    """Read as `Env.read_env` and `env(name)` do; a variable that `env` raises for is none."""
    from environ import Env

    Env.ENVIRON = {}
    with _file(text) as name:
        Env.read_env(name)
    found = {}
    for key in list(Env.ENVIRON):
        with contextlib.suppress(Exception):
            found[key] = str(Env()(key))
    return found


def python_decouple(text: str) -> dict[str, str]:
    """Read as `config` does from a `.env` file."""
    from decouple import RepositoryEnv

    with _file(text) as name:
        return dict(RepositoryEnv(name).data)


@contextlib.contextmanager
def _file(text: str) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:  # below TMPDIR, which the parent has made private
        file = Path(folder, ".env")
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(text.encode())
        yield str(file)


READERS: dict[str, Callable[[str], dict[str, str]]] = {
    "python-dotenv": python_dotenv,
    "django-environ": django_environ,
    "python-decouple": python_decouple,
}


def main() -> None:
    """Answer `{"version", "readings": [{name: value} or the name of an exception, ...]}`."""
    package, folder = sys.argv[1:]
    sys.path.append(folder)
    answers: list[dict[str, str] | str] = []
    logging.disable()
    for text in json.load(sys.stdin):
        try:
            answers.append(READERS[package](text))
        except ModuleNotFoundError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a package raises is its answer
            answers.append(type(error).__name__)
    json.dump({"version": version(package), "readings": answers}, sys.stdout)


if __name__ == "__main__":
    main()
