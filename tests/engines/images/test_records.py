"""Records of builds in a folder."""

from pathlib import Path

from slipway.engines.images.records import RecordFolder
from slipway.release.built import BuildRecord

ONE = BuildRecord("1.0.0-a", "sha256:1", 1000, ("l1",), "ab" * 32, {"file a": "1"})


def test_the_last_record_of_an_image_is_kept(tmp_path: Path) -> None:
    records = RecordFolder(tmp_path / "new" / "builds")
    assert records.last("admin") is None
    records.keep("admin", ONE)
    assert records.last("admin") == ONE
    assert [path.name for path in (tmp_path / "new" / "builds").iterdir()] == ["admin.json"]


def test_a_damaged_record_is_none_and_one_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "admin.json").write_bytes(b"\xff{")
    assert RecordFolder(tmp_path).last("admin") is None
    RecordFolder(tmp_path).keep("admin", ONE)
    assert RecordFolder(tmp_path).last("admin") == ONE
    (tmp_path / "file").write_text("")
    RecordFolder(tmp_path / "file").keep("admin", ONE)
