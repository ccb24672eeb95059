import io
import os
import socket
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway.engines.images.context import Kind, Walk, context_entries, tar_stream
from slipway.errors import UsageError
from slipway.ports import ContextPart

_NAME = st.text("abcXYZ019_-. äß", min_size=1, max_size=8).filter(
    lambda name: name.strip(".") and not name.startswith(".")
)
_TREE = st.dictionaries(
    st.lists(_NAME, min_size=1, max_size=3).map("/".join),
    st.tuples(st.binary(max_size=1500), st.booleans()),
    max_size=8,
)


def _write(root: Path, *names: str, text: str = "x") -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def _names(root: Path, *ignore: str) -> list[str]:
    return [
        entry.name for entry in context_entries([ContextPart(root, ignore=ignore)]) if entry.kind is not Kind.FOLDER
    ]


def _tar(*parts: ContextPart) -> bytes:
    return b"".join(tar_stream(context_entries(parts)))


@settings(max_examples=60, deadline=None)
@given(tree=_TREE)
def test_what_goes_in_comes_out_the_same_on_every_walk(
    tree: dict[str, tuple[bytes, bool]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("tree")
    written: dict[str, tuple[bytes, int]] = {}
    for name, (content, executable) in tree.items():
        path = root / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        except OSError:  # one name is a folder of another
            continue
        path.chmod(0o700 if executable else 0o600)
        written[path.relative_to(root).as_posix()] = content, 0o755 if executable else 0o644
    whole = _tar(ContextPart(root))
    with tarfile.open(fileobj=io.BytesIO(whole)) as tar:
        members = tar.getmembers()
        found = {m.name: (tar.extractfile(m).read(), m.mode) for m in members if m.isfile()}  # type: ignore[union-attr]
    assert found == written
    assert all((m.uid, m.gid, m.mtime) == (0, 0, 0) for m in members)
    seen: set[str] = set()
    for member in members:
        parent = member.name.rpartition("/")[0]
        assert not parent or parent in seen
        seen.add(member.name)
    os.utime(root, (1, 1))
    assert _tar(ContextPart(root)) == whole


def test_the_stream_is_gnu_tar_from_its_first_block(tmp_path: Path) -> None:
    _write(tmp_path, "ä" * 60 + "/" + "n" * 120)
    assert b"PaxHeader" not in _tar(ContextPart(tmp_path))
    with tarfile.open(fileobj=io.BytesIO(_tar(ContextPart(tmp_path)))) as tar:
        assert "ä" * 60 + "/" + "n" * 120 in tar.getnames()


def test_histories_packages_and_secrets_never_enter_even_when_asked_for(tmp_path: Path) -> None:
    _write(tmp_path, ".git/config", "a/node_modules/p/i.js", "a/__pycache__/x.pyc", ".venv/bin/python", "kept.py")
    _write(tmp_path, ".env", "a/.env.production", "env/prod.secret.env", "prod.secrets.env")
    assert _names(tmp_path, "!.env", "!**/node_modules", "!.git") == ["kept.py"]


def test_the_roots_own_dockerignore_counts_and_a_negation_brings_back(tmp_path: Path) -> None:
    _write(tmp_path, "docs/a.md", "docs/b.md", "logs/x.log", "src/y.log", "src/z.py")
    _write(tmp_path, ".dockerignore", text="# words\n\ndocs\n!docs/b.md\n**/*.log\n")
    assert _names(tmp_path, "src/z*") == ["docs/b.md"]


def test_everything_but_the_named_files(tmp_path: Path) -> None:
    _write(tmp_path, "requirements.txt", "requirements/base.txt", "manage.py", "core/settings.py")
    assert _names(tmp_path, "*", "!requirements*.txt", "!requirements") == ["requirements/base.txt", "requirements.txt"]


def test_a_dist_beside_a_vite_configuration_is_a_result_and_elsewhere_source(tmp_path: Path) -> None:
    _write(tmp_path, "portal/vite.config.ts", "portal/dist/index.html", "lib/dist/index.js", "build/steps.py")
    assert _names(tmp_path) == ["build/steps.py", "lib/dist/index.js", "portal/vite.config.ts"]


def test_a_link_stays_a_link_and_nothing_outside_is_read(tmp_path: Path) -> None:
    _write(tmp_path / "outside", "secret", text="hidden")
    root = _write(tmp_path / "root", "a")
    (root / "out").symlink_to("../outside")
    (root / "file").symlink_to(tmp_path / "outside/secret")
    whole = _tar(ContextPart(root))
    with tarfile.open(fileobj=io.BytesIO(whole)) as tar:
        assert tar.getmember("out").issym()
        assert tar.getmember("file").linkname == str(tmp_path / "outside/secret")
    assert b"hidden" not in whole


def test_a_file_that_became_a_link_after_the_walk_is_not_followed(tmp_path: Path) -> None:
    root = _write(tmp_path / "root", "a")
    _write(tmp_path, "secret")
    entries = context_entries([ContextPart(root)])
    (root / "a").unlink()
    (root / "a").symlink_to(tmp_path / "secret")
    with pytest.raises(UsageError, match="root/a"):
        b"".join(tar_stream(entries))


def test_a_socket_is_refused_by_name_and_can_be_ignored(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "live.sock"))
        with pytest.raises(UsageError, match=r"live\.sock.*socket"):
            context_entries([ContextPart(tmp_path)])
        assert _names(tmp_path, "*.sock") == []
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="pipe"):
        context_entries([ContextPart(tmp_path, ignore=("*.sock",))])


