"""Takes out of installed packages what a running service never reads: their tests, type stubs, headers, debug symbols.

    trim.py FOLDER [PATTERN ...]      a pattern keeps what it matches: `numpy/_core/include/*`, `sklearn/tests`

A folder of tests that a package itself imports when it is imported stays, and is told.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path

_SUFFIXES = {".pyi", ".pxd", ".pyx", ".h", ".hpp", ".hh", ".a", ".la"}
_IMPORT = re.compile(r"^(?:from|import)[ \t]+([\w.]+)(?:[ \t]+import[ \t]+\(?([\w, \t]+))?", re.MULTILINE)


def main(root: Path, keep: list[str]) -> None:
    """Trim `root`, a site-packages folder."""
    before = size(root)
    folders = [folder for folder in test_folders(root) if not kept(root, folder, keep)]
    needed = imported(root, folders)
    for folder in folders:
        if folder in needed:
            print(f"{folder.relative_to(root)} stays: {needed[folder].relative_to(root)} imports it")
        else:
            shutil.rmtree(folder)
    for file in list(root.rglob("*")):
        if file.suffix in _SUFFIXES and file.is_file() and not kept(root, file, keep):
            file.unlink()
    strip(file for file in root.rglob("*.so*") if not kept(root, file, keep))
    print(f"{(before - size(root)) / 1e6:.0f} of {before / 1e6:.0f} MB taken out")


def test_folders(root: Path) -> Iterator[Path]:
    """Yield the outermost folders of packages' own tests. `test` alone is no sign: django.test is an API."""
    for folder in sorted(root.rglob("tests")):
        is_package = (folder / "__init__.py").exists() or any(folder.glob("test_*.py"))
        if folder.is_dir() and is_package and "tests" not in folder.relative_to(root).parts[:-1]:
            yield folder


def imported(root: Path, folders: list[Path]) -> dict[Path, Path]:
    """Return the folders that code outside of tests imports on its top level, each with a file that does."""
    by_module = {".".join(folder.relative_to(root).parts): folder for folder in folders}
    found: dict[Path, Path] = {}
    for file in root.rglob("*.py"):
        if "tests" in file.relative_to(root).parts:
            continue
        package = file.relative_to(root).parent.parts
        for module, names in _IMPORT.findall(file.read_text("utf-8", "replace")):
            absolute = resolved(module, package)
            for name in (absolute, *(f"{absolute}.{name.split()[0]}" for name in names.split(",") if name.split())):
                for tests, folder in by_module.items():
                    if name == tests or name.startswith(f"{tests}."):
                        found.setdefault(folder, file)
    return found


def resolved(module: str, package: tuple[str, ...]) -> str:
    """Return the absolute name of a module that code in `package` imports, `..tests` included."""
    name = module.lstrip(".")
    dots = len(module) - len(name)
    if not dots:
        return module
    return ".".join(filter(None, (*package[: len(package) - dots + 1], name)))


def strip(libraries: Iterable[Path]) -> None:
    """Take debug symbols out of extension modules. What a wheel was repaired with (`*.libs`) is left as it is."""
    chosen = [
        str(file)
        for file in libraries
        if file.is_file() and not file.is_symlink() and not any(part.endswith(".libs") for part in file.parts)
    ]
    for begin in range(0, len(chosen), 50):
        subprocess.run(["strip", "--strip-debug", *chosen[begin : begin + 50]], check=True)


def kept(root: Path, path: Path, patterns: list[str]) -> bool:
    """Whether a pattern names `path` or a folder that it is in."""
    relative = path.relative_to(root)
    names = [str(relative), *(str(parent) for parent in relative.parents)]
    return any(fnmatchcase(name, pattern) for name in names for pattern in patterns)


def size(root: Path) -> int:
    """Return the bytes of all files below `root`."""
    return sum(file.lstat().st_size for file in root.rglob("*") if not file.is_dir())


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
