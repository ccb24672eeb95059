"""ffmpeg with and without what a service never loads: both do the same, format by format; and what is refused."""

import dataclasses
import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import docker
import pytest

from slipway.config.document import load
from slipway.config.workspace_file import load_workspace
from slipway.engines.images.buildkit import BuildKitImages
from slipway.errors import Refused
from slipway.plans.build import image_builds
from slipway.plans.build_common import Bases
from slipway.ports import BuiltImage
from slipway.release.image import Version
from tests.hosts import docker_client, have, run_in

pytestmark = [pytest.mark.docker, pytest.mark.slow]
ROOT = Path(__file__).parents[2]
SHIPPED = load(ROOT / "workspace.yaml", "workspace.yaml").data["backend"]
"""What the workspace file of the monorepo asks for: what is tested is what is shipped."""
SCREEN = ["libglx-mesa0", "xkb-data"]
"""What Debian's ffmpeg asks for to show video on a screen."""
FORMATS = {
    "mp3": ("libmp3lame", "-b:a", "192k"),
    "m4a": ("aac",),
    "wav": ("pcm_s16le",),
    "flac": ("flac",),
    "ogg": ("libvorbis",),
    "webm": ("libopus",),
}
QUIET = ("ffmpeg", "-nostdin", "-loglevel", "error", "-y")


def built(packages: list[str], without: list[str], base: str = "") -> BuiltImage:
    """Build the stage with the Debian packages alone; `base` has packages of our own making."""
    have("python")
    example = load_workspace(ROOT / "example" / "workspace.yaml", ROOT / "example")
    version = Version("0.0.0", uuid.uuid4().hex[:12])
    backend = image_builds(example, version, datetime.now(UTC), Bases(), {}, "slipway-test", ROOT)[0]
    arguments = {**backend.arguments, "APT_PACKAGES": " ".join(packages), "APT_WITHOUT": " ".join(without)}
    arguments |= {"BASE_PACKAGES": base} if base else {}
    return BuildKitImages().build(dataclasses.replace(backend, target="base", arguments=arguments), lambda _: None)


@pytest.fixture(scope="module")
def engine() -> Iterator[docker.DockerClient]:
    with docker_client() as client:
        yield client


@pytest.fixture(scope="module")
def containers(engine: docker.DockerClient) -> Iterator[tuple[Any, Any]]:
    """A container with ffmpeg for sound and one with Debian's own."""
    assert SHIPPED["ffmpeg"] == "sound"
    have("ffmpeg")
    started, images = [], []
    try:
        given: tuple[list[str], list[str], str]
        for given in ((SHIPPED["apt"], [], Bases().ffmpeg), (["ffmpeg", *SHIPPED["apt"]], SCREEN, "")):
            image = built(*given)
            images.append(image)
            started.append(
                engine.containers.run(
                    image.tags[0],
                    ["sleep", "600"],
                    detach=True,
                    working_dir="/tmp",
                    network_mode="none",
                    labels={"slipway.test": "ffmpeg"},
                )
            )
        yield started[0], started[1]
    finally:
        for container in started:
            container.remove(force=True, v=True)
        for image in images:
            engine.images.remove(image.tags[0], force=True)


def says(container: Any, *argv: str) -> str:
    code, said = run_in(container, *argv)
    assert code == 0, f"{' '.join(argv)}: {said}"
    return said


def sound(container: Any, name: str, *codec: str) -> None:
    """Make three seconds of two moving tones: the same samples wherever the same encoder makes them."""
    source = "aevalsrc='0.4*sin(2*PI*(220+80*t)*t)|0.3*sin(2*PI*(330+40*t)*t)':s=48000:d=3"
    exact = ("-flags", "+bitexact", "-fflags", "+bitexact", "-map_metadata", "-1")
    says(container, *QUIET, "-f", "lavfi", "-i", source, "-c:a", *codec, *exact, name)


def samples(container: Any, name: str, *options: str) -> str:
    """Return a digest of the decoded samples."""
    return says(container, *QUIET, "-i", name, *options, "-f", "hash", "-hash", "sha256", "-")


def probed(container: Any, name: str) -> dict[str, Any]:
    words = ("ffprobe", "-loglevel", "error", "-show_format", "-show_streams", "-of", "json", name)
    document: dict[str, Any] = json.loads(says(container, *words))
    return document


@pytest.mark.parametrize("name", FORMATS)
def test_encoding_decoding_resampling_and_probing_give_the_same(containers: tuple[Any, Any], name: str) -> None:
    smaller, whole = containers
    file = f"sound.{name}"
    for container in containers:
        sound(container, file, *FORMATS[name])
    assert says(smaller, "sha256sum", file) == says(whole, "sha256sum", file)
    assert samples(smaller, file) == samples(whole, file)
    resampled = ("-ar", "22050", "-ac", "1", "-c:a", "pcm_s16le")
    assert samples(smaller, file, *resampled) == samples(whole, file, *resampled) != samples(whole, file)
    found = probed(smaller, file)
    assert found == probed(whole, file)
    assert abs(float(found["format"]["duration"]) - 3) < 0.1
    assert found["streams"][0]["channels"] == 2


