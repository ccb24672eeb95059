"""Bringing readers that this machine lacks into a folder, by its own clients: apt for Compose, pip, npm."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from slipway.config.env_readers import Reader
from slipway.engines.readers.machine import npm_folder
from slipway.errors import Unreachable

_SECONDS = 600.0


def fetch(reader: Reader, tools: Path, compose_script: Path, package: str = "") -> bool:
    """Put `reader` below `tools`; return False where it is none that can be fetched (bash, node, docker).

    `compose_script` leaves Compose in the folder it is given; `package` is what npm is asked for (`vite@^5.0.0`), whose
    newest version is the default. No package's scripts are run. Raises `Unreachable` where a client is missing or says
    no.
    """
    package = package or ("vite" if reader is Reader.VITE else "dotenv")
    into = npm_folder(tools, package)
    npm = ("npm", "install", "--prefix", str(into), "--ignore-scripts", "--no-audit", "--no-fund", "--no-save")
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--upgrade")
    commands: dict[Reader, Sequence[str]] = {
        Reader.COMPOSE: ("sh", str(compose_script), str(tools)),
        Reader.DECOUPLE: (*pip, "--target", str(tools / "python"), "python-decouple"),
        Reader.NODE_DOTENV: (*npm, package),
        Reader.VITE: (*npm, package),
    }
    if reader not in commands:
        return False
    argv = commands[reader]
    if shutil.which(argv[0]) is None:
        raise Unreachable(f"`{argv[0]}` is not on the PATH", where=str(reader), hint="install it, or do without")
    (into if argv[0] == "npm" else tools).mkdir(parents=True, exist_ok=True)
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        raise Unreachable(f"`{argv[0]}` did not end within {_SECONDS:g} s", where=str(reader)) from None
    if done.returncode != 0:
        tail = tuple((done.stderr or done.stdout).strip().splitlines()[-4:])
        raise Unreachable(f"`{argv[0]}` answered {done.returncode}", where=str(reader), hint="", details=tail)
    return True
