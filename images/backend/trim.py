"""Takes out of installed packages what a running service never reads: tests, type stubs, headers, symbols.

    trim.py FOLDER [PATTERN ...]      a pattern keeps what it matches: `numpy/_core/include/*`, `sklearn/tests`

A folder of tests that a package itself imports when it is imported stays, and is told. So does every stub, header and
the like that its package's code speaks of: librosa reads its stubs, autobahn its C.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path

_SUFFIXES = {
    *(".pyi", ".pxd", ".pyx"),  # types, and what Cython compiles
    *(".c", ".cpp", ".h", ".hpp", ".a"),  # what a C compiler takes; a package may compile as it starts, and says so
    *(".po", ".pot"),  # what translators write; programs read the .mo
}
_IMPORT = re.compile(r"^([ \t]*)(?:from|import)[ \t]+([\w.]+)(?:[ \t]+import[ \t]+\(?([\w, \t]+))?", re.MULTILINE)


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
    for package in [path for path in root.iterdir() if path.is_dir()]:
        code = "".join(file.read_text("utf-8", "replace") for file in package.rglob("*.py"))
        for file in [path for path in package.rglob("*") if path.suffix in _SUFFIXES and path.is_file()]:
            if not kept(root, file, keep) and not speaks_of(code, file):
                file.unlink()
    strip(file for file in root.rglob("*.so*") if not kept(root, file, keep))
    print(f"{(before - size(root)) / 1e6:.0f} of {before / 1e6:.0f} MB taken out")


def test_folders(root: Path) -> list[Path]:
    """Yield the outermost folders of packages' own tests. A `test` without any is none: django.test is an API."""
    found: list[Path] = []
    for folder in sorted([*root.rglob("tests"), *root.rglob("test")]):
        holds_tests = any(folder.glob("test_*.py")) or (folder.name == "tests" and (folder / "__init__.py").exists())
        if holds_tests and not any(outer in folder.parents for outer in found):
            found.append(folder)
    return found


def imported(root: Path, folders: list[Path]) -> dict[Path, Path]:
    """Return the folders that are imported with their packages, each with a file that does it.

    That is code outside of tests which imports them on its top level and is imported by other such code: what only a
    person would run by hand does not count.
    """
    by_module = {".".join(folder.relative_to(root).parts): folder for folder in folders}
    importers: list[tuple[Path, Path]] = []
    called: set[str] = set()
    for file in root.rglob("*.py"):
        path = file.relative_to(root)
        if is_test(file, folders):
            continue
        for indent, names in imports(file.read_text("utf-8", "replace"), path.parent.parts):
            called |= names
            if not indent:
                ancestors = {".".join(name.split(".")[:end]) for name in names for end in range(1, name.count(".") + 2)}
                importers += [(by_module[tests], file) for tests in by_module.keys() & ancestors]
    return {
        folder: file
        for folder, file in importers
        if file.name == "__init__.py" or ".".join(file.relative_to(root).with_suffix("").parts) in called
    }


def imports(text: str, package: tuple[str, ...]) -> Iterator[tuple[str, set[str]]]:
    """Yield (indent, the absolute names that one statement may import) of a module in `package`."""
    for indent, module, names in _IMPORT.findall(text):
        absolute = resolved(module, package)
        yield indent, {absolute, *(f"{absolute}.{name.split()[0]}" for name in names.split(",") if name.split())}


def is_test(file: Path, folders: list[Path]) -> bool:
    """Whether a file lies in one of `folders`."""
    return any(folder in file.parents for folder in folders)


def resolved(module: str, package: tuple[str, ...]) -> str:
    """Return the absolute name of a module that code in `package` imports, `..tests` included."""
    name = module.lstrip(".")
    dots = len(module) - len(name)
    if not dots:
        return module
    return ".".join(filter(None, (*package[: len(package) - dots + 1], name)))


def speaks_of(code: str, file: Path) -> bool:
    """Whether a package's code mentions `file`, or reads stubs as such (`lazy_loader.attach_stub`)."""
    return file.name in code or (file.suffix == ".pyi" and ("attach_stub" in code or ".pyi" in code))


def strip(libraries: Iterable[Path]) -> None:
    """Take out the symbols that no linker needs, as Debian does with its libraries.

    Libraries that a wheel was repaired with (`*.libs`) stay as they are: stripping breaks some that patchelf has moved.
    """
    chosen = [
        str(file)
        for file in libraries
        if file.is_file() and not file.is_symlink() and not any(part.endswith(".libs") for part in file.parts)
    ]
    for begin in range(0, len(chosen), 50):
        subprocess.run(["strip", "--strip-unneeded", *chosen[begin : begin + 50]], check=True)


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
