"""Byte-compiles modules beside their source, each only where the same text was not compiled before.

A .pyc holds no time and is not held against its source: nobody writes into the image. What does not compile is told and
no more: as long as nobody imports it, the project works.
"""

import hashlib
import importlib.util
import os
import py_compile
import shutil
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

KEPT = 20_000
"""How many compiled modules are remembered before the half that was not used for longest goes."""
_FEW = 16


def compile_all(source: Path, memo: Path, without: Path) -> None:
    """Compile every module below `source` but those below `without`."""
    memo.mkdir(parents=True, exist_ok=True)
    files = [(file, memo / key(file)) for file in sorted(source.rglob("*.py")) if without not in file.parents]
    files = [(file, known) for file, known in files if file.is_file()]
    fresh = [(file, known) for file, known in files if not known.exists()]
    for problem in compiled(fresh):
        print(problem)
    for file, known in files:
        if known.exists():
            target = Path(importlib.util.cache_from_source(str(file)))
            target.parent.mkdir(exist_ok=True)
            shutil.copyfile(known, target)
            os.utime(known)
    forget(memo)


def key(file: Path) -> str:
    """Return what the compiled form follows from: this Python, the path that tracebacks show, the text."""
    whole = hashlib.sha256(f"{sys.version}\0{file}\0".encode())
    whole.update(file.read_bytes() if file.is_file() else b"")
    return whole.hexdigest()


def compiled(fresh: list[tuple[Path, Path]]) -> Iterator[str]:
    """Compile what is new, yield what is wrong with it; many at once where there are many."""
    if len(fresh) <= _FEW:
        yield from filter(None, map(compile_one, fresh))
        return
    with ProcessPoolExecutor() as pool:
        yield from filter(None, pool.map(compile_one, fresh, chunksize=_FEW))


def compile_one(pair: tuple[Path, Path]) -> str:
    """Compile a file into another, whole or not at all; return what is wrong with it."""
    file, target = pair
    try:
        mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
        py_compile.compile(str(file), str(target), dfile=str(file), doraise=True, invalidation_mode=mode, quiet=1)
    except (py_compile.PyCompileError, UnicodeDecodeError, ValueError) as error:
        return f"*** {file} does not compile: {str(error).strip()}"
    return ""


def forget(memo: Path) -> None:
    """Keep the memo from growing for ever."""
    known = sorted(memo.iterdir(), key=lambda path: path.stat().st_mtime)
    if len(known) > KEPT:
        for old in known[: len(known) // 2]:
            old.unlink()
