"""The ground is taken away, all of it."""

import pytest

from tests.e2e.conftest import Standing
from tests.e2e.looks import FOLDER, Looks
from tests.e2e.person import Person

pytestmark = pytest.mark.rehearsal


def test_down_removes_everything_and_says_so(standing: Standing, person: Person, looks: Looks) -> None:
    there = looks.left()
    assert len(there) >= 4 + 2 + 7 + 2
    document = person.types("rehearse.down", "--format", "json").ended(0).document
    assert document["ok"] is True
    assert document["left"] == []
    assert document["removed"] >= len(there)
    assert looks.left() == []
    assert [file.name for file in FOLDER.iterdir()] == ["secrets.env"]


def test_without_a_ground_every_task_says_so(person: Person, looks: Looks) -> None:
    assert looks.left() == []
    for words in (("deploy.status",), ("deploy.history",), ("db.backups",), ("db.backup",), ("deploy.unlock",)):
        person.types(*words).ended(2).told("no rehearsal is standing", "./inv rehearse --keep")
    again = person.types("rehearse.down").ended(0)
    assert "0 removed, 0 left" in again.out
