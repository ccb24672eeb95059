"""Builds and pushes: against the real engine where the engine is the point, against a fake one where it misbehaves."""

import gc
import json
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs

import pytest
import stamina

from slipway.engines.images.bases import ensure_bases
from slipway.engines.images.buildkit import BuildKitImages
from slipway.errors import Refused, Unreachable, UsageError
from slipway.ports import BuildEvent, ContextPart, ImageBuild, Pushed
from slipway.secret import Mask, Secret
from tests.engines.images.fake_engine import DROP, FakeEngine, fake_engine

_LABEL = "slipway.test"


def _quiet(_: object) -> None:
    pass


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[FakeEngine]:
    with fake_engine(tmp_path) as served, stamina.set_testing(True, attempts=3):
        yield served


@pytest.fixture(scope="session")
def base(engine_problem: str) -> str:
    assert not engine_problem
    return ensure_bases(BuildKitImages(), ["debian"], _quiet)["debian"]


@pytest.fixture
def label() -> Iterator[str]:
    value = uuid.uuid4().hex[:12]
    yield value
    wanted = subprocess.run(
        ["docker", "image", "ls", "-q", "--filter", f"label={_LABEL}={value}"],
        capture_output=True,
        text=True,
        check=True,
    )
    for image in set(wanted.stdout.split()):
        subprocess.run(["docker", "image", "rm", "-f", image], capture_output=True, check=True)


def _build(folder: Path, dockerfile: str, label: str, **options: object) -> ImageBuild:
    (folder / "Dockerfile").write_text(dockerfile)
    values: dict[str, object] = {"tags": (f"slipway-test/{label}:1",), "labels": {_LABEL: label}, **options}
    return ImageBuild("web", (ContextPart(folder),), "Dockerfile", **values)  # type: ignore[arg-type]


def _alive(argument: str) -> bool:
    return any(
        argument.encode() in path.read_bytes().split(b"\0")
        for path in Path("/proc").glob("[0-9]*/cmdline")
        if path.exists()
    )


@pytest.mark.docker
def test_a_build_tells_its_steps_and_gives_the_image_every_tag(tmp_path: Path, base: str, label: str) -> None:
    (tmp_path / "hello").write_text("hi")
    text = f"FROM {base}\nARG WORD\nCOPY hello /hello\nRUN echo {label} $WORD | rev\nENV A=b=c\nUSER 7:7\n"
    tags = (f"slipway-test/{label}:1", f"slipway-test/{label}:2")
    events: list[BuildEvent] = []
    built = BuildKitImages().build(_build(tmp_path, text, label, tags=tags, arguments={"WORD": "xyz"}), events.append)
    assert set(built.tags) == set(tags)
    assert built.labels[_LABEL] == label
    assert (built.environment["A"], built.user) == ("b=c", "7:7")
    assert any("WORD=xyz" in line for line in built.history)
    lines = [event.text for event in events if "rev" in event.step and event.text]
    assert lines == [f"zyx {label[::-1]}"]
    ends = [event for event in events if "rev" in event.step and event.seconds is not None]
    assert len(ends) == 1
    assert not ends[0].cached
    again: list[BuildEvent] = []
    assert BuildKitImages().build(_build(tmp_path, text, label, tags=tags, arguments={"WORD": "xyz"}), again.append).id
    assert all(event.cached for event in again if "rev" in event.step)


@pytest.mark.docker
@pytest.mark.slow
def test_independent_stages_run_at_the_same_time_and_an_unused_one_not_at_all(
    tmp_path: Path, base: str, label: str
) -> None:
    text = (
        f"FROM {base} AS a\nRUN sleep 3; echo {label} >/a\nFROM {base} AS b\nRUN sleep 3; echo {label} >/b\n"
        f"FROM {base} AS unused\nRUN sleep 60 # {label}\nFROM {base} AS last\nCOPY --from=a /a /\nCOPY --from=b /b /\n"
    )
    begin = time.monotonic()
    BuildKitImages().build(_build(tmp_path, text, label), _quiet)
    assert time.monotonic() - begin < 5.8


@pytest.mark.docker
def test_a_target_leaves_later_stages_out(tmp_path: Path, base: str, label: str) -> None:
    text = f"FROM {base} AS first\nENV STAGE=first\nFROM first AS second\nRUN exit 9\n"
    assert BuildKitImages().build(_build(tmp_path, text, label, target="first"), _quiet).environment["STAGE"] == "first"


