import threading

import pytest

from slipway.errors import Refused
from slipway.ports import Say
from slipway.steps.together import Together
from slipway.testing import FakeStep


def test_independent_steps_run_at_the_same_time_and_their_observations_are_joined() -> None:
    meeting = threading.Barrier(2, timeout=10)

    def meet(_: Say) -> str:
        meeting.wait()
        return "met"

    observed = Together("both", (FakeStep("a", meet), FakeStep("b", meet))).run(lambda _: None)

    assert observed == "a: met; b: met"


def test_a_failure_is_raised_after_the_others_ended_and_what_began_is_taken_back() -> None:
    def refuse(_: Say) -> str:
        raise Refused("no")

    good, bad = FakeStep("good"), FakeStep("bad", refuse)
    both = Together("both", (good, bad))

    with pytest.raises(Refused, match="no"):
        both.run(lambda _: None)

    assert both.undo() is True
    assert (good.undone, bad.undone) == (1, 1)
