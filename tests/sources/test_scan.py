"""Walking and reading a checkout with everything in it that a checkout should not have."""

import os
import time
from pathlib import Path

import pytest

from slipway.sources.scan import scan
from slipway.sources.walk import LARGEST, Language, language_of, walk


def names(root: Path) -> list[str]:
    return [use.name for use in scan(walk(root)).uses]


def troubles(root: Path) -> list[str]:
    return [f"{one.place}: {one.message}" for one in scan(walk(root)).troubles]


READ = b'import os\nos.environ["A"]\n'


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("settings.py", Language.PYTHON),
        ("App.tsx", Language.SCRIPT),
        ("vite.config.mjs", Language.SCRIPT),
        ("index.html", Language.PAGE),
        ("entrypoint", Language.SHELL),
        ("start.sh", Language.SHELL),
        ("Dockerfile", Language.DOCKERFILE),
        ("Dockerfile.prod", Language.DOCKERFILE),
        ("frontend.prod.Dockerfile", Language.DOCKERFILE),
        ("docker-compose.coolify.yml", Language.COMPOSE),
        ("compose.yaml", Language.COMPOSE),
        (".env.example", Language.EXAMPLE),
        ("env.sample", Language.EXAMPLE),
        (".env.production.example", Language.EXAMPLE),
        (".env", Language.ENV),
        (".env.local", Language.ENV),
        ("production.secrets.env", Language.ENV),
        ("package.json", Language.RECIPE),
        ("Makefile", Language.RECIPE),
        ("values.yaml", None),
        ("README.md", None),
        ("photo.png", None),
    ],
)
def test_a_file_is_read_by_its_name(name: str, language: Language | None) -> None:
    assert language_of(name) is language


def test_real_values_are_never_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (".env", ".env.local", "production.secrets.env", "package.json"):
        (tmp_path / name).write_text("A=hunter2\n")
    walked = walk(tmp_path)
    assert len(walked.files) == 4
    opened: list[str] = []
    monkeypatch.setattr("os.open", lambda path, *_: opened.append(str(path)))
    assert scan(walked).uses == ()
    assert opened == []


def test_what_is_no_source_is_not_looked_into(tmp_path: Path) -> None:
    for folder in ("node_modules/x", ".git", ".venv/lib", "app/dist", "a/__pycache__"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "a.py").write_bytes(READ)
    assert names(tmp_path) == []
    (tmp_path / "app" / "a.py").write_bytes(READ)
    assert names(tmp_path) == ["A"]