def test_a_file_that_vanished_or_shrank_is_named(tmp_path: Path) -> None:
    _write(tmp_path, "a", "b", text="12345")
    entries = context_entries([ContextPart(tmp_path)])
    (tmp_path / "a").unlink()
    with pytest.raises(UsageError, match=r"/a: does not exist, or vanished"):
        b"".join(tar_stream(entries))
    big = _write(tmp_path, "a", text="x" * (3 << 20)) / "a"
    stream = tar_stream(context_entries([ContextPart(tmp_path)]))
    next(stream)
    next(stream)
    os.truncate(big, 10)
    with pytest.raises(UsageError, match=r"/a: was cut short"):
        b"".join(stream)


def test_a_missing_root_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nowhere: does not exist"):
        context_entries([ContextPart(tmp_path / "nowhere")])


@pytest.mark.parametrize("prefix", ["/etc", "../up", "a/../../b"])
def test_a_prefix_cannot_leave_the_context(tmp_path: Path, prefix: str) -> None:
    with pytest.raises(UsageError, match="leaves the build context"):
        context_entries([ContextPart(tmp_path, prefix)])


def test_parts_are_laid_over_each_other_below_their_prefixes(tmp_path: Path) -> None:
    _write(tmp_path / "one", "f", text="old")
    _write(tmp_path / "two", "f", text="new")
    entries = context_entries(
        [
            ContextPart(tmp_path / "one", "a/b"),
            ContextPart(tmp_path / "two", "a/b"),
            ContextPart(tmp_path / "one/f", "c"),
        ]
    )
    assert [entry.name for entry in entries] == ["a", "a/b", "a/b/f", "c", "c/f"]
    assert entries[2].source == tmp_path / "two/f"


def test_a_name_that_is_file_here_and_folder_there_is_refused(tmp_path: Path) -> None:
    _write(tmp_path / "one", "f")
    _write(tmp_path / "two", "f/g")
    with pytest.raises(UsageError, match="f is a file in one part"):
        context_entries([ContextPart(tmp_path / "one"), ContextPart(tmp_path / "two")])


def test_a_part_that_several_images_share_is_walked_and_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "a").write_text("a")
    walk, opened, real = Walk(), list[object](), os.open

    def noted(path: str, flags: int) -> int:
        opened.append(path)
        return real(path, flags)

    monkeypatch.setattr(os, "open", noted)
    one = walk.digested([ContextPart(tmp_path / "shared", "x")])
    (tmp_path / "shared" / "b").write_text("b")
    two = walk.digested([ContextPart(tmp_path / "shared", "y")])
    assert [(entry.name, entry.digest[:4]) for entry in (*one, *two) if entry.source] == [
        ("x/a", "ca97"),
        ("y/a", "ca97"),
    ]
    assert len(opened) == 1


@pytest.mark.parametrize("change", ["content", "length"])
def test_what_was_read_is_sent_or_nothing(tmp_path: Path, change: str) -> None:
    (tmp_path / "a").write_text("aa")
    entries = Walk().digested([ContextPart(tmp_path)])
    assert b"".join(tar_stream(entries))
    (tmp_path / "a").write_text("ab" if change == "content" else "aaa")
    with pytest.raises(UsageError, match="was changed while its image was built"):
        list(tar_stream(entries))


def test_mode_kind_and_target_are_part_of_a_fingerprint(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").symlink_to("a")
    (tmp_path / "c").mkdir()
    prints = {entry.name: entry.fingerprint for entry in Walk().digested([ContextPart(tmp_path)])}
    assert prints["a"].startswith("file 644 ca978112")
    assert (prints["b"], prints["c"]) == ("link 777 a", "folder 755")
    (tmp_path / "a").chmod(0o755)
    assert Walk().digested([ContextPart(tmp_path)])[0].fingerprint.startswith("file 755 ca97")
