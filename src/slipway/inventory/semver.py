"""npm's version ranges, as advisories write them: `>=1.0.0 <1.2.3 || =2.0.0`."""

import re

_VERSION = re.compile(r"v?(\d{1,15})\.(\d{1,15})\.(\d{1,15})(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?")
_COMPARATOR = re.compile(r"(<=|>=|<|>|=)?\s*([^\s<>=]+)")

Key = tuple[int, int, int, tuple[tuple[int, int, str], ...]]


def key(version: str) -> Key | None:
    """Return what semver.org orders versions by, None for something else."""
    match = _VERSION.fullmatch(version.strip())
    if not match:
        return None
    before = tuple(
        (0, int(part), "") if part.isdecimal() else (1, 0, part) for part in (match[4] or "").split(".") if part
    )
    return int(match[1]), int(match[2]), int(match[3]), before or ((2, 0, ""),)


def affecting(version: str, affected: str) -> str | None:
    """Return the part of the range `affected` that holds `version`, None where none does.

    What cannot be read counts as holding it: a finding too many is looked at, one too few is not.
    """
    for clause in affected.split("||"):
        if _holds(version, clause.strip()):
            return clause.strip()
    return None


def fixed_by(clause: str) -> str:
    """Return the first version above a part of a range, "" where it has no end."""
    ends = [word for sign, word in _COMPARATOR.findall(clause) if sign == "<" and key(word)]
    return ends[0] if ends else ""


def _holds(version: str, clause: str) -> bool:
    ours = key(version)
    if ours is None or clause in {"", "*"}:
        return True
    comparators = _COMPARATOR.findall(clause)
    if ("", "-") in comparators:
        return True  # `1.0.0 - 2.0.0`: advisories are not written so
    for sign, word in comparators:
        other = key(word)
        if other is None:
            continue
        fits = {
            "<": ours < other,
            "<=": ours <= other,
            ">": ours > other,
            ">=": ours >= other,
        }.get(sign, ours == other)
        if not fits:
            return False
    return True
