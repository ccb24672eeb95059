"""A guard before something that goes away and comes back; what is guarded is a switch."""

import os
import threading
import time

import pytest
from slipway_runtime.guard import Guard, address

from .conftest import eventually


class Gone(Exception):
    """The switch is off."""


class Switch:
    """Counts who asks it."""

    def __init__(self) -> None:
        self.on = True
        self.asked = self.pinged = 0
        self.slow = 0.0

    def ask(self) -> str:
        self.asked += 1
        time.sleep(self.slow)
        if not self.on:
            raise Gone
        return "answer"

    def ping(self) -> None:
        self.pinged += 1
        if not self.on:
            raise Gone


@pytest.fixture
def switch(monkeypatch: pytest.MonkeyPatch) -> Switch:
    monkeypatch.setattr("slipway_runtime.guard.EVERY", 0.05)
    return Switch()


def test_what_is_away_is_asked_once_and_asked_for_until_it_is_back(switch: Switch) -> None:
    guard = Guard("switch", switch.ping, (Gone,))
    assert guard.call(switch.ask, "nothing") == "answer"
    switch.on = False
    assert [guard.call(switch.ask, "nothing") for _ in range(50)] == ["nothing"] * 50
    assert switch.asked == 2
    state = guard.state()
    assert (state.degraded, state.outages) == (50, 1)
    assert state.away_for > 0
    eventually(lambda: switch.pinged >= 2, 3)
    assert guard.away
    switch.on = True
    eventually(lambda: not guard.away, 3)
    assert guard.call(switch.ask, "nothing") == "answer"
    assert guard.state().away_for == 0


def test_many_callers_at_once_wait_beside_each_other_and_one_looks_out(switch: Switch) -> None:
    switch.on, switch.slow = False, 0.2
    guard = Guard("switch", switch.ping, (Gone,))
    begin = time.monotonic()
    callers = [threading.Thread(target=guard.call, args=(switch.ask, None)) for _ in range(20)]
    for one in callers:
        one.start()
    for one in callers:
        one.join(5)
    assert time.monotonic() - begin < 1
    assert guard.state().outages == 1
    assert sum(thread.name == "slipway-guard-switch" for thread in threading.enumerate()) == 1
    switch.on = True
    eventually(lambda: not guard.away, 3)


def test_a_mistake_of_the_caller_is_no_outage(switch: Switch) -> None:
    guard = Guard("switch", switch.ping, (Gone,))
    with pytest.raises(TypeError):
        guard.call(lambda: "a" + 1, None)  # type: ignore[operator]
    assert not guard.away


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_child_asks_for_itself(switch: Switch) -> None:
    from slipway_runtime import guard as module

    guard = module.guard("forked switch", switch.ping, (Gone,))
    switch.on = False
    guard.call(switch.ask, None)
    assert guard.away
    child = os.fork()
    if child == 0:
        os._exit(int(module.guard("forked switch", switch.ping, (Gone,)).away))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert guard in module._guards.values()
    assert "forked switch" in [state.name for state in module.states()]
    switch.on = True
    eventually(lambda: not guard.away, 3)


def test_guards_of_one_server_tell_each_other(switch: Switch, monkeypatch: pytest.MonkeyPatch) -> None:
    from slipway_runtime import guard as module

    monkeypatch.setattr(module, "_guards", {})
    cache, limits, other = (
        module.guard(name, switch.ping, (Gone,), server)
        for name, server in (("cache", "redis:6379"), ("limits", "redis:6379"), ("other", "elsewhere:6379"))
    )
    switch.on = False
    assert cache.call(switch.ask, "nothing") == "nothing"
    assert (cache.away, limits.away, other.away) == (True, True, False)
    assert limits.call(switch.ask, "nothing") == "nothing"
    assert switch.asked == 1
    switch.on = True
    eventually(lambda: not cache.away and not limits.away, 3)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://user:hunter2@redis:6380/1", "redis:6380"),
        ("redis://redis", "redis:6379"),
        ("unix:///run/redis.sock?db=1", "/run/redis.sock"),
        ("redis://:pass@redis:port/0", "redis:6379"),
    ],
)
def test_an_address_is_told_without_a_password(url: str, shown: str) -> None:
    assert address(url) == shown
