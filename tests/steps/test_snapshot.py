"""How a database's facts are read, and what a host's refusals mean."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from slipway.config.workspace import Engine
from slipway.errors import Refused, SlipwayError, Unreachable, UsageError
from slipway.plans.backup import plan_backup
from slipway.release.desired import DesiredDatabase
from slipway.secret import Secret
from slipway.steps import backup_scripts as scripts
from slipway.steps.database import Dump, Prove
from slipway.steps.snapshot import read_facts
from slipway.testing import FakeShell, Lines
from tests.engines.host.test_state import BACKUP

DATABASE = DesiredDatabase("postgres", Engine.POSTGRESQL, "unused", Secret("throwaway-1"))
WHEN = datetime(2026, 1, 2, tzinfo=UTC)


class Store:
    """Backups in memory."""

    def __init__(self) -> None:
        self.kept = {BACKUP.id: BACKUP}

    def backup_folder(self, backup_id: str) -> str:
        return f"/state/backups/{backup_id}"

    def backups(self) -> tuple[object, ...]:
        return tuple(self.kept.values())

    def keep_backup(self, backup: object) -> None:
        raise AssertionError("nothing may be kept")


def test_facts_are_read_and_other_lines_are_kept_apart() -> None:
    facts, client, others = read_facts(
        [
            'slipway ["server", "15.1", 0]',
            'slipway ["rows", "public.a \\"b\\"\\n", 3]',
            "pg_dump: warning: circular foreign keys",
            'slipway ["objects", "indexes", 2]',
            'slipway ["behind", "public.z", 1]',
            'slipway ["behind", "public.a", 1]',
            'slipway ["client", "pg_dump 15.1", 0]',
        ]
    )
    assert facts.rows == {'public.a "b"\n': 3}
    assert (facts.objects, facts.behind, facts.server) == ({"indexes": 2}, ("public.a", "public.z"), "15.1")
    assert client == "pg_dump 15.1"
    assert others == ("pg_dump: warning: circular foreign keys",)


@pytest.mark.parametrize("line", ['slipway ["rows", "public.a', "slipway ", "slipway [1]", 'slipway {"a": 1}'])
def test_an_answer_that_was_cut_is_no_fact(line: str) -> None:
    with pytest.raises(Refused, match="was cut"):
        read_facts([line])


def test_no_word_of_a_backup_holds_the_password() -> None:
    shell = FakeShell({"sh -c": (1, "no")})
    plan = plan_backup(environment="e", database=DATABASE, container="c", shell=shell, store=Store(), now=WHEN)  # type: ignore[arg-type]
    assert [line.split(":")[0] for line in plan.describe()] == ["backup", "prove"]
    with pytest.raises(Refused):
        plan.steps[0].run(Lines())
    assert not any("throwaway-1" in command.line() for command in shell.commands)


@pytest.mark.parametrize(
    ("said", "code", "kind"),
    [
        ("write /dev/stdout: no space left on device", 1, Refused),
        ("sh: write error: No space left on device", 1, Refused),
        ("Error: No such container: c", 1, Refused),
        ("container c does not run", scripts.ABSENT, Refused),
        ("mkdir: cannot create directory: Permission denied", 1, UsageError),
        ("Got permission denied while trying to connect to the Docker daemon socket", 1, UsageError),
        ("Cannot connect to the Docker daemon at unix:///var/run/docker.sock.", 1, Unreachable),
        ("sh: 1: docker: not found", 127, Unreachable),
        ("pg_dump: error: query failed", 3, Refused),
        ("", 1, Refused),
    ],
)
@pytest.mark.parametrize("act", ["dump", "prove"])
def test_what_a_host_refuses_is_said_with_its_place(said: str, code: int, kind: type[SlipwayError], act: str) -> None:
    shell = FakeShell({"sh -c": (code, said)})
    steps: dict[str, Callable[[], object]] = {
        "dump": lambda: Dump(shell, Store(), "e", DATABASE, "c", BACKUP.id).run(Lines()),  # type: ignore[arg-type]
        "prove": lambda: Prove(shell, Store(), BACKUP.id).run(Lines()),  # type: ignore[arg-type]
    }
    with pytest.raises(kind) as raised:
        steps[act]()
    assert raised.value.where == f"{shell.place}:/state/backups/{BACKUP.id}"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (scripts.DAMAGED, "changed or damaged"),
        (scripts.NO_SERVER, "did not start"),
        (scripts.NO_ROLES, "roles of the backup"),
        (scripts.NO_RESTORE, "cannot be restored"),
        (scripts.NO_FACTS, "cannot be read"),
    ],
)
def test_each_end_of_a_proof_has_its_own_message(code: int, said: str) -> None:
    shell = FakeShell({"sh -c": (code, "the reason")})
    with pytest.raises(Refused, match=said) as raised:
        Prove(shell, Store(), BACKUP.id).run(Lines())  # type: ignore[arg-type]
    assert raised.value.details == ("the reason",)


def test_a_server_that_could_not_be_removed_is_named() -> None:
    told = Lines()
    shell = FakeShell({"sh -c": (scripts.NO_RESTORE, "slipway-left slipway-proof-x")})
    with pytest.raises(Refused):
        Prove(shell, Store(), BACKUP.id).run(told)  # type: ignore[arg-type]
    assert told.lines == ["left on the host, remove it by hand: docker rm -f -v slipway-proof-x"]
