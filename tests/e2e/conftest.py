"""One rehearsal for all tests that need a standing ground, and the order in which they may use it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest

from tests.e2e.checkouts import Checkout, example
from tests.e2e.looks import Looks, forget_images, watching_command_lines
from tests.e2e.person import ROOT, Person, Ran

_ORDER = ("test_rehearsal", "test_release", "test_refused_release", "test_down", "test_interrupted")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The ground goes through one life: laid, released to, refused, taken away; grounds that are interrupted follow."""
    here = Path(__file__).parent

    def place(item: pytest.Item) -> int:
        return _ORDER.index(item.path.stem) if item.path.parent == here and item.path.stem in _ORDER else -1

    items.sort(key=place)


@pytest.fixture(scope="session")
def looks() -> Iterator[Looks]:
    """The test's own eyes."""
    client = docker.from_env()
    yield Looks(client)
    client.close()


@pytest.fixture(scope="session")
def person() -> Person:
    """Who types every command of the rehearsal; what they were shown is looked through for secrets."""
    return Person()


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory, looks: Looks) -> Iterator[Checkout]:
    """A copy of example/ with a history of its own, so that nobody else's commits make it another release."""
    checkout = example(tmp_path_factory.mktemp("example"))
    yield checkout
    forget_images(looks.client, checkout.tags)


@dataclass(frozen=True)
class Standing:
    """The whole rehearsal as it went, its ground still standing; `lines` are all command lines seen meanwhile."""

    ran: Ran
    source: Checkout
    tag: str
    reports: tuple[Path, ...]
    lines: frozenset[str]

    @property
    def words(self) -> tuple[str, str]:
        """The option that names the source."""
        return ("--source", str(self.source.path))


@pytest.fixture(scope="session")
def standing(person: Person, source: Checkout) -> Iterator[Standing]:
    """`./inv rehearse --keep --format json`; whatever happens, its ground is gone at the end."""
    folder = ROOT / "reports" / "rehearsal"
    before = set(folder.glob("*/report.json"))
    tag = source.commit()
    try:
        with watching_command_lines() as lines:
            ran = person.types("rehearse", "--keep", "--format", "json", "--source", str(source.path), seconds=900)
        new = tuple(set(folder.glob("*/report.json")) - before)
        yield Standing(ran, source, tag, new, frozenset(lines))
    finally:
        person.types("rehearse.down").ended(0)
