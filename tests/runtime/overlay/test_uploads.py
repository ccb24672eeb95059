"""Uploads: the kinds that are let in, and the JSON that the others get."""

import pytest
from slipway_runtime.file_kinds import KINDS, kind_of

from .conftest import Shop

PNG = b"\x89PNG\r\n\x1a\n" + bytes(2000)
MP3 = b"ID3\x04" + bytes(2000)
SEND = """
from django.core.files.uploadedfile import SimpleUploadedFile
def send(name, content, kind):
    got = client.post('/upload/', {'file': SimpleUploadedFile(name, content, kind)}, headers={'origin': ORIGIN})
    text = got.content.decode()
    said = got.json() if 'json' in got['Content-Type'] else text
    return [got.status_code, said, got.get('Access-Control-Allow-Origin')]
ORIGIN = 'https://shop.example.net'
"""
ACCEPTED = {
    "a picture": ("cover.PNG", PNG, "image/png"),
    "a picture whose browser knows no type": ("cover.png", PNG, "application/octet-stream"),
    "a song": ("song.mp3", MP3, "audio/mpeg"),
    "a song without tags": ("song.mp3", b"\xff\xfb\x90\x64" + bytes(600), "audio/mp3"),
    "a recording": ("take.wav", b"RIFF\x24\0\0\0WAVEfmt " + bytes(600), "audio/x-wav"),
    "a table": ("plays.csv", b"artist,plays\nAmaarae,3\n", "text/csv"),
    "a table from a spreadsheet": ("plays.csv", b"a;b\n", "application/vnd.ms-excel"),
    "a contract": ("contract.pdf", b"%PDF-1.7\n" + bytes(20), "application/pdf"),
    "an empty file": ("empty.png", b"", "image/png"),
}
REFUSED = {
    "a program": ("setup.exe", b"MZ" + bytes(600), "application/octet-stream"),
    "a program that calls itself a picture": ("cover.png", b"MZ" + bytes(600), "image/png"),
    "a page that calls itself a picture": ("cover.jpg", b"<html><script>alert(1)</script>", "image/jpeg"),
    "a page that calls itself a table": ("plays.csv", b"\xef\xbb\xbf  <script>alert(1)</script>", "text/csv"),
    "a picture declared as a page": ("cover.png", PNG, "text/html"),
    "a drawing that runs scripts": ("logo.svg", b"<svg onload='alert(1)'/>", "image/svg+xml"),
    "a drawing that calls itself XML": ("logo.xml", b"<?xml version='1.0'?><svg onload='alert(1)'/>", "text/xml"),
    "a name without an ending": ("README", b"text", "text/plain"),
    "a second ending": ("cover.png.php", PNG, "image/png"),
    "a song that is another kind": ("song.mp3", PNG, "audio/mpeg"),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_kind_that_is_known_reaches_the_view(shop: Shop, name: str) -> None:
    file, content, kind = ACCEPTED[name]
    status, text, _ = shop.ask(SEND + f"answer = send({file!r}, {content!r}, {kind!r})")
    assert (status, text) == (200, repr({"file": len(content)}))


def test_what_is_not_let_in_gets_415_as_json_that_a_portal_can_read(shop: Shop) -> None:
    calls = ", ".join(f"send({file!r}, {content!r}, {kind!r})" for file, content, kind in REFUSED.values())
    for name, (status, body, origin) in zip(REFUSED, shop.ask(SEND + f"answer = [{calls}]"), strict=True):
        assert (status, body["error"], origin) == (415, "unsupported_upload", "https://shop.example.net"), (name, body)


def test_a_view_that_swallows_the_refusal_does_not_answer(shop: Shop) -> None:
    urls = shop.folder / "shop" / "urls.py"
    swallowing = (
        "    try:\n        request.FILES\n    except Exception:\n        pass\n    return HttpResponse('fine')\n"
    )
    urls.write_text(urls.read_text().replace("    sizes =", swallowing + "    sizes ="))
    assert shop.ask(SEND + "answer = send('x.exe', b'MZ', 'application/octet-stream')[0]") == 415


def test_too_much_gets_413(shop: Shop) -> None:
    script = SEND + (
        f"big = {PNG!r} + bytes(1024 * 1024)\n"
        "answer = [send('a.png', big, 'image/png'), send('b.png', big + bytes(1024 * 1024), 'image/png')]\n"
    )
    for status, body, origin in shop.ask(script, UPLOAD_MAX_MB="1"):
        assert (status, body["error"], origin) == (413, "upload_too_large", "https://shop.example.net")


def test_several_files_count_together(shop: Shop) -> None:
    script = SEND + (
        f"half = {PNG!r} + bytes(600 * 1024)\n"
        "files = {name: SimpleUploadedFile(name + '.png', half, 'image/png') for name in 'ab'}\n"
        "answer = client.post('/upload/', files).status_code"
    )
    assert shop.ask(script, UPLOAD_MAX_MB="1") == 413
    assert shop.ask(script, UPLOAD_MAX_MB="2") == 200


def test_the_list_can_be_shorter_or_everything(shop: Shop) -> None:
    script = SEND + f"answer = [send('a.png', {PNG!r}, 'image/png')[0], send('a.exe', b'MZ', 'a/b')[0]]"
    assert shop.ask(script, UPLOAD_TYPES="mp3") == [415, 415]
    assert shop.ask(script, UPLOAD_TYPES="png") == [200, 415]
    assert shop.ask(script, UPLOAD_TYPES="*") == [200, 200]
    assert shop.ask(script, SLIPWAY_OVERLAY_OFF=f"{shop.right['SLIPWAY_OVERLAY_OFF']},uploads") == [200, 200]


def test_each_ending_belongs_to_one_kind() -> None:
    endings = [ending for kind in KINDS.values() for ending in kind.extensions]
    assert len(endings) == len(set(endings))
    assert {kind_of(f"x.{ending}") for ending in endings} == set(KINDS)
    assert kind_of("png") is None
