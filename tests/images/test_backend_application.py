"""The application's stage does less where less has changed, and what it makes is what it would have made."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.images.scripts import script

application, collected, compiled = (script(name) for name in ("application", "collected", "compiled"))
MANAGE = """
import sys
import settings
assert sys.argv[1:3] == ["collectstatic", "--noinput"] and sys.path[0].endswith("app")
settings.collect()
"""
SETTINGS = """
import hashlib, os, pathlib
BASE = pathlib.Path(__file__).parent
assert len(os.environ["SECRET_KEY"]) >= 32
def collect():
    (BASE / "logs").mkdir(exist_ok=True)
    for file in (BASE / "assets").iterdir():
        name = hashlib.md5(file.read_bytes()).hexdigest()[:8]
        (BASE / "static").mkdir(exist_ok=True)
        note = BASE.joinpath("note.txt").read_bytes()
        (BASE / "static" / f"{name}{file.suffix}").write_bytes(file.read_bytes() + note)
"""
FILES = {
    "manage.py": MANAGE,
    "settings.py": SETTINGS,
    "views.py": "x = 1\n",
    "broken.py": "def (\n",
    "assets/app.css": "p {}",
    "note.txt": "n",
}


def project(folder: Path, **changed: str) -> Path:
    for name, text in (FILES | changed).items():
        (folder / "app" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "app" / name).write_text(text)
    return folder / "app"


def made(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b"" for path in folder.rglob("*")}


@pytest.fixture
def run(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[bool, dict[str, bytes]]]:
    """Collect in a fresh copy of the project; return whether it was taken from the memo, and all files afterwards."""

    def collect(memo: str = "memo", **changed: str) -> tuple[bool, dict[str, bytes]]:
        shutil.rmtree(tmp_path / "build", ignore_errors=True)
        source = project(tmp_path / "build", **changed)
        collected.collect(source, tmp_path / memo)
        return "as they were collected before" in capfd.readouterr().out, made(source)

    return collect


def test_the_memo_gives_what_a_run_would_give_to_the_last_file(
    run: Callable[..., tuple[bool, dict[str, bytes]]],
) -> None:
    assert run(**{"views.py": "x = 2\n"})[0] is False
    known, files = run(**{"views.py": "x = 3\n"})
    assert known
    assert (False, files) == run("another", **{"views.py": "x = 3\n"})
    assert "logs" in files
    assert any(name.startswith("static/") for name in files)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("settings.py", SETTINGS + "\nX = 1\n"),
        ("manage.py", MANAGE + "\n"),
        ("assets/app.css", "p {color: red}"),
        ("assets/new.css", ""),
        ("note.txt", "other"),
        ("hashlib.py", "raise SystemExit(0)"),
    ],
)
def test_whatever_the_files_follow_from_makes_them_anew(
    run: Callable[..., tuple[bool, dict[str, bytes]]], name: str, text: str
) -> None:
    run()
    known, files = run(**{name: text})
    assert not known
    assert files == run("another", **{name: text})[1]


def test_another_environment_makes_them_anew_and_another_key_does_not(
    run: Callable[..., tuple[bool, dict[str, bytes]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    run()
    monkeypatch.setenv("SECRET_KEY", "another")
    monkeypatch.setenv("HOSTNAME", "another")
    assert run()[0] is True
    monkeypatch.setenv("STATIC_URL", "/other/")
    assert run()[0] is False


@pytest.mark.parametrize(
    "line",
    [
        "import subprocess; subprocess.run(['true'])",
        "import os; os.system('true')",
        "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('127.0.0.1', 9))",
        "import pathlib; pathlib.Path(__file__).with_name('views.py').unlink()",
    ],
)
def test_who_reaches_beyond_the_project_is_collected_anew_each_time(
    run: Callable[..., tuple[bool, dict[str, bytes]]], line: str
) -> None:
    for _ in range(2):
        assert run(**{"settings.py": f"{line}\n{SETTINGS}"})[0] is False


def test_a_module_behind_a_linked_folder_counts(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for text in ("x = 1", "x = 2"):
        shutil.rmtree(tmp_path / "build", ignore_errors=True)
        source = project(tmp_path / "build", **{"settings.py": f"import link.deep\n{SETTINGS}", "real/deep.py": text})
        (source / "link").symlink_to("real")
        collected.collect(source, tmp_path / "memo")
    assert "as they were collected before" not in capfd.readouterr().out


def test_a_failure_ends_the_build_with_its_code_and_is_not_remembered(tmp_path: Path) -> None:
    source = project(tmp_path, **{"settings.py": "raise SystemExit(7)"})
    for _ in range(2):
        with pytest.raises(SystemExit) as ended:
            collected.collect(source, tmp_path / "memo")
        assert ended.value.code == 7
    assert not (tmp_path / "memo").exists()


def test_a_memo_that_somebody_cut_off_is_no_memo(
    run: Callable[..., tuple[bool, dict[str, bytes]]], tmp_path: Path
) -> None:
    _, files = run()
    (place,) = (tmp_path / "memo").iterdir()
    place.rename(place.with_name(f"{place.name}.new"))
    assert run() == (False, files)
    assert [path.name for path in (tmp_path / "memo").iterdir()] == [place.name]


def test_only_so_many_projects_are_remembered(
    run: Callable[..., tuple[bool, dict[str, bytes]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collected, "KEPT", 2)
    for number in range(4):
        run(**{"note.txt": str(number)})
    assert len(list((tmp_path / "memo").iterdir())) == 2
    assert run(**{"note.txt": "3"})[0] is True


def test_modules_are_compiled_once_and_those_that_cannot_be_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = project(tmp_path)
    compiled.compile_all(source, tmp_path / "memo", source / "static")
    assert "broken.py does not compile" in capsys.readouterr().out
    first = {path.name: path.read_bytes() for path in source.rglob("*.pyc")}
    assert {name.partition(".")[0] for name in first} == {"manage", "settings", "views"}
    times = {path.name: path.stat().st_ino for path in (tmp_path / "memo").iterdir()}
    shutil.rmtree(source / "__pycache__")
    (source / "views.py").write_text("x = 2\n")
    compiled.compile_all(source, tmp_path / "memo", source / "static")
    second = {path.name: path.read_bytes() for path in source.rglob("*.pyc")}
    assert {name for name in first if first[name] != second[name]} == {
        f"views.{name.partition('.')[2]}" for name in [*first][:1]
    }
    assert times.items() <= {path.name: path.stat().st_ino for path in (tmp_path / "memo").iterdir()}.items()


def test_a_compiled_module_says_where_it_came_from_and_is_not_held_against_its_source(tmp_path: Path) -> None:
    source = project(tmp_path, **{"told.py": "def where():\n    raise RuntimeError\n"})
    compiled.compile_all(source, tmp_path / "memo", source / "static")
    (source / "told.py").write_text("# another text\n")
    ran = subprocess.run(
        ["python3", "-c", "import told; told.where()"], cwd=source, capture_output=True, text=True, check=False
    )
    assert f'File "{source}/told.py", line 2, in where' in ran.stderr


def test_many_modules_are_compiled_as_one_by_one(tmp_path: Path) -> None:
    many = {f"m{number}.py": f"x = {number}\n" for number in range(40)}
    source = project(tmp_path / "1", **many)
    compiled.compile_all(source, tmp_path / "memo", source / "static")
    assert len(list(source.rglob("m*.pyc"))) >= 40


def test_the_memo_of_modules_does_not_grow_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "KEPT", 5)
    source = project(tmp_path, **{f"m{number}.py": f"x = {number}\n" for number in range(6)})
    compiled.compile_all(source, tmp_path / "memo", source / "static")
    assert len(list((tmp_path / "memo").iterdir())) == 5


def test_the_whole_is_in_parts_and_the_application_owns_what_it_may_write_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owned: list[Path] = []
    monkeypatch.setattr(application.os, "chown", lambda path, uid, gid, **_: owned.append(Path(path)))
    source, parts = project(tmp_path, **{"mails/first.txt": ""}), tmp_path / "parts"
    application.main(source, parts, tmp_path / "memo", Path("static"), ["media", "mails"])
    files = {str(path.relative_to(parts)) for path in parts.rglob("*") if path.is_file()}
    assert {"data/app/note.txt", "data/app/assets/app.css", "data/app/mails/first.txt"} <= files
    assert any(name.startswith("static/app/static/") for name in files)
    mails = parts / "data" / "app" / "mails"
    assert set(owned) == {mails, mails / "first.txt", parts / "data" / "app" / "media"}
