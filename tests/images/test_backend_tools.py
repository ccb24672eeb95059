"""The scripts that the backend's build stages run: what they take out, how they share out, which times they give."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.images.scripts import script

ROOT = Path(__file__).parents[2]
debian, settle, share, trim = (script(name) for name in ("debian", "settle", "share", "trim"))


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def names(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def test_tests_stubs_and_headers_go_and_what_is_read_stays(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "plain/__init__.py": "",
            "plain/tests/__init__.py": "",
            "plain/tests/deep/tests/test_a.py": "",
            "plain/core.pyi": "",
            "plain/include/plain.h": "",
            "plain/locale/de.po": "",
            "plain/locale/de.mo": "",
            "django/test/client.py": "",
            "odd/test/test_b.py": "",
            "lazy/__init__.py": "lazy.attach_stub(__name__, __file__)",
            "lazy/__init__.pyi": "",
            "compiling/__init__.py": 'open("fast.c")',
            "compiling/fast.c": "",
            "compiling/slow.c": "",
            "kept/include/kept.h": "",
            "kept/tests/__init__.py": "",
            "hooks/__init__.py": "import hooks.compile",
            "hooks/hooks.c": "",
            "hooks/tests/test_hooks.py": 'open("only_for_tests.h")',
            "hooks/only_for_tests.h": "",
        },
    )
    trim.main(tmp_path, ["kept/include/*", "kept/tests"])
    assert names(tmp_path) == {
        "plain/__init__.py",
        "plain/locale/de.mo",
        "django/test/client.py",
        "lazy/__init__.py",
        "lazy/__init__.pyi",
        "compiling/__init__.py",
        "compiling/fast.c",
        "kept/include/kept.h",
        "kept/tests/__init__.py",
        "hooks/__init__.py",
    }


@pytest.mark.parametrize(
    "statement",
    [
        "from needing.tests import support",
        "from .tests.support import x",
        "import needing.tests.support",
        "from . import tests",
    ],
)
def test_tests_that_a_package_imports_when_it_is_imported_stay_and_are_told(
    tmp_path: Path, statement: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, {"needing/__init__.py": f"{statement}\n", "needing/tests/__init__.py": ""})
    trim.main(tmp_path, [])
    assert (tmp_path / "needing" / "tests").exists()
    assert "needing/tests stays: needing/__init__.py imports it" in capsys.readouterr().out


def test_tests_that_only_a_script_or_a_function_imports_go(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "a/__init__.py": "def test():\n    from a.tests import main\n",
            "a/by_hand.py": "from a.tests import main\n",
            "a/tests/__init__.py": "import a.by_hand\n",
        },
    )
    trim.main(tmp_path, [])
    assert names(tmp_path) == {"a/__init__.py", "a/by_hand.py"}


def test_symbols_go_and_repaired_libraries_stay_as_they_are(tmp_path: Path) -> None:
    import _ctypes

    for folder in ("pkg", "pkg.libs"):
        (tmp_path / folder).mkdir()
        shutil.copy(_ctypes.__file__, tmp_path / folder / "a.so")
    trim.main(tmp_path, [])
    assert (tmp_path / "pkg.libs" / "a.so").read_bytes() == Path(_ctypes.__file__).read_bytes()
    assert (tmp_path / "pkg" / "a.so").stat().st_size <= Path(_ctypes.__file__).stat().st_size


def test_times_follow_from_content_alone(tmp_path: Path) -> None:
    write(tmp_path, {"a/same": "1", "b/same": "1", "b/other": "2"})
    same, again, other = (settle.of_content(tmp_path / name) for name in ("a/same", "b/same", "b/other"))
    assert same == again != other
    assert 946_000_000 < min(same, other) < max(same, other) < 1_600_000_000
    settle.main(tmp_path)
    assert (tmp_path / "a").stat().st_mtime == (tmp_path / "b" / "other").stat().st_mtime == 0


def shared(tmp_path: Path, static_root: str = "static", **more: str) -> Path:
    app = write(
        tmp_path / "app",
        {
            "manage.py": "",
            "__pycache__/manage.cpython-311.pyc": "",
            "one/views.py": "",
            "one/__pycache__/views.cpython-311.pyc": "",
            "one/templates/a.html": "",
            "two/deep/models.py": "",
            "static/a.css": "",
            "static/admin/b.py": "",
            **more,
        },
    )
    (app / "media").mkdir()
    (app / "manage.py").chmod(0o700)
    (app / "one" / "views.py").chmod(0o600)
    (app / "link").symlink_to("one")
    share.main(app, tmp_path / "parts", Path(static_root))
    return tmp_path / "parts"


def test_every_file_is_in_one_part_under_its_path(tmp_path: Path) -> None:
    parts = shared(tmp_path)
    found = [str(Path(name).relative_to(Path(name).parts[0])) for name in names(parts)]
    assert sorted(found) == sorted(
        f"app/{name}"
        for name in (
            *(
                "manage.py",
                "__pycache__/manage.cpython-311.pyc",
                "one/views.py",
                "one/__pycache__/views.cpython-311.pyc",
            ),
            *("one/templates/a.html", "two/deep/models.py", "static/a.css", "static/admin/b.py"),
        )
    )
    assert names(parts / "static") == {"app/static/a.css", "app/static/admin/b.py"}
    assert names(parts / "data") == {"app/one/templates/a.html"}
    assert (parts / "data" / "app" / "link").readlink() == Path("one")
    assert (parts / "data" / "app" / "media").is_dir()


def test_everybody_may_read_what_the_image_holds_and_only_root_may_write(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        parts = shared(tmp_path)
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o7777 for path in parts.rglob("*") if not path.is_symlink()}
    assert (modes["manage.py"], modes["views.py"], modes["templates"]) == (0o755, 0o644, 0o755)
    assert set(modes.values()) == {0o755, 0o644}


def test_a_module_and_its_bytecode_are_in_one_part_and_another_folder_does_not_move_them(tmp_path: Path) -> None:
    def part_of(parts: Path, name: str) -> str:
        (found,) = [part for part in parts.iterdir() if (part / "app" / name).exists()]
        return found.name

    first, second = shared(tmp_path / "1"), shared(tmp_path / "2", **{"three/new.py": "", "four/new.py": ""})
    for name in ("one/views.py", "one/__pycache__/views.cpython-311.pyc", "two/deep/models.py", "manage.py"):
        assert part_of(first, name) == part_of(second, name)
    assert part_of(first, "one/views.py") == part_of(first, "one/__pycache__/views.cpython-311.pyc")
    assert part_of(first, "manage.py") == part_of(first, "__pycache__/manage.cpython-311.pyc")


def test_every_part_is_copied_into_the_image_and_exists_even_empty(tmp_path: Path) -> None:
    parts = shared(tmp_path)
    dockerfile = (ROOT / "Dockerfile.backend").read_text()
    copied = [line.split()[2] for line in dockerfile.splitlines() if line.startswith("COPY --from=application /parts/")]
    assert sorted(copied) == sorted(f"/parts/{part.name}/" for part in parts.iterdir())
    assert all((part / "app").is_dir() for part in parts.iterdir())


def test_debian_packages_to_leave_out_must_be_ones_that_would_come() -> None:
    planned = {"ffmpeg": "1", "libllvm15": "1:15"}
    debian.refuse_unfit(["ffmpeg"], ["libllvm15"], planned)
    with pytest.raises(SystemExit, match=r"libllvm14 would not be installed; did you mean libllvm15\?"):
        debian.refuse_unfit(["ffmpeg"], ["libllvm14"], planned)
    with pytest.raises(SystemExit, match=r"ffmpeg is in backend\.apt, too"):
        debian.refuse_unfit(["ffmpeg"], ["ffmpeg"], planned)
    with pytest.raises(SystemExit, match="libllvm15 would not be installed"):
        debian.refuse_unfit([], ["libllvm15"], {})


@pytest.mark.parametrize("name", ["resolve", "install"])
def test_the_shell_scripts_are_shell(name: str) -> None:
    subprocess.run(["sh", "-n", ROOT / "images" / "backend" / name], check=True)


def test_the_scripts_need_nothing_but_the_standard_library() -> None:
    for file in (ROOT / "images" / "backend").glob("*.py"):
        code = f"import runpy, sys; sys.path.insert(0, {str(file.parent)!r}); "
        code += f"runpy.run_path({str(file)!r}, run_name='looked-at')"
        subprocess.run([sys.executable, "-I", "-S", "-c", code], check=True, env={"PATH": os.environ["PATH"]})
