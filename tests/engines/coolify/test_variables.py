from typing import Any

import pytest

from slipway.engines.coolify.variables import read_variables
from slipway.errors import Refused, UsageError
from slipway.secret import Secret
from tests.engines.coolify.wire import Wire, problem

ENVS = ("GET", "/applications/a1/envs")
BULK = ("PATCH", "/applications/a1/envs/bulk")
FLAGS = {
    "is_preview": False,
    "is_literal": True,
    "is_multiline": False,
    "is_shown_once": False,
    "is_runtime": True,
    "is_buildtime": False,
}


def row(key: str, value: str | None, **more: Any) -> dict[str, Any]:
    return {"uuid": f"u-{key.lower()}", "key": key, "value": value, "real_value": f"'{value}'", **FLAGS, **more}


def twin(key: str, value: str) -> dict[str, Any]:
    return row(key, value, is_preview=True, uuid=f"twin-{key.lower()}")


def test_all_unfit_variables_are_named_at_once_before_anything_is_sent_and_no_value_is_shown() -> None:
    wire = Wire()
    with wire.client() as coolify, pytest.raises(UsageError) as caught:
        coolify.set_variables("a1", {"GOOD": "x", "QUOTED": Secret("sup\\'er-secret\\"), "EMPTY": ""})
    assert [line.partition(":")[0] for line in caught.value.details] == ["EMPTY", "QUOTED"]
    assert "er-secret" not in str(caught.value)
    assert wire.sent == []


def test_only_what_differs_is_sent_with_every_flag_and_read_back() -> None:
    before = [row("SAME", "1"), row("OLD", "1"), row("NOT_LITERAL", "x", is_literal=False), twin("OLD", "1")]
    after = [row("SAME", "1"), row("OLD", "2"), row("NOT_LITERAL", "x"), row("PEM", "a\nb", is_multiline=True)]
    wire = Wire().on(*ENVS, before, after).on(*BULK, [])
    with wire.client() as coolify:
        changed = coolify.set_variables(
            "a1", {"SAME": "1", "OLD": Secret("2"), "NOT_LITERAL": "x", "PEM": Secret("a\nb")}
        )
    assert changed == ("NOT_LITERAL", "OLD", "PEM")
    assert wire.bodies(*BULK) == [
        {
            "data": [
                {"key": "NOT_LITERAL", "value": "x", **FLAGS},
                {"key": "OLD", "value": "2", **FLAGS},
                {"key": "PEM", "value": "a\nb", **FLAGS, "is_multiline": True},
            ]
        }
    ]


def test_a_value_that_needs_another_text_is_stored_as_that_and_read_back_as_it_was_meant() -> None:
    meant: dict[str, str | Secret] = {"QUOTE": Secret("it's"), "JSON": '{"a": "$b #c"}'}
    stored = [row("JSON", '{"a": "$$b\\u0020#c"}'), row("QUOTE", "it\\'s")]
    wire = Wire().on(*ENVS, [], stored, stored, stored).on(*BULK, [])
    with wire.client() as coolify:
        assert coolify.set_variables("a1", meant) == ("JSON", "QUOTE")
        assert [item["value"] for item in wire.bodies(*BULK)[0]["data"]] == [item["value"] for item in stored]
        assert coolify.set_variables("a1", meant) == ()
        assert read_variables(coolify._api, "a1") == {"QUOTE": "it's", "JSON": '{"a": "$b #c"}'}


def test_what_is_so_already_sends_nothing() -> None:
    wire = Wire().on(*ENVS, [row("A", "1"), twin("A", "old"), twin("ONLY_PREVIEW", "x")])
    with wire.client() as coolify:
        assert coolify.set_variables("a1", {"A": "1"}) == ()
    assert wire.changes() == []


def test_what_is_no_longer_wanted_goes_with_its_twin_and_foreign_previews_stay() -> None:
    before = [row("GONE", "1"), row("A", "1"), twin("GONE", "1"), twin("A", "1"), twin("ONLY_PREVIEW", "x")]
    wire = Wire().on(*ENVS, before, [row("A", "1"), twin("A", "1")])
    for uuid in ("u-gone", "twin-gone"):
        wire.on("DELETE", f"/applications/a1/envs/{uuid}", {"message": "Environment variable deleted."})
    with wire.client() as coolify:
        assert coolify.set_variables("a1", {"A": "1"}) == ("GONE",)
    assert [path.rpartition("/")[2] for _, path in wire.changes()] == ["u-gone", "twin-gone"]


def test_a_list_given_as_an_object_is_read() -> None:
    wire = Wire().on(*ENVS, {"1": row("A", "1"), "0": row("B", "2")})
    with wire.client() as coolify:
        assert coolify.set_variables("a1", {"A": "1", "B": "2"}) == ()


def test_a_token_that_may_not_read_values_changes_nothing() -> None:
    hidden = {key: value for key, value in row("A", "1").items() if key not in {"value", "real_value"}}
    wire = Wire().on(*ENVS, [hidden])
    with wire.client() as coolify, pytest.raises(UsageError, match="read:sensitive"):
        coolify.set_variables("a1", {"A": "2"})
    assert wire.changes() == []


def test_a_value_locked_in_the_ui_is_written_again() -> None:
    locked = {
        key: value for key, value in row("A", "1", is_shown_once=True).items() if key not in {"value", "real_value"}
    }
    wire = Wire().on(*ENVS, [locked], [row("A", "1")]).on(*BULK, [])
    with wire.client() as coolify:
        assert coolify.set_variables("a1", {"A": "1"}) == ("A",)


@pytest.mark.parametrize(
    ("after", "line"),
    [
        ([row("A", "trimmed")], "A: the value is not what was sent"),
        ([row("A", "new", is_literal=False)], "A: is_literal is not what was sent"),
        ([], "A: is missing"),
        ([row("A", "new"), row("B", "x")], "B: is still there"),
    ],
)
def test_variables_that_read_back_otherwise_are_refused(after: list[Any], line: str) -> None:
    wire = Wire().on(*ENVS, [], after).on(*BULK, [])
    with wire.client() as coolify, pytest.raises(Refused) as caught:
        coolify.set_variables("a1", {"A": "new"})
    assert caught.value.details == (line,)


def test_a_secret_that_coolify_repeats_in_an_error_is_masked() -> None:
    wire = (
        Wire().on(*ENVS, []).on(*BULK, problem(422, "Validation failed.", errors={"value": ["hunter2-hunter2 is odd"]}))
    )
    with wire.client() as coolify, pytest.raises(UsageError) as caught:
        coolify.set_variables("a1", {"A": Secret("hunter2-hunter2")})
    assert "hunter2" not in str(caught.value)
    assert "[secret] is odd" in str(caught.value)
