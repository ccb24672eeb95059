"""Plain classes take, refuse and describe what pydantic's own would, and nothing of pydantic is loaded before that."""

import pickle
import subprocess
import sys
from typing import Annotated

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.config import lazily


def shout(value: str) -> str:
    if "!" in value:
        raise ValueError("must not shout")
    return value.lower()


def number(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


LazyName = Annotated[str, lazily.Field(pattern=r"^[a-z]+$")]
RealName = Annotated[str, pydantic.Field(pattern=r"^[a-z]+$")]


class LazyInner(lazily.BaseModel):
    """What lies inside."""

    model_config = lazily.ConfigDict(frozen=True, extra="forbid")
    name: LazyName
    word: Annotated[str, lazily.BeforeValidator(number), lazily.AfterValidator(shout)] = "quiet"


class LazyOuter(lazily.BaseModel):
    """What it lies in."""

    model_config = lazily.ConfigDict(frozen=True, extra="forbid")
    inner: LazyInner
    more: dict[LazyName, LazyInner] = lazily.Field(default_factory=dict)
    count: int | None = lazily.Field(default=None, ge=1, description="How many.")
    several: tuple[LazyInner, ...] = ()

    @lazily.model_validator(mode="after")
    def _agree(self) -> "LazyOuter":
        if self.count == 7:
            raise ValueError("count: must not be seven")
        return self


class RealInner(pydantic.BaseModel):
    """What lies inside."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")
    name: RealName
    word: Annotated[str, pydantic.BeforeValidator(number), pydantic.AfterValidator(shout)] = "quiet"


class RealOuter(pydantic.BaseModel):
    """What it lies in."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")
    inner: RealInner
    more: dict[RealName, RealInner] = pydantic.Field(default_factory=dict)
    count: int | None = pydantic.Field(default=None, ge=1, description="How many.")
    several: tuple[RealInner, ...] = ()

    @pydantic.model_validator(mode="after")
    def _agree(self) -> "RealOuter":
        if self.count == 7:
            raise ValueError("count: must not be seven")
        return self


words = st.sampled_from(["a", "name", "UPPER", "shout!", "", "1"])
scalars = st.none() | st.booleans() | st.integers(-2, 9) | words
inners = st.dictionaries(st.sampled_from(["name", "word", "other"]), scalars, max_size=3) | scalars
outers = st.fixed_dictionaries(
    {"inner": inners},
    optional={
        "more": st.dictionaries(words, inners, max_size=2),
        "count": scalars,
        "several": st.lists(inners, max_size=2),
        "other": scalars,
    },
)


def said(model: type[pydantic.BaseModel], data: object) -> str:
    """Return the values, or every complaint with its place."""
    try:
        found = model.model_validate(data)
    except pydantic.ValidationError as error:
        told = [(one["type"], one["loc"], one["msg"]) for one in error.errors(include_url=False)]
        return repr(told).replace("Lazy", "Real")
    return repr(found).replace("Lazy", "Real")


@given(outers | scalars)
def test_it_takes_and_refuses_the_same_with_the_same_words_at_the_same_place(data: object) -> None:
    assert said(LazyOuter, data) == said(RealOuter, data)


def test_it_describes_itself_the_same() -> None:
    described = str(LazyOuter.model_json_schema()).replace("Lazy", "Real")
    assert described == str(RealOuter.model_json_schema())


def test_a_waiting_field_counts_in_a_real_model_as_well() -> None:
    class Mixed(pydantic.BaseModel):
        name: LazyName
        both: Annotated[str, lazily.AfterValidator(shout), lazily.Field(pattern=r"^\S+$")] = "x"
        inner: LazyInner | None = None

    assert Mixed(name="a", inner={"name": "b"}).inner == LazyInner(name="b")  # type: ignore[arg-type]
    for wrong in ({"name": "A"}, {"name": "a", "both": "a b"}, {"name": "a", "inner": {"name": "B"}}):
        with pytest.raises(pydantic.ValidationError):
            Mixed.model_validate(wrong)


def test_values_are_frozen_compared_copied_and_pickled() -> None:
    one = LazyOuter.model_validate({"inner": {"name": "a"}, "count": 2})
    assert one == LazyOuter(inner=LazyInner(name="a"), count=2)
    assert hash(one.inner) == hash(LazyInner(name="a"))
    assert one.model_copy(update={"count": 3}).count == 3
    assert one.model_fields_set == {"inner", "count"}
    assert pickle.loads(pickle.dumps(one)) == one
    with pytest.raises(AttributeError):
        one.count = 3  # type: ignore[misc]


def test_reading_the_models_loads_nothing_of_pydantic() -> None:
    code = (
        "import sys, slipway.checks.environment as e; "
        "print([m for m in sys.modules if m.partition('.')[0] in ('pydantic', 'pydantic_core', 'yaml', 'rich')])"
    )
    done = subprocess.run((sys.executable, "-c", code), capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