@pytest.mark.docker
def test_a_failing_step_is_named_with_its_exit_code_and_its_last_lines(tmp_path: Path, base: str, label: str) -> None:
    text = f"FROM {base}\nRUN echo {label}; seq 1 40; sleep 0.3; echo 'token hunter22' >&2; sleep 0.3; exit 7\n"
    with pytest.raises(Refused, match=r"RUN echo .* ended with exit code 7") as caught:
        BuildKitImages(mask=Mask([Secret("hunter22")])).build(_build(tmp_path, text, label), _quiet)
    assert caught.value.where == "image web"
    assert 10 <= len(caught.value.details) <= 15
    assert {"40", "token [secret]"} <= set(caught.value.details)
    assert "hunter22" not in str(caught.value)
    assert BuildKitImages().inspect(f"slipway-test/{label}:1") is None


@pytest.mark.docker
@pytest.mark.parametrize(
    ("text", "target", "words"),
    [
        ("FROM {base}\nRUNN x\n", None, r"Dockerfile:2: unknown instruction: RUNN"),
        ("FROM {base} AS a\n", "nope", r"no stage 'nope'"),
        ("FROM {base}\nCOPY nope.txt /\n", None, r"nope\.txt is not in the build context"),
        ("FROM {base} AS a\nFROM {base}\nCOPY --from=a /nowhere/x /\n", None, r"nowhere/x is not in the stage a"),
        ("\n", None, r"Dockerfile: file with no instructions"),
        ("FROM ${{NONE}}\n", None, r"Dockerfile: base name .* should not be blank"),
    ],
)
def test_a_wrong_dockerfile_is_a_wrong_input(
    tmp_path: Path, base: str, label: str, text: str, target: str | None, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        BuildKitImages().build(_build(tmp_path, text.format(base=base), label, target=target), _quiet)


@pytest.mark.docker
def test_a_base_image_whose_registry_does_not_answer_is_named(tmp_path: Path, label: str) -> None:
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:1/none:1 .*registry does not answer"):
        BuildKitImages().build(_build(tmp_path, "FROM 127.0.0.1:1/none:1\n", label), _quiet)


@pytest.mark.docker
def test_an_interrupt_ends_the_build_in_the_engine_too(tmp_path: Path, base: str, label: str) -> None:
    seconds = f"600.{int(label, 16) % 10**9}"

    def interrupt(event: BuildEvent) -> None:
        if "begun" in event.text:
            raise KeyboardInterrupt

    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        BuildKitImages().build(_build(tmp_path, f"FROM {base}\nRUN echo begun; sleep {seconds}\n", label), interrupt)
    while _alive(seconds) and time.monotonic() - begin < 20:
        time.sleep(0.1)
    assert not _alive(seconds)


@pytest.mark.docker
def test_cancel_ends_a_build_from_another_thread(tmp_path: Path, base: str, label: str) -> None:
    images = BuildKitImages()
    begun = threading.Event()

    def cancel() -> None:
        begun.wait(30)
        images.cancel()

    timer = threading.Thread(target=cancel)
    timer.start()
    with pytest.raises(Refused, match="cancelled"):
        images.build(
            _build(tmp_path, f"FROM {base}\nRUN echo begun {label}; sleep 300\n", label),
            lambda event: begun.set() if "begun" in event.text else None,
        )
    timer.join()


@pytest.mark.docker
@pytest.mark.slow
def test_of_parallel_builds_the_first_failure_ends_the_others(tmp_path: Path, base: str, label: str) -> None:
    for name in ("good", "bad"):
        (tmp_path / name).mkdir()
    slow = _build(tmp_path / "good", f"FROM {base}\nRUN echo {label}; sleep 300\n", label)
    bad = replace(_build(tmp_path / "bad", f"FROM {base}\nRUN echo {label}; sleep 1; exit 4\n", label), name="bad")
    begin = time.monotonic()
    events: list[BuildEvent] = []
    with pytest.raises(Refused, match="exit code 4"):
        BuildKitImages().build_all([slow, bad], events.append)
    assert time.monotonic() - begin < 60
    ends = [event for event in events if event.step in {BuildEvent.WHOLE, BuildEvent.FAILED}]
    assert [(event.build, event.step) for event in ends] == [("bad", BuildEvent.FAILED)]
    assert "exit code 4" in ends[0].text


@pytest.mark.docker
def test_parallel_builds_come_back_in_the_order_they_were_asked_for(tmp_path: Path, base: str, label: str) -> None:
    builds = []
    for name, seconds in (("one", "1.5"), ("two", "0")):
        (tmp_path / name).mkdir()
        text = f"FROM {base}\nRUN sleep {seconds} # {label}\nENV NAME={name}\n"
        builds.append(_build(tmp_path / name, text, label, tags=(f"slipway-test/{label}:{name}",)))
    built = BuildKitImages().build_all(builds, _quiet)
    assert [image.environment["NAME"] for image in built] == ["one", "two"]


@pytest.mark.docker
def test_a_push_gives_the_digest_that_the_registry_keeps(tmp_path: Path, base: str, label: str) -> None:
    registry = ensure_bases(BuildKitImages(), ["registry"], _quiet)["registry"]
    words = ["docker", "run", "-d", "--label", f"{_LABEL}={label}", "-p", "127.0.0.1::5000", registry]
    container = subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()
    try:
        port = subprocess.run(["docker", "port", container, "5000"], capture_output=True, text=True, check=True).stdout
        reference = f"{port.strip()}/slipway-test/{label}:1"
        images = BuildKitImages()
        images.build(_build(tmp_path, f"FROM {base}\nENV N={label}\n", label, tags=(reference,)), _quiet)
        lines: list[str] = []
        first = images.push(reference, lines.append)
        pushed = first.reference
        repository, _, digest = pushed.partition("@")
        assert repository == reference.removesuffix(":1")
        assert images.answers(pushed)
        assert digest.startswith("sha256:")
        assert first.layers >= 1
        assert first.sent > 1e6
        assert lines[-1].endswith("(100 %)")
        assert images.push(reference, _quiet) == Pushed(pushed)
        with pytest.raises(UsageError, match="does not have this image"):
            images.push(f"{port.strip()}/slipway-test/absent:1", _quiet)
    finally:
        subprocess.run(["docker", "rm", "-fv", container], capture_output=True, check=True)


@pytest.mark.docker
def test_a_registry_that_is_not_there_is_named(tmp_path: Path, base: str, label: str) -> None:
    reference = f"127.0.0.1:1/slipway-test/{label}:1"
    images = BuildKitImages()
    images.build(_build(tmp_path, f"FROM {base}\nENV N={label}\n", label, tags=(reference,)), _quiet)
    with (
        stamina.set_testing(True, attempts=2),
        pytest.raises(Unreachable, match=r"the registry 127\.0\.0\.1:1 does not"),
    ):
        images.push(reference, _quiet)


@pytest.mark.docker
def test_an_unknown_image_is_none_and_cannot_be_named() -> None:
    images = BuildKitImages()
    assert images.inspect("slipway-test/unknown:1") is None
    with pytest.raises(UsageError, match="does not have this image"):
        images.tag("slipway-test/unknown:1", "slipway-test/other:1")


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_no_engine_is_told_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match=r"(?s)no Docker engine answers.*systemctl start docker"):
        BuildKitImages(f"unix://{tmp_path}/none.sock").inspect("a:1")
    gc.collect()  # docker-py drops the socket that could not connect without closing it


