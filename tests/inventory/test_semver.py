import pytest

from slipway.inventory.semver import affecting, fixed_by


@pytest.mark.parametrize(
    ("version", "affected", "clause"),
    [
        ("1.2.2", ">=1.0.0 <1.2.3 || >=2.0.0 <2.1.0", ">=1.0.0 <1.2.3"),
        ("2.0.5", ">=1.0.0 <1.2.3 || >=2.0.0 <2.1.0", ">=2.0.0 <2.1.0"),
        ("1.2.3", ">=1.0.0 <1.2.3 || >=2.0.0 <2.1.0", None),
        ("1.2.3", "<=1.2.3", "<=1.2.3"),
        ("1.2.3", "1.2.3", "1.2.3"),
        ("1.2.4", "=1.2.3", None),
        ("1.2.4", "> 1.2.3", "> 1.2.3"),
        ("1.10.0", "<1.9.0", None),
        ("1.0.0-rc.2", "<1.0.0", "<1.0.0"),
        ("1.0.0-rc.10", ">1.0.0-rc.9", ">1.0.0-rc.9"),
        ("1.0.0-alpha", ">=1.0.0-1 <1.0.0", ">=1.0.0-1 <1.0.0"),
        ("5.0.0", "*", "*"),
        ("5.0.0", "", ""),
    ],
)
def test_a_version_is_in_a_range_or_not(version: str, affected: str, clause: str | None) -> None:
    assert affecting(version, affected) == clause


@pytest.mark.parametrize("affected", ["^1.0.0 rubbish", "1.0.0 - 2.0.0", "1.x", ">=next", "\x00"])
def test_what_cannot_be_read_counts_as_affected(affected: str) -> None:
    assert affecting("9.9.9", affected) is not None


def test_the_fix_is_the_end_of_the_range() -> None:
    assert fixed_by(">=1.0.0 <1.2.3") == "1.2.3"
    assert fixed_by("<=1.2.3") == ""
    assert fixed_by("*") == ""
