"""Takes out of installed packages what a running service never reads: tests, type stubs, headers, symbols.

    trim.py FOLDER [PATTERN ...]      a pattern keeps what it matches: `numpy/_core/include/*`, `sklearn/tests`

A folder of tests that a package itself imports when it is imported stays, and is told. So does every stub, header and
the like that its package's code speaks of: librosa reads its stubs, autobahn its C.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path

_SUFFIXES = {
    *(".pyi", ".pxd", ".pyx"),  # types, and what Cython compiles
    *(".c", ".cpp", ".h", ".hpp", ".a"),  # what a C compiler takes; a package may compile as it starts, and says so
    *(".po", ".pot"),  # what translators write; programs read the .mo
}
# A name that ends in one of them. The dot comes first, so that the search leaps from dot to dot.
_NAMED = re.compile(rf"\.(?:{'|'.join(suffix[1:] for suffix in sorted(_SUFFIXES))})(?!\w)")
_IMPORT = re.compile(r"^([ \t]*)(?:from|import)[ \t]+([\w.]+)(?:[ \t]+import[ \t]+\(?([\w, \t]+))?", re.MULTILINE)


def main(root: Path, keep: list[str]) -> None:
    """Trim `root`, a site-packages folder."""
    before = size(root)
    texts = {file: file.read_text("utf-8", "replace") for file in root.rglob("*.py")}
    folders = [folder for folder in test_folders(root) if not kept(root, folder, keep)]
    needed = imported(root, folders, texts)
    for folder in folders:
        if folder in needed:
            print(f"{folder.relative_to(root)} stays: {needed[folder].relative_to(root)} imports it")
        else:
            shutil.rmtree(folder)
    code: dict[str, list[str]] = {}
    for file in without_tests(texts, [folder for folder in folders if folder not in needed]):
        code.setdefault(file.relative_to(root).parts[0], []).append(texts[file])
    for package in [path for path in root.iterdir() if path.is_dir()]:
        surplus = [path for path in package.rglob("*") if path.suffix in _SUFFIXES and path.is_file()]
        named = named_files(code.get(package.name, ())) if surplus else set()
        for file in surplus:
            if not kept(root, file, keep) and not speaks_of(named, file):
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


def imported(root: Path, folders: list[Path], texts: Mapping[Path, str]) -> dict[Path, Path]:
    """Return the folders that are imported with their packages, each with a file that does it.

    That is code outside of tests which imports them on its top level and is imported by other such code: what only a
    person would run by hand does not count. `texts` are all modules; few speak of tests, so few are looked into.
    """
    by_module = {".".join(folder.relative_to(root).parts): folder for folder in folders}
    modules = {file: texts[file] for file in without_tests(texts, folders)}
    importers: list[tuple[Path, Path]] = []
    for file, text in modules.items():
        if "test" not in text:
            continue
        for indent, names in imports(text, file.relative_to(root).parent.parts):
            if not indent:
                ancestors = {".".join(name.split(".")[:end]) for name in names for end in range(1, name.count(".") + 2)}
                importers += [(by_module[tests], file) for tests in by_module.keys() & ancestors]
    return {folder: file for folder, file in importers if file.name == "__init__.py" or is_called(root, file, modules)}


def is_called(root: Path, file: Path, modules: Mapping[Path, str]) -> bool:
    """Whether any of `modules` imports `file`, at whatever place."""
    name = ".".join(file.relative_to(root).with_suffix("").parts)
    return any(
        name in names
        for other, text in modules.items()
        if file.stem in text
        for _, names in imports(text, other.relative_to(root).parent.parts)
    )


def imports(text: str, package: tuple[str, ...]) -> Iterator[tuple[str, set[str]]]:
    """Yield (indent, the absolute names that one statement may import) of a module in `package`."""
    for indent, module, names in _IMPORT.findall(text):
        absolute = resolved(module, package)
        yield indent, {absolute, *(f"{absolute}.{name.split()[0]}" for name in names.split(",") if name.split())}


def without_tests(files: Iterable[Path], folders: Iterable[Path]) -> list[Path]:
    """Return the files that lie in none of `folders`."""
    tests = {f"{folder}/" for folder in folders}
    depths = {name.count("/") for name in tests}
    parts = ((file, str(file).split("/")) for file in files)
    return [file for file, names in parts if not any("/".join(names[:depth]) + "/" in tests for depth in depths)]


def resolved(module: str, package: tuple[str, ...]) -> str:
    """Return the absolute name of a module that code in `package` imports, `..tests` included."""
    name = module.lstrip(".")
    dots = len(module) - len(name)
    if not dots:
        return module
    return ".".join(filter(None, (*package[: len(package) - dots + 1], name)))


def named_files(texts: Iterable[str]) -> set[str]:
    """Return what a package's code says that looks like a file of `_SUFFIXES`; `.pyi` for code that reads stubs."""
    found: set[str] = set()
    for text in texts:
        for place in _NAMED.finditer(text):
            begin = place.start()
            while begin and (text[begin - 1].isalnum() or text[begin - 1] in "_-+."):
                begin -= 1
            found.add(text[begin : place.end()])
        if "attach_stub" in text:
            found.add(".pyi")
    return found


def speaks_of(named: set[str], file: Path) -> bool:
    """Whether a package's code mentions `file`, or reads stubs as such (`lazy_loader.attach_stub`)."""
    if file.suffix == ".pyi" and any(name.endswith(".pyi") for name in named):
        return True
    return any(name.endswith(file.name) for name in named)


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
