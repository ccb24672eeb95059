"""Types tasks in this process against a checkout of its own: what a command would say, for milliseconds."""

import copy
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from invoke import Program

import tasks

# Invoke takes a task's help away when it reads its options, so each run has a copy.
_NAMESPACE = copy.deepcopy(tasks.namespace)


@dataclass(frozen=True)
class Typed:
    """A command that came to its end."""

    words: str
    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        return self.out + self.err

    @property
    def document(self) -> Any:
        return json.loads(self.out)


@dataclass
class Desk:
    """Somebody in a checkout at `root`, on a machine whose engine does not answer."""

    root: Path
    capture: pytest.CaptureFixture[str]

    def types(self, words: str, *more: str) -> Typed:
        """Run a task to its end; an error that is not expected comes out of here with its traceback."""
        self.capture.readouterr()
        try:
            Program(namespace=copy.deepcopy(_NAMESPACE), version="0").run(["inv", *words.split(), *more])
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        shown = self.capture.readouterr()
        return Typed(words, code, shown.out, shown.err)

    def writes(self, name: str, text: str | bytes, mode: int = 0o600) -> Path:
        """Put a file below env/."""
        file = self.root / "env" / name
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        file.chmod(mode)
        return file
