"""The state folder, with real scripts on real files of this machine."""

import json
import os
import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from slipway.command import Command, Result
from slipway.engines.host.state import StateFolder
from slipway.engines.local_shell import LocalShell
from slipway.errors import PersonNeeded, Refused, Unreachable, UsageError
from slipway.release.backup import Backup, Facts, Proof
from slipway.release.image import Version
from slipway.release.release import Release
from slipway.secret import Secret
from tests.hosts import until

BACKUP = Backup(
    "20260102T030405Z-postgres",
    "rehearsal",
    "postgres",
    datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    "uuid",
    "sha256:1",
    "pg_dump (PostgreSQL) 15.1",
    5,
    "a" * 64,
    "b" * 64,
    Facts({"public.t": 3}, {"tables": 1}, (), "15.1"),
    "0.1.0-abc",
)


class AsNobody(LocalShell):
    """Runs commands with few rights, whoever runs the tests."""

    def run(self, command: Command) -> Result:
        words = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups") if os.getuid() == 0 else ()
        return super().run(replace(command, argv=(*words, *command.argv)))


class Broken(LocalShell):
    """A connection that breaks while the input travels."""

    def run(self, command: Command) -> Result:
        return super().run(replace(command, stdin=(command.input_bytes() or b"")[:-3]))


@pytest.fixture
def state(tmp_path: Path) -> StateFolder:
    return StateFolder(LocalShell(), "rehearsal", str(tmp_path))


def _files(folder: Path) -> dict[str, int]:
    return {
        str(path.relative_to(folder)): path.stat().st_mode & 0o777
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".mutex"
    }


def test_before_the_first_release_there_is_nothing_and_nothing_is_made(state: StateFolder, tmp_path: Path) -> None:
    assert (state.history(), state.backups()) == ((), ())
    assert not list(tmp_path.iterdir())


def test_records_are_added_in_order(state: StateFolder, tmp_path: Path) -> None:
    for number in range(3):
        state.record(json.dumps({"n": number}))
    assert [json.loads(line)["n"] for line in state.history()] == [0, 1, 2]
    assert _files(tmp_path) == {"rehearsal/history.jsonl": 0o600}


def test_a_line_that_an_editor_left_open_is_closed(state: StateFolder) -> None:
    state.record('{"n": 0}')
    with Path(state.path, "history.jsonl").open("a") as file:
        file.write('{"n": 1}')
    state.record('{"n": 2}')
    assert [json.loads(line)["n"] for line in state.history()] == [0, 1, 2]


