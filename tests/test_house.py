"""The house rules that no linter knows: read from the files, so that breaking one names the line."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import slipway

ROOT = Path(__file__).resolve().parent.parent
LONGEST = 400
JUNK_DRAWERS = {"utils", "util", "helpers", "helper", "common", "misc"}

# Written in two parts, so that this file passes its own rules.
HOSTS = re.compile(
    r"(py" + r"pi|python" + r"hosted|npm" + r"js|registry\.npm" + r"js|deb\.deb" + r"ian|security\.deb" + r"ian"
    r"|archive\.ubun" + r"tu|yarn" + r"pkg)\.(org|com)",
    re.IGNORECASE,
)
MACHINE_PATHS = re.compile(r"/(wor" + r"k|far" + r"m)/|/opt/whe" + r"els|/opt/py" + r"pi")
LEFT_OPEN = re.compile(
    r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b|NotImplemented" + r"Error|pytest\.(mark\.)?(sk" + r"ip|xf" + r"ail)"
)


def tracked() -> list[Path]:
    """Return the files git has or would take."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    return [path for name in sorted(set(listed.split("\0"))) if name and (path := ROOT / name).is_file()]


FILES = tracked()
PYTHON = [path for path in FILES if path.suffix == ".py"]
LIBRARY = [path for path in PYTHON if path.is_relative_to(ROOT / "src") or path.is_relative_to(ROOT / "tasks")]


def lines_matching(pattern: re.Pattern[str], files: list[Path]) -> list[str]:
    found = []
    for path in files:
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        found += [
            f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
            for number, line in enumerate(text.splitlines(), 1)
            if pattern.search(line)
        ]
    return found


def nodes(path: Path) -> Iterator[tuple[str, ast.AST]]:
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        yield f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}", node


def test_there_is_a_house_to_look_at() -> None:
    assert len(LIBRARY) > 20
    assert ROOT / "inv" in FILES


def test_no_file_is_longer_than_a_person_reads() -> None:
    long = {
        str(path.relative_to(ROOT)): count for path in PYTHON if (count := len(path.read_text().splitlines())) > LONGEST
    }
    assert long == {}


def test_no_file_names_a_package_registry_or_a_path_of_one_machine() -> None:
    assert lines_matching(HOSTS, FILES) == []
    assert lines_matching(MACHINE_PATHS, FILES) == []


def test_nothing_is_left_open() -> None:
    assert lines_matching(LEFT_OPEN, PYTHON) == []


def test_only_the_console_prints() -> None:
    allowed = ROOT / "src/slipway/engines/console.py"
    prints = [
        where
        for path in LIBRARY
        if path != allowed
        for where, node in nodes(path)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert prints == []


def test_only_the_session_reads_the_process_environment() -> None:
    """The stand-in's entry point runs in a container of its own and has no session."""
    allowed = {ROOT / "tasks/_session.py", ROOT / "src/slipway/rehearsal/standin/__main__.py"}
    reads = [
        where
        for path in LIBRARY
        if path not in allowed
        for where, node in nodes(path)
        if (isinstance(node, ast.Attribute) and node.attr in {"environ", "environb", "getenv"})
        or (isinstance(node, ast.ImportFrom) and node.module == "os" and any("env" in name.name for name in node.names))
    ]
    assert reads == []


def test_there_is_no_junk_drawer() -> None:
    assert [str(path) for path in PYTHON if path.stem in JUNK_DRAWERS or path.parent.name in JUNK_DRAWERS] == []


def test_importing_the_tasks_loads_nothing_heavy() -> None:
    """`inv --list` pays for what an import loads; asked of a new process. (PyYAML comes with Invoke.)"""
    heavy = (
        "docker",
        "fabric",
        "paramiko",
        "httpx",
        "rich",
        "websockets",
        "cryptography",
        "pydantic",
    )
    script = f"import sys, tasks; print(*sorted(set({heavy!r}) & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert loaded.split() == []


def test_the_version_is_the_same_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == slipway.__version__
    headings = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == "Unreleased"
    assert headings[1:2] in ([], [slipway.__version__])


def locked() -> dict[str, str]:
    """Return name -> version of the lock; a name that stands twice (by Python version) keeps the last."""
    return {
        canonicalize_name(name): version
        for name, version in re.findall(
            r"^([A-Za-z0-9._-]+)==(\S+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE
        )
    }


def declared() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    lists = [project["project"]["dependencies"], *project["project"]["optional-dependencies"].values()]
    return [Requirement(text) for texts in [*lists, project["build-system"]["requires"]] for text in texts]


@pytest.mark.parametrize("requirement", declared(), ids=str)
def test_the_lock_has_every_dependency_in_a_version_that_fits(requirement: Requirement) -> None:
    version = locked().get(canonicalize_name(requirement.name))
    assert version is not None
    assert requirement.specifier.contains(version)


def test_the_lock_has_a_hash_for_every_package_and_no_address() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    entries = re.split(r"^(?=\S)", lock, flags=re.MULTILINE)[1:]
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []
    assert re.findall(r"^.*(?:://|--index|--extra-index|--find-links|file:|git\+).*$", lock, re.MULTILINE) == []


def test_every_dependency_gives_its_reason() -> None:
    block = (ROOT / "pyproject.toml").read_text().split("\ndependencies = [")[1].split("[tool.")[0]
    wanting = [line.strip() for line in block.splitlines() if line.strip().startswith('"') and " # " not in line]
    assert wanting == []
