"""Static files: hashed, compressed, cached for ever, and never the reason for a 500."""

import json
from pathlib import Path

import pytest

from .conftest import Shop
from .test_security import ASYNCHRONOUS

COLLECT = (
    "from django.core.management import execute_from_command_line as run; run(['x', 'collectstatic', '--noinput'])"
)


@pytest.fixture
def collected(shop: Shop) -> Shop:
    (shop.folder / "shop" / "collected" / "staticfiles.json").unlink()
    (shop.folder / "shop" / "assets" / "broken.css").write_text("p { background: url(nowhere.png) }\n")
    (shop.folder / "shop" / "assets" / "big.bin").write_bytes(bytes(range(256)) * 1024)
    done = shop.run("-c", COLLECT)
    assert done.returncode == 0, done.stderr
    return shop


def manifest(shop: Shop) -> dict[str, str]:
    paths: dict[str, str] = json.loads(Path(shop.folder, "shop/collected/staticfiles.json").read_text())["paths"]
    return paths


def test_a_hashed_file_is_cached_for_ever_and_compressed(collected: Shop) -> None:
    url = "/static/" + manifest(collected)["admin/css/base.css"]
    script = f"got = client.get({url!r}, headers={{'accept-encoding': 'gzip'}})\n"
    script += "answer = [got.status_code, got['Cache-Control'], got['Content-Encoding'], got['X-Content-Type-Options']]"
    assert collected.ask(script) == [200, "max-age=315360000, public, immutable", "gzip", "nosniff"]


def test_the_admin_asks_for_hashed_files_that_are_there(collected: Shop) -> None:
    script = (
        "import re\n"
        "page = client.get('/admin/login/').content.decode()\n"
        'urls = re.findall(r\'"(/static/[^"]+)"\', page)\n'
        "answer = {url: client.get(url).status_code for url in urls}"
    )
    answer = collected.ask(script)
    assert set(answer.values()) == {200}
    assert all(url.removeprefix("/static/") in manifest(collected).values() for url in answer)


def test_a_name_that_is_not_in_the_manifest_is_a_plain_name(collected: Shop) -> None:
    script = (
        "from django.templatetags.static import static\n"
        "answer = [static('shop.css'), static('nowhere/logo.png'), static('nowhere.css?v=1#x'), static('x/'),\n"
        "          client.get('/static/nowhere/logo.png').status_code]"
    )
    hashed, *plain = collected.ask(script)
    assert hashed == "/static/" + manifest(collected)["shop.css"]
    assert hashed != "/static/shop.css"
    assert plain == ["/static/nowhere/logo.png", "/static/nowhere.css?v=1#x", "/static/x/", 404]


def test_without_a_manifest_the_project_still_answers(shop: Shop) -> None:
    (shop.folder / "shop" / "collected" / "staticfiles.json").unlink()
    (shop.folder / "shop" / "collected").rmdir()
    assert shop.ask("answer = client.get('/admin/login/').status_code") == 200
    assert shop.problems() == ["slipway.W081"]


def test_an_asynchronous_server_streams_a_file_whole(collected: Shop) -> None:
    url = "/static/" + manifest(collected)["big.bin"]
    script = "import warnings\nwarnings.simplefilter('error')\n" + ASYNCHRONOUS
    script += f"status, _, parts = asked({url!r}, '10.0.0.7')\n"
    script += "body = b''.join(part.get('body', b'') for part in parts)\n"
    script += "answer = [status, len(body), body == bytes(range(256)) * 1024, len(parts)]"
    status, length, same, messages = collected.ask(script)
    assert (status, length, same) == (200, 256 * 1024, True)
    assert messages >= 4


def test_a_storage_of_the_projects_own_is_kept(shop: Shop) -> None:
    shop.change("\nSTORAGES = {'default': {'BACKEND': 'a.b'}, 'staticfiles': {'BACKEND': 'shop.storage.Own'}}\n")
    found = shop.composed()
    assert found["STORAGES"] == {"default": {"BACKEND": "a.b"}, "staticfiles": {"BACKEND": "shop.storage.Own"}}


def test_a_project_without_a_place_for_them_is_told(shop: Shop) -> None:
    shop.change("\nSTATIC_ROOT = None\n")
    assert shop.problems() == ["slipway.W080"]
