"""Files that are no env files, programs that are missing, broken or mute, and a memory that somebody spoilt."""

import json
import os
import time
from pathlib import Path

import pytest

from slipway.checks.issue import Severity
from slipway.checks.readers.issues import reader_issues
from slipway.checks.readers.lines import chunks, is_plain_file
from slipway.config.env_readers import Reader, Use
from slipway.engines.readers import asking
from slipway.engines.readers.bash import Bash, is_safe
from slipway.engines.readers.compose import Compose
from slipway.engines.readers.docker_client import DockerClient
from slipway.engines.readers.fetch import fetch
from slipway.engines.readers.machine import machine_readers, npm_folder, npm_wanted
from slipway.engines.readers.node import NodeReader
from slipway.engines.readers.workspace import gather
from slipway.errors import Unreachable
from slipway.sources.walk import walk
from tests.engines.readers.asked import readers

MANY = 1_000_000


@pytest.mark.parametrize(
    "text",
    [
        "K=" + "a" * MANY,
        'K="' + "a" * MANY,
        "K=" + "'a'" * (MANY // 3),
        'K="' + "\\" * MANY,
        "K=" + "$" * MANY,
        "K=" + "${A:-" * (MANY // 5),
        "(" * MANY,
        "\n" * MANY,
        " " * MANY,
        "K='\n" * (MANY // 4),
        "A=b c\n" * (MANY // 6),
    ],
    ids=lambda text: repr(text[:8]),
)
def test_a_megabyte_of_anything_is_looked_at_in_a_moment(text: str) -> None:
    begin = time.monotonic()
    is_plain_file(text)
    is_safe(text)
    for _, _ in zip(chunks(text), range(200), strict=False):
        pass
    assert time.monotonic() - begin < 10


def test_a_file_of_too_many_odd_lines_is_said_to_be_read_in_part() -> None:
    text = "".join(f"K{n}='a b'\n" for n in range(300))
    issues = reader_issues([Use(".env", Reader.PYTHON_DOTENV, "s.py:1")], {".env": text}, readers())
    assert [(issue.id, issue.severity) for issue in issues] == [("readers.not-asked", Severity.WARNING)]


def program(folder: Path, script: str) -> Path:
    file = folder / "program"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return file


@pytest.mark.parametrize("script", ["exit 1", "echo nonsense", "echo '{}'", "echo 2.30.0; exit 3", "kill -9 $$"])
def test_a_broken_program_is_an_error_and_no_answer(tmp_path: Path, script: str) -> None:
    broken = program(tmp_path, script)
    module = tmp_path / "vite"
    module.mkdir()
    (module / "package.json").write_text('{"version": "5.0.0"}')
    for reader in (
        Bash(broken),
        Compose([[str(broken)]], tmp_path),
        DockerClient(broken),
        NodeReader(Reader.NODE, broken),
        NodeReader(Reader.VITE, broken, module),
    ):
        with pytest.raises(Unreachable):
            reader.read(["K=1\n"])


def test_a_program_without_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "SECONDS", 0.2)
    with pytest.raises(Unreachable, match="did not end"):
        NodeReader(Reader.NODE, program(tmp_path, "exec sleep 30")).read(["K=1\n"])


def test_an_older_compose_is_not_believed(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match=r"1\.29\.2, older than 2\.26"):
        _ = Compose([[str(program(tmp_path, "echo 1.29.2"))]], tmp_path).program


def test_what_is_not_here_says_so() -> None:
    none = machine_readers(Path("nowhere"))
    for reader in (Bash(None), DockerClient(None), Compose([], Path.home()), NodeReader(Reader.NODE, None)):
        with pytest.raises(Unreachable):
            _ = reader.program
    for name in (Reader.VITE, Reader.NODE_DOTENV):
        with pytest.raises(Unreachable, match="is not fetched"):
            _ = none[name].program


def test_a_text_reaches_a_program_in_a_private_file_and_never_in_its_words(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    spy = program(
        tmp_path, f'printf "%s " "$@" >> {seen}; stat -c "%a %n" . *.env 2>/dev/null >> {seen}; env >> {seen}'
    )
    with pytest.raises(Unreachable):
        Bash(spy).read(["K=hunter2\n"])
    told = seen.read_text()
    assert "700 ." in told
    assert "600 0.env" in told
    assert "hunter2" not in told
    assert "HOME=" not in told


def test_the_workspace_is_walked_without_what_others_made(tmp_path: Path) -> None:
    for path in (
        "a/.env.example",
        "node_modules/x/.env",
        ".venv/.env",
        "a/s.py",
        "a/other.py",
        "a/package.json",
        "a/x.js",
    ):
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("import dotenv\n" if path != "a/other.py" else "pass\n")
    (tmp_path / "a" / "broken.py").symlink_to("nowhere")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "a" / "pipe.py")
    (tmp_path / "a" / ".env").symlink_to(".env.example")
    (tmp_path / "a" / ".env.local").symlink_to("/etc/hostname")
    (tmp_path / "a" / ".env.test").symlink_to("nowhere")
    (tmp_path / "a" / ".env.dev").symlink_to(".env.dev")
    (tmp_path / "a" / "huge.sh").write_text("#" * 1_000_001)
    env_files, sources = gather(walk(tmp_path))
    assert list(env_files) == ["a/.env", "a/.env.example"]
    assert sorted(sources) == ["a/package.json", "a/s.py"]


def test_the_vite_that_the_workspace_asks_for_is_fetched_and_bash_never() -> None:
    asked = npm_wanted({"a/package.json": '{"devDependencies": {"vite": "^5.0.0"}}'})
    assert asked == {"vite": "vite@^5.0.0", "dotenv": "dotenv"}
    assert npm_wanted({"a/package.json": '{"devDependencies": {"vite": "$(touch x)"}}'})["vite"] == "vite"
    assert fetch(Reader.BASH, Path("nowhere"), Path("nowhere")) is False


def test_a_package_is_taken_from_the_tools_alone_and_only_in_the_version_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def put(folder: Path, version: str) -> None:
        module = folder / "node_modules" / "vite"
        module.mkdir(parents=True)
        (module / "package.json").write_text(json.dumps({"version": version}))

    source, tools = tmp_path / "source", tmp_path / "tools"
    put(source, "5.0.0")
    put(npm_folder(tools, "vite@^8.0.0"), "8.0.0")
    monkeypatch.chdir(source)
    for wanted, answer in (("^8.0.0", "vite 8.0.0"), ("^5.0.0", "")):
        (source / "package.json").write_text(json.dumps({"devDependencies": {"vite": wanted}}))
        vite = machine_readers(tools, npm_wanted(gather(walk(source))[1]))[Reader.VITE]
        if answer:
            assert vite.program == answer
        else:
            with pytest.raises(Unreachable, match="is not fetched"):
                vite.read(["K=1\n"])


def test_what_export_would_multiply_is_not_given_to_bash() -> None:
    assert not is_safe("export K={1..1000000000}\n")
    assert is_safe("K={1..1000000000}\nexport L=a\n")


def test_a_file_that_names_the_mark_of_a_case_is_read_as_any_other() -> None:
    docker = machine_readers(Path("nowhere"))[Reader.DOCKER]
    assert [one.values for one in docker.read(["SLIPWAY_CASE=x\nK=v\n", "SLIPWAY_CASE=99\n"])] == [
        {"SLIPWAY_CASE": "x", "K": "v"},
        {"SLIPWAY_CASE": "99"},
    ]
