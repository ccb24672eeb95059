"""A backup's manifest, and what counts as the same."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.release.backup import Backup, Facts, Proof, backup_id, checked_id

FACTS = Facts({"public.a": 3, "public.b": 0}, {"tables": 2, "indexes": 1}, ("public.odd_seq",), "15.1")
BACKUP = Backup(
    "20260102T030405Z-postgres",
    "production",
    "postgres",
    datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    "uuid",
    "sha256:1",
    "pg_dump 15.1",
    5,
    "a" * 64,
    "b" * 64,
    FACTS,
)
PROOF = Proof(datetime(2026, 1, 2, 4, tzinfo=UTC), 1.5, 2, 3)


@pytest.mark.parametrize("backup", [BACKUP, BACKUP.proved(PROOF), replace(BACKUP, release="0.1.0-abc")])
def test_a_manifest_comes_back_as_it_was(backup: Backup) -> None:
    assert Backup.from_json(backup.to_json()) == backup


@given(st.dictionaries(st.text(), st.integers(0, 2**62), max_size=5))
def test_any_table_name_comes_back(rows: dict[str, int]) -> None:
    backup = replace(BACKUP, facts=replace(FACTS, rows=rows))
    assert Backup.from_json(backup.to_json()) == backup


def test_only_a_proof_makes_it_proved() -> None:
    assert not BACKUP.is_proved
    assert BACKUP.proved(PROOF).is_proved


@pytest.mark.parametrize("field", ["id", "source", "rows", "proof", "sha256", "created", "sequences_behind"])
def test_a_manifest_without_a_field_is_none(field: str) -> None:
    data = json.loads(BACKUP.to_json())
    del data[field]
    with pytest.raises(ValueError, match="not a backup's manifest"):
        Backup.from_json(json.dumps(data))


@pytest.mark.parametrize(
    ("field", "value"), [("id", "../../etc"), ("created", "yesterday"), ("rows", []), ("size", "big"), ("proof", 1)]
)
def test_a_manifest_with_a_wrong_field_is_none(field: str, value: object) -> None:
    data = json.loads(BACKUP.to_json())
    data[field] = value
    with pytest.raises(ValueError, match="not a backup's manifest"):
        Backup.from_json(json.dumps(data))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "1"])
def test_something_else_is_no_manifest(text: str) -> None:
    with pytest.raises(ValueError, match="not a backup's manifest"):
        Backup.from_json(text)


def test_the_same_is_the_same() -> None:
    assert list(FACTS.differences(replace(FACTS, server="15.2"))) == []


@pytest.mark.parametrize(
    ("restored", "said"),
    [
        (
            replace(FACTS, rows={"public.a": 2, "public.b": 0}),
            "table public.a: 3 rows in the dump's snapshot, 2 rows restored",
        ),
        (replace(FACTS, rows={"public.a": 3}), "table public.b: 0 rows in the dump's snapshot, not there restored"),
        (replace(FACTS, rows={**FACTS.rows, "x.y": 1}), "table x.y: not there in the dump's snapshot, 1 rows restored"),
        (replace(FACTS, objects={"tables": 2}), "indexes: 1 in the dump's snapshot, 0 restored"),
        (replace(FACTS, behind=("public.odd_seq", "public.a_id_seq")), "sequence public.a_id_seq: behind its column"),
    ],
)
def test_every_kind_of_difference_is_named(restored: Facts, said: str) -> None:
    (line,) = FACTS.differences(restored)
    assert line.startswith(said)


def test_a_sequence_that_was_behind_before_is_no_difference() -> None:
    assert list(FACTS.differences(replace(FACTS, behind=()))) == []


def test_an_id_sorts_by_time_in_utc() -> None:
    east = timezone(timedelta(hours=5))
    assert backup_id("postgres", datetime(2026, 1, 2, 8, 4, 5, tzinfo=east)) == "20260102T030405Z-postgres"
    with pytest.raises(ValueError, match="no backup id"):
        backup_id("Postgres/..", datetime.now(UTC))
    with pytest.raises(ValueError, match="no backup id"):
        checked_id("20260102T030405Z-postgres\n")
