"""Checkouts that a test may change: copies of the project's tracked files, or of example/ alone, each its own git."""

import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from tests.e2e.person import ROOT


@dataclass(frozen=True)
class Checkout:
    """A git checkout in a folder of the test's own; `tags` are those that images of its revisions get."""

    path: Path
    tags: list[str] = field(default_factory=list)

    def edit(self, file: str, old: str, new: str) -> "Checkout":
        """Replace the one place where `old` stands."""
        text = (self.path / file).read_text()
        assert text.count(old) == 1, f"{file} has {text.count(old)} times {old!r}"
        return self.write(file, text.replace(old, new))

    def write(self, file: str, text: str) -> "Checkout":
        (self.path / file).write_text(text)
        return self

    def commit(self) -> str:
        """Commit everything and return the tag that images of this revision get."""
        git(self.path, "add", "-A")
        git(self.path, "commit", "--quiet", "--allow-empty", "-m", "A change")
        self.tags.append(f"0.0.0-{git(self.path, 'rev-parse', '--short=12', 'HEAD')}")
        return self.tags[-1]

    def goes_back(self) -> None:
        """Make the newest commit undone, as if it had never been."""
        git(self.path, "reset", "--quiet", "--hard", "HEAD~1")


def example(folder: Path) -> Checkout:
    """Copy example/ as git has it."""
    return _copied(folder, "example")


def project(folder: Path) -> Checkout:
    """Copy the whole project as git has it, changes included: what a person has who just cloned it."""
    return _copied(folder, "")


def _copied(folder: Path, below: str) -> Checkout:
    listed = git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", below or ".")
    for name in filter(None, listed.split("\0")):
        source, target = ROOT / name, folder / Path(name).relative_to(below)
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    git(folder, "init", "--quiet")
    checkout = Checkout(folder)
    checkout.commit()
    return checkout


def git(folder: Path, *words: str) -> str:
    who = ("-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false")
    argv = ["git", *who, "-C", str(folder), *words]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()
