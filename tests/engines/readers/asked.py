"""The readers that every machine with this checkout's environment has, and the corpus they are asked about."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from slipway.config.env_readers import Reader
from slipway.engines.readers.machine import machine_readers
from slipway.ports import EnvReader

CASES = Path(__file__).resolve().parents[2] / "cases" / "env_lines.yaml"
EVERYWHERE = (Reader.PYTHON_DOTENV, Reader.DJANGO_ENVIRON, Reader.NODE, Reader.BASH)


@cache
def readers() -> dict[Reader, EnvReader]:
    found = machine_readers(Path("nowhere"))
    return {reader: found[reader] for reader in EVERYWHERE}


@cache
def corpus() -> list[dict[str, Any]]:
    return list(yaml.safe_load(CASES.read_text("utf-8")))
