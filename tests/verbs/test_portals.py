"""Reading bundles out of images in memory: what is refused loses its tag, the rest keeps it."""

import pytest

from slipway.config.config import Config
from slipway.errors import Refused, Unreachable
from slipway.ports import BuiltImage
from slipway.testing import FakeImageFiles, Lines
from slipway.verbs.portals import ROOT, bundle_issues, look_into

from .ground import Ground

PAGE = b'<head><script src="/env.js"></script><script type="module" src="/assets/a.js"></script></head>'
GOOD = {"index.html": PAGE, "assets/a.js": b"fetch(globalThis.__ENV.VITE_API_URL)", "logo.png": b"\xff\xd8"}
BAD = GOOD | {"assets/a.js": b'globalThis.__ENV.VITE_API_URL;x={url:"http://api:8000"}'}


@pytest.fixture
def config(ground: Ground) -> Config:
    return ground.config


def image(name: str, **labels: str) -> BuiltImage:
    return BuiltImage(name, f"sha256:{name}", (f"zamio/{name}:1",), 1, {f"slipway.{k}": v for k, v in labels.items()})


def built(*names: str) -> dict[str, BuiltImage]:
    return {name: image(name, configured="start") for name in names}


def files(**held: dict[str, bytes]) -> FakeImageFiles:
    return FakeImageFiles({(f"sha256:{name}", ROOT): found for name, found in held.items()})


def test_portals_that_are_as_meant_keep_their_tags(config: Config) -> None:
    fake, told = files(admin=GOOD, stations=GOOD), Lines()
    results = look_into(fake, config, built("backend", "admin", "stations"), told)
    assert [result.observed for result in results] == ["2 configured at start, every look-up declared"]
    assert told.results == list(results)
    assert fake.untagged == []


def test_without_a_portal_nothing_is_read(config: Config) -> None:
    assert look_into(files(), config, built("backend"), Lines()) == ()


def test_a_portal_with_an_inner_name_is_refused_and_untagged(config: Config) -> None:
    fake, told = files(admin=BAD, stations=GOOD), Lines()
    with pytest.raises(Refused, match="1 errors in admin") as caught:
        look_into(fake, config, built("admin", "stations"), told)
    assert fake.untagged == ["zamio/admin:1"]
    assert "http://api:8000" in caught.value.details[0]
    assert "[portals.local]" in caught.value.details[0]
    assert [str(result.outcome) for result in told.results] == ["failed"]


def test_an_image_that_says_nothing_is_taken_for_one_built_for_one_environment(config: Config) -> None:
    named = {"index.html": b"<p>", "a.js": b'fetch("https://api.zamio.localhost")'}
    assert bundle_issues(files(admin=named), config, {"admin": image("admin")}) == []
    other = {"index.html": b"<p>", "a.js": b'fetch("https://api.zamio.com")'}
    found = bundle_issues(files(admin=other), config, {"admin": image("admin")})
    assert [issue.id for issue in found] == ["portals.value"]


def test_an_engine_that_is_lost_is_no_verdict(config: Config) -> None:
    fake = files(admin=GOOD)
    fake.failures["read", "sha256:admin"] = Unreachable("gone")
    with pytest.raises(Unreachable):
        look_into(fake, config, built("admin"), Lines())
    assert fake.untagged == []
