import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.config.health import HealthContract


def test_the_default_holds() -> None:
    assert HealthContract().problems() == ()


@pytest.mark.parametrize(
    ("contract", "words"),
    [
        (HealthContract(drain=13), "drain 13 s is shorter than the 14 s"),
        (HealthContract(interval=5), "shorter than the 29 s"),
        (HealthContract(retries=5), "shorter than the 16 s"),
        (HealthContract(grace=14), "does not fit into the stop grace period of 14 s"),
        (HealthContract(interval=0), "interval is 0, must be at least 1"),
        (HealthContract(drain=44), "drain 44 s does not fit into the stop grace period of 45 s, the last 3 s"),
        (HealthContract(drain=42), "does not fit into the stop grace period of 45 s"),
        (HealthContract(grace=17), "drain 14 s does not fit into the stop grace period of 17 s"),
        (HealthContract(timeout=0), "timeout is 0 s, must be 5 to 10 s"),
        (HealthContract(timeout=4), "the image's own check gives up after 4 s"),
        (HealthContract(timeout=300), "timeout is 300 s, must be 5 to 10 s"),
        (HealthContract(retries=-1), "retries is -1"),
        (HealthContract(start_period=-1), "start_period is -1 s"),
    ],
)
def test_a_set_that_loses_requests_is_named(contract: HealthContract, words: str) -> None:
    assert any(words in problem for problem in contract.problems())


@given(st.integers(1, 60), st.integers(1, 20), st.integers(0, 10))
def test_the_drain_that_is_asked_for_is_enough(interval: int, retries: int, margin: int) -> None:
    drain = (retries + 1) * interval + 2 + margin
    held = HealthContract(interval, 5, retries, 10, drain, drain + 4, margin)
    assert held.problems() == ()
    assert HealthContract(interval, 5, retries, 10, drain - 1, drain + 4, margin).problems()
