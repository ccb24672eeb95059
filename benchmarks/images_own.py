"""Slipway's images of the same monorepo, by whole processes of its own tasks."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import docker
from figures import ROOT

_INV = (sys.executable, "-m", "invoke", "--search-root", str(ROOT))


class Own:
    """The five images of a copy of the monorepo; `document` is what the last build said."""

    def __init__(self, source: Path) -> None:
        self.source = source
        self.document: dict[str, Any] = {}

    def build(self, *more: str) -> float:
        """Run `inv build.all` with more words; return seconds of the whole process."""
        seconds, self.document = self._task("build.all", *more)
        return seconds

    def check(self) -> tuple[float, bool]:
        """Run `inv check.images`; return seconds of the whole process and its answer."""
        seconds, document = self._task("check.images")
        return seconds, bool(document["ok"])

    def image(self, name: str) -> str:
        """Return the id of an image of the last build."""
        return str(self.document["images"][name]["id"])

    @staticmethod
    def prune() -> None:
        """Empty the engine's build cache, package caches included."""
        client = docker.from_env(timeout=600).api
        client.post(f"{client.base_url}/v{client.api_version}/build/prune", params={"all": "true"}).raise_for_status()

    def _task(self, name: str, *more: str) -> tuple[float, dict[str, Any]]:
        words = (*_INV, name, "--source", str(self.source), "--format", "json", *more)
        begin = time.monotonic()
        ran = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=False)
        seconds = time.monotonic() - begin
        document = json.loads(ran.stdout)
        if "error" in document:
            raise SystemExit(f"{name}: {document['error']}")
        return seconds, document
