from typing import cast

import pytest

from slipway.errors import UsageError
from slipway.plans.backup import plan_proof
from slipway.ports import BackupStore
from slipway.testing import FakeShell


@pytest.mark.parametrize("name", ["", "../x", "20260102T030405Z-", "20260102T030405Z-a/../../etc", "latest"])
def test_what_is_no_backup_id_never_becomes_a_folder_on_the_host(name: str) -> None:
    shell = FakeShell()

    with pytest.raises(UsageError) as error:
        plan_proof(backup=name, shell=shell, store=cast("BackupStore", None))

    assert "db.backups" in error.value.hint


def test_a_proof_is_one_step() -> None:
    plan = plan_proof(backup="20260102T030405Z-postgres", shell=FakeShell(), store=cast("BackupStore", None))

    assert [step.name for step in plan.steps] == ["prove"]
