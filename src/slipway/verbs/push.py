"""Push: the built images to the registry that the host pulls from, each digest as the registry answered it."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from slipway.ports import BuiltImage, Containers, Images, Say
from slipway.release.image import ImageName

TOOLS = "slipway/tools:bookworm"
"""The image that one-off work on the host runs in, as it is called in the builder's engine."""

_AT_ONCE = 3


def push_images(
    images: Images, built: Mapping[str, BuiltImage], registry: str, workspace: str, tag: str, say: Say
) -> dict[str, str]:
    """Push every image under `<registry>/<workspace>/<image>:<tag>`; return image name -> `repository@sha256:...`.

    Nothing but the tag is made when a push fails: a release is recorded with all digests or not at all.
    """

    def push(name: str) -> str:
        reference = ImageName(registry, workspace, name).tagged(tag)
        images.tag(built[name].id, reference)
        digest = images.push(reference, lambda text: say(f"{name}: {text}"))
        say(f"{name}: {digest}")
        return digest

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return dict(zip(built, pool.map(push, built), strict=True))


def push_tools(images: Images, containers: Containers, registry: str, say: Say) -> str:
    """Push the tools image and have the host pull it, so that one-off work finds it there; return its image id."""
    return containers.pull(push_other(images, TOOLS, registry, say), say)


def push_other(images: Images, reference: str, registry: str, say: Say) -> str:
    """Push an image that belongs to no workspace under its own name; return its reference in the registry."""
    other = f"{registry}/{reference}"
    images.tag(reference, other)
    images.push(other, say)
    return other
