"""What the workspace file says of known vulnerabilities: from which rating on they fail, which are let through."""

import difflib
import re
from datetime import date
from enum import StrEnum
from typing import Annotated

from slipway.config.lazily import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class FailFrom(StrEnum):
    """The lowest rating that makes `inv check.vulnerabilities` say no."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


def _known(value: object) -> object:
    words = [str(word) for word in FailFrom]
    if value in words:
        return value
    close = difflib.get_close_matches(str(value), words, 1)
    raise ValueError(f"must be one of {', '.join(words)}" + (f"; did you mean {close[0]}?" if close else ""))


def _day(value: object) -> object:
    # Pydantic would take a number for seconds since 1970, and its words are about datetimes.
    if not isinstance(value, date) and not (isinstance(value, str) and _DAY.fullmatch(value)):
        raise ValueError("must be a day, written as 2027-01-31")
    return value


Day = Annotated[date, BeforeValidator(_day)]
"""A day, written as 2027-01-31."""


def _words(value: str) -> str:
    if len(value.split()) < 2:
        raise ValueError("must say why in a few words: it is what the next person reads")
    return value.strip()


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Ignored(_Model):
    """A vulnerability that is let through `until` a day, that day included, for a `reason`.

    `id` is any of the advisory's names; without `package` it counts for every package.
    """

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.:+~_-]{2,199}$")]
    package: Annotated[str, Field(min_length=1)] | None = None
    until: Day
    reason: Annotated[str, AfterValidator(_words)]


class Vulnerabilities(_Model):
    """The policy of `inv check.vulnerabilities`."""

    fail_from: Annotated[FailFrom, BeforeValidator(_known)] = FailFrom.HIGH
    ignore: tuple[Ignored, ...] = ()
