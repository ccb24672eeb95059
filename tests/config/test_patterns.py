import time

from slipway.config import patterns
from slipway.config.kinds import Misfit
from slipway.config.schema import Constraints


def test_a_pattern_made_to_hang_is_matched_at_once() -> None:
    bounds = Constraints(pattern="(a+)+b")
    begin = time.perf_counter()
    assert bounds.pattern_misfit("a" * 4000) == Misfit("pattern", "does not match (a+)+b")
    assert bounds.pattern_misfit("a" * 4000 + "b") is None
    found = bounds.pattern_misfit("a" * 1_000_000)
    assert found is not None
    assert found.id == "long"
    assert time.perf_counter() - begin < 1


def test_the_costliest_pattern_that_is_let_in_takes_a_moment() -> None:
    pattern = "((a{0,70}){0,70})b"
    assert patterns.problem(pattern) is None
    begin = time.perf_counter()
    assert not patterns.matches(pattern, "a" * patterns.LONGEST_TEXT)
    assert time.perf_counter() - begin < 3
