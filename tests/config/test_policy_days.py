import pytest
from pydantic import ValidationError

from slipway.config.policy import Ignored


def ignored(until: object) -> Ignored:
    return Ignored.model_validate({"id": "CVE-2026-1", "until": until, "reason": "not used here"})


def test_a_day_is_read_as_written() -> None:
    assert str(ignored("2027-01-31").until) == "2027-01-31"


@pytest.mark.parametrize("until", ["someday", 20270131, 0, "20270131", "31.01.2027", "2027-01-31T00:00:00", "", None])
def test_what_is_no_day_is_told_how_one_is_written(until: object) -> None:
    with pytest.raises(ValidationError, match="2027-01-31"):
        ignored(until)


def test_a_day_that_no_calendar_has_is_refused() -> None:
    with pytest.raises(ValidationError):
        ignored("2027-02-30")