def test_a_missing_dockerfile_is_told_before_the_engine_is_asked(tmp_path: Path) -> None:
    build = ImageBuild("web", (ContextPart(tmp_path),), "Dockerfile.backend", ())
    with pytest.raises(UsageError, match=r"no Dockerfile\.backend in the build context"):
        BuildKitImages(f"unix://{tmp_path}/none.sock").build(build, _quiet)


def test_an_engine_lost_in_the_middle_of_a_build_is_unreachable(engine: FakeEngine, tmp_path: Path) -> None:
    engine.answers["/build"] = [[{"id": "moby.buildkit.trace", "aux": ""}, DROP]]
    with pytest.raises(Unreachable, match="connection to the Docker engine was lost"):
        BuildKitImages(engine.url).build(_here(tmp_path), _quiet)


@pytest.mark.parametrize("first", [[{"status": "Downloading"}], []])
def test_cancel_ends_a_pull_from_another_thread(engine: FakeEngine, first: list[object]) -> None:
    over, pulling = threading.Event(), threading.Event()
    engine.answers["/images/create"] = [[*first, pulling.set, lambda: over.wait(30)]]
    images = BuildKitImages(engine.url)

    def cancel() -> None:
        pulling.wait(10)
        images.cancel()

    threading.Thread(target=cancel, daemon=True).start()
    begin = time.monotonic()
    with pytest.raises(Refused, match="was cancelled"):
        images.pull("registry.example.org/a:1")
    assert time.monotonic() - begin < 5
    over.set()


def test_what_the_machine_gives_to_every_build_stands_behind_the_builds_own(engine: FakeEngine, tmp_path: Path) -> None:
    engine.answers["/build"] = [[{"errorDetail": {"message": "no"}, "error": "no"}]]
    build = replace(_here(tmp_path), arguments={"WORD": "own"})
    with pytest.raises(Refused):
        BuildKitImages(engine.url, arguments={"WORD": "machine's", "PIP_INDEX_URL": "https://i"}).build(build, _quiet)
    (asked,) = (path for path in engine.asked if "/build" in path)
    assert json.loads(parse_qs(asked.partition("?")[2])["buildargs"][0]) == {
        "WORD": "own",
        "PIP_INDEX_URL": "https://i",
    }


