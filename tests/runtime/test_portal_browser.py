"""A portal in a real browser: the page appears under its own policy, and the browser would say what that forbids."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from slipway.engines.images.buildkit import BuildKitImages
from slipway.ports import ContextPart, ImageBuild
from slipway.release.bases import RECIPES
from tests.hosts import docker_client, have, run_in

from .conftest import eventually
from .test_portal_start import admin_of, built, checkout, running

pytestmark = pytest.mark.docker
__all__ = ["checkout"]
# Without its sandbox, which wants rights that a container has not; with a clock that runs as fast as the page does.
LOOK = (
    *("chromium-headless-shell", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--enable-logging=stderr"),
    *("--virtual-time-budget=5000", "--dump-dom", "http://127.0.0.1:8080/"),
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Debian's Chromium on the project's own Debian; the builder's cache has it after the first time."""
    have("debian")
    base = RECIPES["debian"].image
    folder = tmp_path_factory.mktemp("browser")
    install = "apt-get -qq update && apt-get -qq install -y --no-install-recommends chromium-headless-shell"
    (folder / "Dockerfile").write_text(f"FROM {base}\nRUN {install} && rm -rf /var/lib/apt/lists/*\n")
    tag = "slipway-test/browser:bookworm"
    build = ImageBuild("browser", (ContextPart(folder),), "Dockerfile", (tag,), labels={"slipway.test": "browser"})
    yield BuildKitImages().build(build, lambda _: None).id
    with docker_client() as client:
        client.images.remove(tag, force=True)


@pytest.fixture
def portal(checkout: Path) -> Iterator[Any]:
    with built(admin_of(checkout)) as image, running(image, VITE_API_URL="https://api.example.invalid") as container:
        eventually(lambda: run_in(container, "healthcheck")[0] == 0, 10, lambda: container.logs().decode())
        yield container


def seen(browser: str, portal: Any) -> tuple[str, str]:
    """Return the page as the browser has made it, and all that it said."""
    with docker_client() as client:
        looking = client.containers.create(
            browser, list(LOOK), network_mode=f"container:{portal.id}", labels={"slipway.test": "browser"}
        )
        try:
            looking.start()
            assert looking.wait(timeout=60)["StatusCode"] == 0
            return looking.logs(stderr=False).decode(), looking.logs(stdout=False).decode()
        finally:
            looking.remove(force=True)


def test_a_page_appears_under_its_policy_and_a_browser_says_what_that_forbids(browser: str, portal: Any) -> None:
    page, said = seen(browser, portal)
    assert '<div id="root"><' in page, said
    assert "Content Security Policy" not in said
    narrower = "sed -i \"s/script-src 'self'/script-src 'none'/\" /run/slipway/csp.conf && nginx -s reload"
    code, told = run_in(portal, "sh", "-c", narrower)
    assert code == 0, told
    page, said = seen(browser, portal)
    assert '<div id="root"></div>' in page
    assert "violates the following Content Security Policy directive" in said
