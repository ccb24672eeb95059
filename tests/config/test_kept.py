"""What is kept is what would be read; the slightest difference, and anything broken, is read anew."""

import shutil
from pathlib import Path

import pytest

from slipway.config import kept, patterns, schema_file, workspace_file
from slipway.config.workspace import Workspace
from slipway.errors import UsageError

EXAMPLE = Path(__file__).parents[2] / "example"


@pytest.fixture
def keeping(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A root that keeps; what patterns remember is this test's own."""
    (root / kept.FOLDER).mkdir()
    monkeypatch.setattr(patterns, "KNOWN", patterns.Known())
    return root


def read(root: Path, workspace: Workspace) -> object:
    schema, faults = kept.read_schema(root / "env" / "schema.yaml", root, workspace)
    return schema if schema is not None and not faults else [str(fault) for fault in faults]


def file_of(root: Path, what: str) -> Path:
    (found,) = (root / kept.FOLDER).glob(f"{what}-*.kept")
    return found


def unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody read a file the long way."""

    def refuse(*_: object) -> None:
        raise AssertionError("was read anew")

    monkeypatch.setattr(schema_file, "read_schema", refuse)
    monkeypatch.setattr(workspace_file, "load_workspace", refuse)


def test_the_second_time_nothing_is_parsed_and_all_is_the_same(
    keeping: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = read(keeping, workspace)
    loaded = kept.load_workspace(EXAMPLE / "workspace.yaml", EXAMPLE, keeping)
    unread(monkeypatch)
    assert read(keeping, workspace) == first
    assert kept.load_workspace(EXAMPLE / "workspace.yaml", EXAMPLE, keeping) == loaded == workspace
    assert {file.stat().st_mode & 0o777 for file in (keeping / kept.FOLDER).iterdir()} == {0o600}


def test_another_byte_another_workspace_and_another_version_of_the_code_are_read_anew(
    keeping: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = keeping / "env" / "schema.yaml"
    read(keeping, workspace)
    file.write_text(file.read_text() + "  NEW_ONE: {type: string, services: [web], description: A new one.}\n")
    schema, _ = kept.read_schema(file, keeping, workspace)
    assert schema is not None
    assert "NEW_ONE" in schema.variables
    twin = workspace.model_copy(update={"services": {"api": workspace.services["api"]}})
    assert isinstance(read(keeping, twin), list)  # its services are not there
    read(keeping, workspace)
    unread(monkeypatch)
    monkeypatch.setattr(kept, "_code", lambda: (("config.py", 1, 1),))
    with pytest.raises(AssertionError, match="read anew"):
        read(keeping, workspace)


@pytest.mark.parametrize("damage", [b"", b"\x00" * 64, b"half", b"key" * 20])
def test_a_damaged_file_is_as_if_nothing_were_kept(keeping: Path, workspace: Workspace, damage: bytes) -> None:
    first = read(keeping, workspace)
    for file in (keeping / kept.FOLDER).iterdir():
        data = file.read_bytes()
        file.write_bytes(data[:32] + damage if damage == b"half" else damage)
    assert read(keeping, workspace) == first


def test_what_others_may_write_is_not_believed(
    keeping: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    read(keeping, workspace)
    file_of(keeping, "schema").chmod(0o666)
    unread(monkeypatch)
    with pytest.raises(AssertionError, match="read anew"):
        read(keeping, workspace)


def test_what_has_a_fault_is_never_kept_and_a_missing_file_is_told_each_time(
    keeping: Path, workspace: Workspace
) -> None:
    (keeping / "env" / "schema.yaml").write_text("environments: {}\nvariables: {A: {type: nothing}}\n")
    assert read(keeping, workspace) == read(keeping, workspace) != []
    assert not list((keeping / kept.FOLDER).glob("schema-*"))
    with pytest.raises(UsageError):
        kept.load_workspace(keeping / "workspace.yaml", EXAMPLE, keeping)


def test_a_folder_that_the_source_lost_is_told(keeping: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(EXAMPLE, source, ignore=shutil.ignore_patterns("node_modules"))
    kept.load_workspace(source / "workspace.yaml", source, keeping)
    shutil.rmtree(source / "zamio_admin")
    with pytest.raises(UsageError, match="zamio_admin"):
        kept.load_workspace(source / "workspace.yaml", source, keeping)


def test_a_folder_that_has_become_a_link_out_of_the_source_is_told(keeping: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(EXAMPLE, source, ignore=shutil.ignore_patterns("node_modules"))
    kept.load_workspace(source / "workspace.yaml", source, keeping)
    (source / "zamio_backend").rename(tmp_path / "elsewhere")
    (source / "zamio_backend").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError) as told:
        kept.load_workspace(source / "workspace.yaml", source, keeping)
    assert "leads out of the source" in f"{told.value} {told.value.details}"


def test_taking_turns_between_two_sources_reads_neither_anew_and_old_ones_go(
    keeping: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "source"
    shutil.copytree(EXAMPLE, source, ignore=shutil.ignore_patterns("node_modules"))
    for _ in range(2):
        for one in (EXAMPLE, source):
            read(keeping, kept.load_workspace(one / "workspace.yaml", one, keeping))
        unread(monkeypatch)
    monkeypatch.undo()
    monkeypatch.setattr(kept, "_MOST", 2)
    third = tmp_path / "third"
    shutil.copytree(source, third)
    kept.load_workspace(third / "workspace.yaml", third, keeping)
    assert len(list((keeping / kept.FOLDER).glob("*.kept"))) == 2
    unread(monkeypatch)
    kept.load_workspace(third / "workspace.yaml", third, keeping)


def test_a_root_without_the_folder_keeps_nothing(root: Path, workspace: Workspace) -> None:
    read(root, workspace)
    assert not (root / kept.FOLDER).exists()


def test_texts_that_fit_are_remembered_without_the_texts_and_secrets_not_at_all(
    keeping: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = keeping / "env" / "schema.yaml"
    read(keeping, workspace)
    assert patterns.fits("(a|b)+", "abba", secret=False)
    assert patterns.fits("(a|b)+", "bbbb", secret=True)
    assert not patterns.fits("(a|b)+", "abc", secret=False)
    kept.keep_patterns(file, keeping, workspace)
    assert b"abba" not in file_of(keeping, "patterns").read_bytes()
    monkeypatch.setattr(patterns, "KNOWN", patterns.Known())
    read(keeping, workspace)
    assert patterns.KNOWN.digest("(a|b)+", "abba") in patterns.KNOWN.fitting
    monkeypatch.setattr(patterns, "matches", lambda *_: False)
    assert patterns.fits("(a|b)+", "abba", secret=False)
    assert not patterns.fits("(a|b)+", "bbbb", secret=True)