def known(container: Any, what: str) -> dict[str, str]:
    """Return what ffmpeg lists: name -> its flags."""
    listed = says(container, "ffmpeg", "-hide_banner", "-loglevel", "error", what).splitlines()
    return {line.split()[1]: line.split()[0] for line in listed if len(line.split()) > 1}


def test_every_sound_that_debians_reads_or_writes_is_read_and_written(containers: tuple[Any, Any]) -> None:
    smaller, whole = (known(container, "-codecs") for container in containers)
    without = {name: smaller[name] for name, flags in whole.items() if flags[2:3] in "AS" and smaller[name] != flags}
    # Those are written, or read, by libraries alone; teletext by zvbi.
    assert without == {
        "codec2": "..AIL.",
        "dvb_teletext": "..S...",
        "gsm": "D.AIL.",
        "gsm_ms": "D.AIL.",
        "speex": "D.AIL.",
    }


def of_sound(container: Any, what: str) -> set[str]:
    """Return the names that ffmpeg lists, without devices and without filters for pictures alone."""
    listed = says(container, "ffmpeg", "-hide_banner", "-loglevel", "error", what).splitlines()
    if what == "-protocols":
        return {line.strip() for line in listed}
    if what == "-filters":
        return {line.split()[1] for line in listed if "->" in line and "A" in line.split()[2]}
    return {line.split()[1] for line in listed if len(line.split()) > 1} - known(container, "-devices").keys()


@pytest.mark.parametrize(
    ("what", "other"),
    [
        ("-demuxers", {"dash", "imf", "libgme", "libopenmpt"}),
        ("-muxers", {"chromaprint"}),
        # The last two make sound of pictures, or both for a test of screens.
        (
            "-filters",
            {"asr", "azmq", "bs2b", "flite", "ladspa", "lv2", "rubberband", "sofalizer"}
            | {"spectrumsynth", "avsynctest"},
        ),
        ("-protocols", {"amqp", "bluray", "rist", "sctp", "sftp", "srt", "zmq"}),
    ],
)
def test_of_formats_filters_and_protocols_only_those_of_other_libraries_go(
    containers: tuple[Any, Any], what: str, other: set[str]
) -> None:
    smaller, whole = (of_sound(container, what) for container in containers)
    assert whole - smaller == other


def test_a_track_keeps_its_cover(containers: tuple[Any, Any]) -> None:
    for container in containers:
        sound(container, "plain.mp3", *FORMATS["mp3"])
        picture = ("-i", "plain.mp3", "-lavfi", "showwavespic=s=64x64", "-frames:v", "1", "cover.png")
        says(container, *QUIET, *picture)
        both = ("-i", "plain.mp3", "-i", "cover.png", "-map", "0:a", "-map", "1:v", "-c:a", "copy", "covered.mp3")
        says(container, *QUIET, *both)
        says(container, *QUIET, "-i", "covered.mp3", "-b:a", "128k", "smaller.mp3")
        kinds = [(stream["codec_type"], stream["codec_name"]) for stream in probed(container, "smaller.mp3")["streams"]]
        assert kinds == [("audio", "mp3"), ("video", "png")]


def test_the_smaller_one_is_smaller_and_dpkg_and_apt_are_content(
    engine: docker.DockerClient, containers: tuple[Any, Any]
) -> None:
    smaller, whole = (engine.images.get(container.attrs["Image"]).attrs["Size"] for container in containers)
    assert whole - smaller > 250e6
    query = ("dpkg-query", "--show", "--showformat=${Package} ${Version}\\n")
    listed, others = (says(container, *query).splitlines() for container in containers)
    assert [line for line in listed if line.startswith("ffmpeg ")] == [
        line for line in others if line.startswith("ffmpeg ")
    ]
    assert not {"libllvm15", "libgl1-mesa-dri", *SCREEN} & {line.split()[0] for line in others}
    assert "slipway-left-out 1" in others
    for container in containers:
        assert says(container, "dpkg", "--audit") == ""
        says(container, "apt-get", "check")


def test_a_library_that_a_program_is_linked_with_cannot_be_left_out() -> None:
    with pytest.raises(Refused, match=r"backend\.apt_without: .* is linked with libFLAC\S* \(libflac12\)"):
        built(["libsndfile1"], ["libflac12"])


def test_a_name_that_would_not_be_installed_is_refused_with_the_nearest() -> None:
    with pytest.raises(
        Refused, match=r"backend\.apt_without: libflac would not be installed; did you mean libflac12\?"
    ):
        built(["libsndfile1"], ["libflac"])
