"""Before a check is asked, a sign of life is looked for, which costs the starting service nothing."""

from types import SimpleNamespace
from typing import Any

import pytest

from slipway.config.workspace import Role, Service
from slipway.rehearsal.stage.asking import await_sign


class Shell:
    """A container's shell in which a command succeeds from its `at`-th run on."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.asked: list[str] = []

    def run(self, command: str) -> SimpleNamespace:
        self.asked.append(command)
        return SimpleNamespace(rc=int(len(self.asked) < self.at))


def looked(shell: Shell, *, ends_after: int = 1000) -> list[str]:
    services = {
        "api": Service(role=Role.WEB, image="backend", port=8000),
        "beat": Service(role=Role.BEAT, image="backend"),
    }
    scene: Any = SimpleNamespace(workspace=SimpleNamespace(services=services))
    hosts: Any = SimpleNamespace(user=shell)
    await_sign(scene, "api", hosts, lambda _: len(shell.asked) >= ends_after)
    return shell.asked


def test_an_open_port_is_a_sign_and_ends_the_wait() -> None:
    asked = looked(Shell(at=3))
    assert len(asked) == 3
    assert ":1F40 " in asked[0]


@pytest.mark.parametrize(("ends_after", "looks"), [(1, 1), (1000, 20)])
def test_who_gives_no_sign_is_asked_all_the_same_after_a_while(ends_after: int, looks: int) -> None:
    assert len(looked(Shell(at=1000), ends_after=ends_after)) == looks


def test_a_port_counts_once_somebody_listens_to_it() -> None:
    """What the pattern is looked for in: lines of /proc/net/tcp (proc(5)); 0A is LISTEN, 01 is ESTABLISHED."""
    import re

    pattern = looked(Shell(at=1))[0].split("'")[1]
    listening = "  0: 00000000:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000 10001 0 1"
    wide = f"  0: {'0' * 32}:1F40 {'0' * 32}:0000 0A 00000000:00000000"
    connected = "  1: 0100007F:1F40 0100007F:C350 01 00000000:00000000"
    client = "  1: 0100007F:C350 0100007F:1F40 01 00000000:00000000"
    assert [bool(re.search(pattern, line)) for line in (listening, wide, connected, client)] == [
        True,
        True,
        False,
        False,
    ]
