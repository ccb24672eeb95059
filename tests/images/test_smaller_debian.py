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
"""What the workspace file of the monorepo asks for and leaves out: what is tested is what is shipped."""
FORMATS = {
    "mp3": ("libmp3lame", "-b:a", "192k"),
    "m4a": ("aac",),
    "wav": ("pcm_s16le",),
    "flac": ("flac",),
    "ogg": ("libvorbis",),
    "webm": ("libopus",),
}
QUIET = ("ffmpeg", "-nostdin", "-loglevel", "error", "-y")


def built(packages: list[str], without: list[str]) -> BuiltImage:
    """Build the stage with the Debian packages alone."""
    have("python")
    example = load_workspace(ROOT / "example" / "workspace.yaml", ROOT / "example")
    version = Version("0.0.0", uuid.uuid4().hex[:12])
    backend = image_builds(example, version, datetime.now(UTC), Bases(), {}, "slipway-test", ROOT)[0]
    arguments = {**backend.arguments, "APT_PACKAGES": " ".join(packages), "APT_WITHOUT": " ".join(without)}
    return BuildKitImages().build(dataclasses.replace(backend, target="base", arguments=arguments), lambda _: None)


@pytest.fixture(scope="module")
def engine() -> Iterator[docker.DockerClient]:
    with docker_client() as client:
        yield client


@pytest.fixture(scope="module")
def containers(engine: docker.DockerClient) -> Iterator[tuple[Any, Any]]:
    """A container with the smaller set and one with Debian's whole."""
    started, images = [], []
    try:
        left_out: list[str]
        for left_out in (SHIPPED["apt_without"], []):
            image = built(SHIPPED["apt"], left_out)
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


def test_both_know_the_same_codecs_formats_filters_and_protocols(containers: tuple[Any, Any]) -> None:
    for what in ("-codecs", "-formats", "-filters", "-protocols"):
        answers = [says(container, "ffmpeg", "-hide_banner", "-loglevel", "error", what) for container in containers]
        assert answers[0] == answers[1]
        assert len(answers[0].splitlines()) > 20


def test_the_smaller_one_is_smaller_and_dpkg_and_apt_are_content(
    engine: docker.DockerClient, containers: tuple[Any, Any]
) -> None:
    smaller, whole = (engine.images.get(container.attrs["Image"]).attrs["Size"] for container in containers)
    assert whole - smaller > 150e6
    listed = says(containers[0], "dpkg-query", "--show", "--showformat=${Package}\\n").split()
    assert not {"libllvm15", "libgl1-mesa-dri", *SHIPPED["apt_without"]} & set(listed)
    assert {"ffmpeg", "slipway-left-out"} <= set(listed)
    assert says(containers[0], "dpkg", "--audit") == ""
    says(containers[0], "apt-get", "check")


def test_a_library_that_a_program_is_linked_with_cannot_be_left_out() -> None:
    with pytest.raises(Refused, match=r"backend\.apt_without: .* is linked with libFLAC\S* \(libflac12\)"):
        built(["libsndfile1"], ["libflac12"])


def test_a_name_that_would_not_be_installed_is_refused_with_the_nearest() -> None:
    with pytest.raises(
        Refused, match=r"backend\.apt_without: libflac would not be installed; did you mean libflac12\?"
    ):
        built(["libsndfile1"], ["libflac"])
