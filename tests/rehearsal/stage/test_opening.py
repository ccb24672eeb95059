"""Beat starts when the table of its schedule is there: not before, and not never."""

import threading
from types import SimpleNamespace
from typing import Any

import pytest

from slipway.config.workspace import Engine
from slipway.rehearsal.stage import opening
from slipway.rehearsal.stage.opening import Opening


def opened(codes: list[int], asked: list[list[str]]) -> Opening:
    def ask(command: list[str]) -> tuple[int, bytes]:
        asked.append(command)
        return codes[min(len(asked), len(codes)) - 1], b""

    databases = {"db": SimpleNamespace(engine=Engine.POSTGRESQL), "redis": SimpleNamespace(engine=Engine.REDIS)}
    containers = {"db": SimpleNamespace(exec_run=ask)}
    scene: Any = SimpleNamespace(workspace=SimpleNamespace(databases=databases), container=containers.__getitem__)
    return Opening(scene, {}, lambda *_: {})


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "_GLANCE", 0.001)


def test_the_wait_ends_when_the_table_is_there() -> None:
    asked: list[list[str]] = []
    opened([1, 1, 0], asked).await_table("ticks", threading.Event())
    assert len(asked) == 3
    assert "to_regclass('ticks')" in asked[0][-1]


def test_it_ends_with_the_migrations_where_the_table_never_comes() -> None:
    asked: list[list[str]] = []
    ended = threading.Event()
    threading.Timer(0.05, ended.set).start()
    opened([1], asked).await_table("ticks", ended)
    assert ended.is_set()
    assert asked
