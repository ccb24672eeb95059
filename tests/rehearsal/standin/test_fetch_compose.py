"""The script that fetches Compose: which mirror it takes, and how it gives up, with an apt of straw."""

import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "src/slipway/rehearsal/standin/fetch-compose.sh"
DEB822 = """
# a comment
Types: deb
URIs: http://security.mirror.test/debian-security
Suites: bookworm-security
Components: main

Types: deb-src
URIs: http://sources.mirror.test/debian
Suites: bookworm

Enabled: no
Types: deb
URIs: http://off.mirror.test/debian
Suites: bookworm

Types: deb deb-src
# another
URIs: http://good.mirror.test/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: {key}
"""
ONE_LINE = """
# deb http://commented.mirror.test/debian bookworm main
deb-src http://sources.mirror.test/debian bookworm main
deb http://security.mirror.test/debian-security bookworm-security main
deb [arch=amd64 signed-by={key}] http://good.mirror.test/debian trixie main
deb http://later.mirror.test/debian bookworm main
"""


class Straw:
    """A machine whose apt notes the sources it was given and then fails."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.apt = folder / "apt"
        (self.apt / "sources.list.d").mkdir(parents=True)
        self.key = folder / "key.gpg"
        self.key.touch()
        self.noted = folder / "noted"
        program = folder / "bin" / "apt-get"
        program.parent.mkdir()
        program.write_text(
            '#!/bin/sh\nfor word in "$@"; do case $word in Dir::Etc::SourceList=*)'
            f" cat \"${{word#*=}}\" > '{self.noted}';; esac; done\nexit 100\n"
        )
        program.chmod(0o755)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": f"{self.folder}/bin:/usr/bin:/bin", "APT_SOURCES_DIR": str(self.apt)}
        command = ["sh", str(SCRIPT), *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)


@pytest.fixture
def straw(tmp_path: Path) -> Straw:
    return Straw(tmp_path)


@pytest.mark.parametrize(
    ("name", "content"), [("debian.sources", DEB822), ("debian.list", ONE_LINE), ("../sources.list", ONE_LINE)]
)
def test_the_machines_own_mirror_is_taken(name: str, content: str, straw: Straw) -> None:
    (straw.apt / "sources.list.d" / name).write_text(content.format(key=straw.key))
    ended = straw.run(str(straw.folder / "target"))
    assert straw.noted.read_text() == f"deb [signed-by={straw.key}] http://good.mirror.test/debian trixie main\n"
    assert ended.returncode == 1
    assert "does not answer" in ended.stderr
    assert not (straw.folder / "target").exists()


@pytest.mark.parametrize("content", [None, "", "Types: deb\n", "URIs: http://x.test\nSuites: bookworm-security\n"])
def test_without_a_mirror_it_says_where_one_belongs(content: str | None, straw: Straw) -> None:
    if content is not None:
        (straw.apt / "sources.list.d" / "debian.sources").write_text(content)
    ended = straw.run(str(straw.folder / "target"))
    assert ended.returncode == 1
    assert "no Debian mirror" in ended.stderr
    assert str(straw.apt) in ended.stderr


def test_a_missing_key_is_named(straw: Straw) -> None:
    (straw.apt / "sources.list.d" / "debian.sources").write_text(DEB822.format(key="/absent/key.gpg"))
    ended = straw.run(str(straw.folder / "target"))
    assert (ended.returncode, "/absent/key.gpg" in ended.stderr) == (1, True)


@pytest.mark.parametrize(("version", "kept"), [("2.26.1-4", True), ("v2.30.0", True), ("1.29.2", False), ("", False)])
def test_a_binary_that_is_there_is_kept_if_new_enough(version: str, kept: bool, straw: Straw) -> None:
    target = straw.folder / "target"
    target.mkdir()
    binary = target / "docker-compose"
    binary.write_text(f"#!/bin/sh\necho '{version}'\n")
    binary.chmod(0o755)
    ended = straw.run(str(target))
    assert (ended.returncode == 0) == kept
    assert straw.noted.exists() is False


def test_wrong_use_is_2(straw: Straw) -> None:
    assert straw.run().returncode == 2