def test_parallel_records_are_all_kept(state: StateFolder) -> None:
    threads = [threading.Thread(target=state.record, args=(json.dumps({"n": n}),)) for n in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(json.loads(line)["n"] for line in state.history()) == list(range(10))


@pytest.mark.parametrize("line", ["", "no json", "[1]", '{"a": 1}\n{"b": 2}', '{"a": '])
def test_only_one_whole_object_is_a_record(state: StateFolder, line: str) -> None:
    with pytest.raises(ValueError, match="one line with one JSON object"):
        state.record(line)


@pytest.mark.parametrize(
    "damage", ["", "{", '"text"', "[" * 100_000, "\x00\x01"], ids=["blank", "cut", "text", "deep", "bytes"]
)
def test_a_damaged_line_is_named_and_needs_a_person(state: StateFolder, damage: str) -> None:
    state.record('{"n": 0}')
    with Path(state.path, "history.jsonl").open("a") as file:
        file.write(f"{damage}\n")
    with pytest.raises(PersonNeeded, match="no record") as raised:
        state.history()
    assert raised.value.exit_code == 4
    assert raised.value.where == f"this machine:{state.path}/history.jsonl:2"


def test_a_broken_connection_leaves_the_old_file(state: StateFolder, tmp_path: Path) -> None:
    state.record('{"n": 0}')
    broken = StateFolder(Broken(), "rehearsal", str(tmp_path))
    with pytest.raises(Unreachable, match="nothing was changed"):
        broken.record('{"n": 1}')
    assert state.history() == ('{"n": 0}',)
    assert _files(tmp_path) == {"rehearsal/history.jsonl": 0o600}


def test_without_the_right_to_write_the_way_out_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    for parent in tmp_path.parents:
        if parent.name.startswith("pytest-of"):
            parent.chmod(0o755)
            break
    forbidden = tmp_path / "forbidden"
    forbidden.mkdir(mode=0o700)
    if os.getuid() != 0:
        forbidden.chmod(0o000)
    state = StateFolder(AsNobody(), "rehearsal", str(forbidden))
    for act in (state.history, state.backups, lambda: state.record("{}")):
        with pytest.raises(UsageError, match="may not use the state folder") as raised:
            act()
        assert "sudo install -d" in raised.value.hint
    forbidden.chmod(0o700)


def test_another_command_that_keeps_the_folder_is_named(state: StateFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    from slipway.engines.host import state_scripts

    monkeypatch.setattr(state_scripts, "_BEGIN", state_scripts._BEGIN.replace("flock -w 20", "flock -w 0"))
    state.record("{}")
    keeper = threading.Thread(target=LocalShell().run, args=(Command(("flock", f"{state.path}/.mutex", "sleep", "1")),))
    keeper.start()
    until(lambda: not LocalShell().run(Command(("flock", "-n", f"{state.path}/.mutex", "true"))).ok)
    with pytest.raises(Unreachable, match="another command has kept"):
        state.record("{}")
    keeper.join()
    state.record("{}")


def test_a_release_keeps_its_values_unreadable_for_others(state: StateFolder, tmp_path: Path) -> None:
    release = Release(Version("0.1.0", "abc"), {"backend": "r@sha256:1"}, datetime.now(UTC), {"api": "f"}, {})
    values: Mapping[str, Mapping[str, str | Secret]] = {"api": {"KEY": Secret("s3cr3t-s3cr3t"), "DEBUG": "0"}}
    assert state.keep_release(release, values) == f"{state.path}/releases/0.1.0-abc"
    folder = Path(state.path, "releases", "0.1.0-abc")
    assert Release.from_json((folder / "release.json").read_text()) == release
    assert json.loads((folder / "values.json").read_text()) == {"api": {"KEY": "s3cr3t-s3cr3t", "DEBUG": "0"}}
    assert set(_files(tmp_path).values()) == {0o600}


def test_secrets_are_no_words_of_a_command(tmp_path: Path) -> None:
    seen: list[Command] = []

    class Recording(LocalShell):
        def run(self, command: Command) -> Result:
            seen.append(command)
            return super().run(command)

    release = Release(Version("0.1.0", "abc"), {}, datetime.now(UTC), {}, {})
    StateFolder(Recording(), "rehearsal", str(tmp_path)).keep_release(
        release, {"api": {"KEY": Secret("s3cr3t-s3cr3t")}}
    )
    assert seen
    assert not any("s3cr3t" in word for command in seen for word in command.argv)


def test_backups_are_read_from_their_manifests(state: StateFolder) -> None:
    later = replace(BACKUP, id="20260102T030406Z-postgres", created=datetime(2026, 1, 2, 3, 4, 6, tzinfo=UTC))
    for backup in (later, BACKUP):
        folder = Path(state.backup_folder(backup.id))
        folder.mkdir(parents=True)
        (folder / "dump.partial").write_text("dump")
        (folder / "roles.partial").write_text("roles")
        state.keep_backup(backup)
        assert sorted(path.name for path in folder.iterdir()) == ["database.dump", "manifest.json", "roles.sql"]
    Path(state.path, "backups", "20260101T000000Z-unfinished").mkdir()
    assert state.backups() == (BACKUP, later)
    proved = BACKUP.proved(Proof(datetime(2026, 1, 2, 4, tzinfo=UTC), 1.5, 1, 3))
    state.keep_backup(proved)
    assert state.backups() == (proved, later)


def test_a_manifest_without_its_dump_is_not_written(state: StateFolder, tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="No such file"):
        state.keep_backup(BACKUP)
    assert _files(tmp_path) == {}


def test_a_damaged_manifest_is_named(state: StateFolder) -> None:
    folder = Path(state.backup_folder(BACKUP.id))
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(BACKUP.to_json()[:-40])
    with pytest.raises(PersonNeeded, match="not a backup's manifest") as raised:
        state.backups()
    assert raised.value.where == f"this machine:{folder}/manifest.json"


@pytest.mark.parametrize("name", ["", "../x", "a/b", "A", "a b", "a;b", "-a", "a" * 60])
def test_an_environment_is_a_plain_name(name: str) -> None:
    with pytest.raises(UsageError):
        StateFolder(LocalShell(), name)


@pytest.mark.parametrize("name", ["", "..", "../../etc", "20260102T030405Z-a/b", "20260102T030405Z-"])
def test_a_backup_is_a_plain_name(state: StateFolder, name: str) -> None:
    with pytest.raises(ValueError, match="no backup id"):
        state.backup_folder(name)


def test_a_machine_without_the_tools_is_no_empty_history(tmp_path: Path) -> None:
    class Bare(LocalShell):
        def run(self, command: Command) -> Result:
            return Result(command, 127, "", "sh: cat: not found\n")

    with pytest.raises(Unreachable, match="not found"):
        StateFolder(Bare(), "rehearsal", str(tmp_path)).history()


def test_a_full_disk_is_said(tmp_path: Path) -> None:
    class Full(LocalShell):
        def run(self, command: Command) -> Result:
            return Result(command, 1, "", "cat: write error: No space left on device\n")

    with pytest.raises(Refused, match="no space left on the host"):
        StateFolder(Full(), "rehearsal", str(tmp_path)).record("{}")