def test_a_build_without_result_or_with_a_broken_trace_says_so(engine: FakeEngine, tmp_path: Path) -> None:
    engine.answers["/build"] = [
        [{"id": "moby.buildkit.trace", "aux": "!!"}, {"id": "moby.buildkit.trace", "aux": None}]
    ]
    with pytest.raises(Unreachable, match="without a result"):
        BuildKitImages(engine.url).build(_here(tmp_path), _quiet)


def _here(folder: Path) -> ImageBuild:
    context = folder / "context"
    context.mkdir()
    (context / "Dockerfile").write_text("FROM scratch\n")
    return ImageBuild("web", (ContextPart(context),), "Dockerfile", ("slipway-test/none:1",))


@pytest.mark.docker
def test_a_file_that_changes_between_reading_and_sending_leaves_no_image(tmp_path: Path, base: str, label: str) -> None:
    (tmp_path / "big").write_bytes(b"a" * 3_000_000)
    build = _build(tmp_path, f"FROM {base}\nCOPY big /\n", label)
    images = BuildKitImages()
    first = images.read([build])["web"]
    assert images.read([build])["web"] == first
    (tmp_path / "big").write_bytes(b"b" * 3_000_000)
    with pytest.raises(UsageError, match="big: was changed while its image was built"):
        images.build(build, _quiet)
    assert images.inspect(build.tags[0]) is None
    assert images.read([build])["web"].digest != first.digest
    assert images.build(build, _quiet).architecture == images.architecture()


@pytest.mark.docker
def test_a_build_that_fails_leaves_the_tag_where_it_was(tmp_path: Path, base: str, label: str) -> None:
    images = BuildKitImages()
    before = images.build(_build(tmp_path, f"FROM {base}\nENV N=1\n", label), _quiet)
    with pytest.raises(Refused):
        images.build(_build(tmp_path, f"FROM {base}\nRUN exit 3 # {label}\n", label), _quiet)
    now = images.inspect(f"slipway-test/{label}:1")
    assert now is not None
    assert now.id == before.id


@pytest.mark.docker
def test_an_image_is_found_by_its_label_and_repository(tmp_path: Path, base: str, label: str) -> None:
    images = BuildKitImages()
    assert images.labelled(_LABEL, label, "slipway-test/x") is None
    first = images.build(_build(tmp_path, f"FROM {base}\nENV N=1\n", label), _quiet)
    subprocess.run(["docker", "tag", first.id, f"slipway-test/{label}:2"], check=True)
    assert images.labelled(_LABEL, label, "slipway-test/another") is None
    found = images.labelled(_LABEL, label, f"slipway-test/{label}")
    assert found is not None
    assert found.id == first.id
    assert len(found.layers) >= 1


@pytest.mark.docker
def test_a_base_of_another_architecture_is_refused_before_anything_is_built(
    tmp_path: Path, base: str, label: str
) -> None:
    """An image of arm64 as `docker load` brings one: no step of it could run here."""
    foreign = f"slipway-test/{label}:foreign"
    BuildKitImages().build(_build(tmp_path, "FROM scratch\nCOPY Dockerfile /\n", label, tags=(foreign,)), _quiet)
    _make_foreign(foreign, tmp_path / "image")
    images = BuildKitImages()
    with pytest.raises(UsageError, match=rf"base image {foreign}: is an image for arm64, and this engine builds for"):
        images.read([_build(tmp_path, f"FROM {foreign}\n", label)])


def _make_foreign(reference: str, folder: Path) -> None:
    """Save an image, say arm64 in its configuration, load it again under the same name."""
    folder.mkdir()
    archive = folder / "image.tar"
    subprocess.run(["docker", "save", "-o", str(archive), reference], check=True)
    subprocess.run(["tar", "-xf", str(archive), "-C", str(folder)], check=True)
    archive.unlink()
    manifest = json.loads((folder / "manifest.json").read_text())
    config = json.loads((folder / manifest[0]["Config"]).read_text())
    (folder / manifest[0]["Config"]).unlink()
    manifest[0]["Config"] = "foreign.json"
    (folder / "foreign.json").write_text(json.dumps({**config, "architecture": "arm64"}))
    (folder / "manifest.json").write_text(json.dumps(manifest))
    names = [path.name for path in folder.iterdir()]
    packed = subprocess.run(["tar", "-cf", "-", "-C", str(folder), *names], check=True, capture_output=True).stdout
    subprocess.run(["docker", "load"], input=packed, check=True, capture_output=True)
