"""Dockerfiles under hadolint, with the rules that .hadolint.yaml leaves out for a reason."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
CONFIG = ROOT / ".hadolint.yaml"
DOCKERFILES = [
    *sorted((ROOT / "bases").glob("*.Dockerfile")),
    ROOT / "Dockerfile.backend",
    ROOT / "Dockerfile.frontend",
    ROOT / "src/slipway/rehearsal/standin/Dockerfile",
]


def hadolint(*words: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("hadolint")
    return subprocess.run([program, *words], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda file: file.stem or file.parent.name)
def test_a_dockerfile_is_clean(dockerfile: Path) -> None:
    done = hadolint("--config", str(CONFIG), "--no-color", str(dockerfile))
    assert (done.returncode, done.stdout) == (0, "")


def test_a_dockerfile_that_is_not_clean_is_told(tmp_path: Path) -> None:
    dirty = tmp_path / "Dockerfile"
    dirty.write_text("FROM debian:latest\nRUN cd /tmp && touch x\n")
    done = hadolint("--config", str(CONFIG), "--no-color", str(dirty))
    assert done.returncode == 1
    assert {"DL3007", "DL3003"} <= set(done.stdout.split())


def test_every_rule_that_is_left_out_has_a_reason_and_something_to_forgive() -> None:
    lines = CONFIG.read_text().splitlines()
    ignored = [number for number, line in enumerate(lines) if line.strip().startswith("- ")]
    assert [lines[number] for number in ignored if not lines[number - 1].strip().startswith("#")] == []
    everything = map(str, DOCKERFILES)
    said = hadolint("--no-color", "--config", "/dev/null", *everything).stdout
    assert [rule for rule in yaml.safe_load(CONFIG.read_text())["ignored"] if rule not in said] == []
