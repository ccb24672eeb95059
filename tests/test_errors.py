import pytest

from slipway.errors import PersonNeeded, Refused, SlipwayError, Unreachable, UsageError


@pytest.mark.parametrize(
    ("kind", "code"), [(SlipwayError, 1), (Refused, 1), (UsageError, 2), (Unreachable, 3), (PersonNeeded, 4)]
)
def test_each_kind_owns_its_exit_code(kind: type[SlipwayError], code: int) -> None:
    assert kind("x").exit_code == code
    assert issubclass(kind, SlipwayError)


def test_an_error_shows_where_what_details_and_the_way_out() -> None:
    error = UsageError("is no port", where="env/base.env:3", hint="give a number", details=("a", "b"))
    assert str(error) == "env/base.env:3: is no port\n  | a\n  | b\n  -> give a number"
    assert str(Refused("no")) == "no"
