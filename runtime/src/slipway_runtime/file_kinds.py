"""Kinds of files that may be uploaded, told by name, declared type and first bytes, which must agree."""

from collections.abc import Callable
from dataclasses import dataclass

HEAD = 512
"""Bytes that are enough to tell a kind."""
UNDECLARED = frozenset({"", "application/octet-stream", "binary/octet-stream"})
"""What a client says that does not know."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Extensions and media types of a kind, and a test of a file's first bytes."""

    extensions: frozenset[str]
    types: frozenset[str]
    fits: Callable[[bytes], bool]


def _begins(*signatures: bytes, at: int = 0) -> Callable[[bytes], bool]:
    return lambda head: head[at:].startswith(signatures)


def _riff(form: bytes) -> Callable[[bytes], bool]:
    return lambda head: head[:4] in (b"RIFF", b"RF64") and head[8:12] == form


def _mpeg_audio(head: bytes) -> bool:
    # An ID3 tag, or a frame: eleven bits set, a layer that is not 0. AAC's ADTS has layer 0.
    frame = len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0 and head[1] & 6 != 0
    return head.startswith(b"ID3") or frame


def _adts(head: bytes) -> bool:
    return head.startswith(b"ID3") or (len(head) > 1 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0)


def _text(head: bytes) -> bool:
    """Text that no browser takes for a page."""
    return b"\0" not in head and not head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<")


def _xml(head: bytes) -> bool:
    lower = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    active = (b"<html", b"<!doctype html", b"<svg", b"<!doctype svg", b"<script", b"http://www.w3.org/1999/xhtml")
    return b"\0" not in head and lower.startswith(b"<") and not any(word in lower for word in active)


def _json(head: bytes) -> bool:
    return b"\0" not in head and head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[", b'"')


def _kind(extensions: str, types: str, fits: Callable[[bytes], bool]) -> Kind:
    return Kind(frozenset(extensions.split()), frozenset(types.split()), fits)


_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OFFICE = "application/vnd.openxmlformats-officedocument"
KINDS: dict[str, Kind] = {
    "jpeg": _kind("jpg jpeg", "image/jpeg image/jpg image/pjpeg", _begins(b"\xff\xd8\xff")),
    "png": _kind("png", "image/png image/x-png", _begins(b"\x89PNG\r\n\x1a\n")),
    "gif": _kind("gif", "image/gif", _begins(b"GIF87a", b"GIF89a")),
    "webp": _kind("webp", "image/webp", _riff(b"WEBP")),
    "mp3": _kind("mp3", "audio/mpeg audio/mp3 audio/x-mp3 audio/x-mpeg audio/mpeg3", _mpeg_audio),
    "wav": _kind("wav wave", "audio/wav audio/x-wav audio/wave audio/vnd.wave", _riff(b"WAVE")),
    "flac": _kind("flac", "audio/flac audio/x-flac", _begins(b"fLaC", b"ID3")),
    "ogg": _kind("ogg oga opus", "audio/ogg audio/opus application/ogg audio/x-ogg", _begins(b"OggS")),
    "aac": _kind("aac", "audio/aac audio/x-aac audio/aacp audio/vnd.dlna.adts", _adts),
    "mp4": _kind(
        "mp4 m4a m4v mov",
        "audio/mp4 audio/x-m4a audio/m4a video/mp4 video/x-m4v video/quicktime",
        _begins(b"ftyp", b"moov", b"mdat", b"free", b"wide", b"skip", at=4),
    ),
    "webm": _kind("webm mkv", "video/webm audio/webm video/x-matroska", _begins(b"\x1aE\xdf\xa3")),
    "avi": _kind("avi", "video/x-msvideo video/avi video/vnd.avi", _riff(b"AVI ")),
    "pdf": _kind("pdf", "application/pdf application/x-pdf", _begins(b"%PDF-")),
    "word": _kind("doc", "application/msword", _begins(_OLE)),
    "docx": _kind("docx", f"{_OFFICE}.wordprocessingml.document", _begins(b"PK\x03\x04")),
    "excel": _kind("xls", "application/vnd.ms-excel application/excel", _begins(_OLE)),
    "xlsx": _kind("xlsx", f"{_OFFICE}.spreadsheetml.sheet", _begins(b"PK\x03\x04")),
    "zip": _kind("zip", "application/zip application/x-zip-compressed", _begins(b"PK\x03\x04", b"PK\x05\x06")),
    "csv": _kind("csv tsv", "text/csv text/plain text/tab-separated-values application/vnd.ms-excel", _text),
    "txt": _kind("txt", "text/plain", _text),
    "json": _kind("json", "application/json text/json text/plain", _json),
    "xml": _kind("xml", "application/xml text/xml", _xml),
}
"""No SVG and no HTML: both run scripts in the origin that serves them."""


def kind_of(file_name: str) -> str | None:
    """Return the kind that a file's name claims, None for a name of no kind."""
    _, dot, extension = file_name.rpartition(".")
    for name, kind in KINDS.items():
        if dot and extension.lower() in kind.extensions:
            return name
    return None