def test_tests_are_told_apart(tmp_path: Path) -> None:
    for name in ("tests/a.py", "test_a.py", "a_test.py", "conftest.py", "src/a.py"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(READ)
    (tmp_path / "src" / "a.test.ts").write_text("import.meta.env.VITE_A")
    assert [str(use.place) for use in scan(walk(tmp_path)).uses if not use.is_test] == ["src/a.py:2"]


def test_links_are_not_followed_round_or_out(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (outside / "secret.py").write_bytes(READ)
    (root / "loop").symlink_to(root)
    (root / "out").symlink_to(outside)
    (root / "out.py").symlink_to(outside / "secret.py")
    (root / "nowhere.py").symlink_to(root / "missing")
    (root / ".env.example").symlink_to(outside / "secret.py")
    assert (names(root), troubles(root)) == ([], [])


def test_a_pipe_in_the_place_of_a_source_blocks_nobody(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.py")
    assert names(tmp_path) == []


def test_a_file_that_vanishes_or_becomes_a_link_while_it_is_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(READ)
    (tmp_path / "b.py").write_bytes(READ)
    walked = walk(tmp_path)
    (tmp_path / "a.py").unlink()
    (tmp_path / "b.py").unlink()
    (tmp_path / "b.py").symlink_to("/etc/passwd")
    found = scan(walked)
    assert found.uses == ()
    assert [str(one.place) for one in found.troubles] == ["a.py:1", "b.py:1"]


@pytest.mark.parametrize(
    ("data", "expected", "trouble"),
    [
        ("# -*- coding: latin-1 -*-\nimport os\nNAME = 'café'\nos.environ['A']\n".encode("latin-1"), ["A"], ""),
        ("import os\nNAME = 'café'\nos.environ['A']\n".encode("latin-1"), [], "a.py:2: is no Python"),
        (b"\xef\xbb\xbfimport os\nos.environ['A']\n", ["A"], ""),
        (b"import os\r\nos.environ['A']\r\n", ["A"], ""),
        (b"import os\0\nos.environ['A']\n", [], "a.py:1: holds a zero byte"),
        (READ + b"#" * LARGEST, [], "a.py:1: is larger than 1 MB"),
        (b"import os\nos.environ['A'\n", [], "a.py:2: is no Python"),
        (b"print 'x'\nimport os\nos.environ['A']\n", [], "a.py:1: is no Python"),
        (b"import os\nx = " + b"(" * 5000 + b"os.environ" + b")" * 5000, [], "a.py:"),
        (b"import os\nx = os.environ" + b"[0]" * 5000, [], "a.py:1: is nested too deeply"),
        (b"import os\nx = '" + b"\\d" * 10 + b"'\nos.environ['A']\n", ["A"], ""),
        (b"# coding: nonsense\nimport os\nos.environ['A']\n", [], "a.py:1: is no Python"),
        (b"", [], ""),
    ],
)
def test_a_python_file_is_read_or_told(tmp_path: Path, data: bytes, expected: list[str], trouble: str) -> None:
    (tmp_path / "a.py").write_bytes(data)
    found = scan(walk(tmp_path))
    assert [use.name for use in found.uses] == expected
    told = troubles(tmp_path)
    assert [line[: len(trouble)] for line in told] == ([trouble] if trouble else [])


def test_a_long_sum_neither_overflows_nor_takes_long(tmp_path: Path) -> None:
    names_added = "+".join(f"'{letter}'" for letter in "AB" * 400)
    (tmp_path / "a.py").write_text(f"import os\nx = {names_added}\nos.environ[x]\nos.environ['B']\n")
    assert "B" in names(tmp_path)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.py", "import os\n" + "x = x + 'a'\n" * 300 + "os.environ[x]\n" * 300),
        ("a.py", "import os\na0 = 'A'\n" + "".join(f"a{n + 1} = f'{{a{n}}}{{a{n}}}{{a{n}}}'\n" for n in range(40))
         + "os.environ[a40]"),
        ("a.py", "import os\ndef f():\n" + "    x = os.environ.get('A')\n    x.lower()\n" * 500),
        ("a.py", "import os\nA = " + "os.environ.get('A') if b else " * 400 + "'c'\n"),
        ("a.ts", "a = import.meta.env" + ".env" * 20_000),
        ("a.ts", "if (" + " && ".join(["process.env.A"] * 3000) + ") { f() }"),
        ("Dockerfile", "FROM a\nRUN " + "npm i apt install x \\\n" * 20_000),
        ("compose.yml", "x0: &x0 {A: 1}\n" + "".join(f"x{n}: &x{n} {{<<: *x{n - 1}}}\n" for n in range(1, 3000))
         + "services: {a: {environment: *x2999}}\n"),
        ("entrypoint.sh", "echo " + "$A ${B:-" * 20_000),
        (".env.example", "A=" + "x" * 500_000 + "\n" + "B='" + "y" * 1000),
    ],
    ids=lambda text: text if len(text) < 20 else "",
)  # fmt: skip
def test_hostile_sources_cost_little_and_raise_nothing(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    began = time.process_time()
    scan(walk(tmp_path), "a.py")
    assert time.process_time() - began < 5


def test_settings_take_what_their_base_has(tmp_path: Path) -> None:
    (tmp_path / "base.py").write_text("import os\nDEBUG = True\nREDIS = os.environ['REDIS_URL']\n")
    (tmp_path / "production.py").write_text("from base import *\nfrom production import *\nDEBUG = False\n")
    assigned = scan(walk(tmp_path), "production.py").assigned
    assert [(one.name, one.place.file, one.written) for one in assigned] == [
        ("DEBUG", "base.py", "True"), ("REDIS", "base.py", ""), ("DEBUG", "production.py", "False"),
    ]  # fmt: skip


def test_a_folder_that_may_not_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "closed").mkdir()
    scandir = os.scandir

    def refusing(path: str | Path) -> object:
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr("os.scandir", refusing)
    assert troubles(tmp_path) == ["closed:1: cannot be looked into: Permission denied"]


def test_too_many_files_are_told_and_the_first_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slipway.sources.walk.MOST_FILES", 3)
    for number in range(5):
        (tmp_path / f"d{number}").mkdir()
        (tmp_path / f"d{number}" / "a.py").write_bytes(READ)
    assert len(names(tmp_path)) == 3
    assert "more than 3 sources" in troubles(tmp_path)[0]
