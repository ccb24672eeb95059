"""Weighing: what the engine says of each image before anything is started from it, and of its layers."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from slipway.checks.images.image import Weighed
from slipway.checks.images.secrets import recognisable
from slipway.checks.issue import Issue, Severity
from slipway.engines.clean_layers import CleanLayers
from slipway.engines.image_layers import Hit, LayerSearch
from slipway.ports import BuiltImage, Say
from slipway.secret import Secret

_FILE_CAPABILITY = "SCHILY.xattr.security.capability="  # how a layer's tar carries it (docker's pkg/archive)
_SHOWN = 3


def weigh(search: LayerSearch, images: Mapping[str, BuiltImage], budget: Callable[[str], int | None]) -> list[Weighed]:
    """Return every image as the engine shows it."""
    api = search.client.api
    engine = str(api.info().get("Architecture") or "")
    shown = []
    for name, image in images.items():
        found = api.inspect_image(image.id)  # type: ignore[no-untyped-call]  # the stubs leave it out
        architecture = str(found.get("Architecture") or "")
        shown.append(Weighed(name, image.tags[0], int(found["Size"]), architecture, engine, budget(name)))
    return shown


@dataclass(frozen=True, slots=True)
class LayerRule:
    """No layer holds a known secret, also one that a later layer deletes, or a file with capabilities of its own."""

    search: LayerSearch
    clean: CleanLayers
    secrets: tuple[Secret, ...]
    say: Say

    def check(self, images: Mapping[str, BuiltImage]) -> list[Issue]:
        """Search the layers that are not known to be clean of these values, each once."""
        values = recognisable(self.secrets)
        texts = [*values, _FILE_CAPABILITY]
        layers = {name: self.search.layers(image.id) for name, image in images.items()}
        known = self.clean.known(texts)
        fresh = {name: images[name].id for name in images if not set(layers[name]) <= known}
        found = self.search.search(fresh.values(), texts)
        self.clean.remember(texts, (layer for layer, hits in found.items() if not hits))
        distinct = {layer for ids in layers.values() for layer in ids}
        self.say(
            f"{len(values)} spellings of {len(self.secrets)} secrets sought in {len(distinct)} layers, "
            f"{len(distinct & known)} of them before"
        )
        return [
            Issue(f"images.{rule}", Severity.ERROR, name, images[name].tags[0], message, hint)
            for name, ids in layers.items()
            for number, layer in enumerate(ids, 1)
            for rule, message, hint in _told(number, found.get(layer, ()))
        ]


def _told(number: int, hits: Iterable[Hit]) -> Iterable[tuple[str, str, str]]:
    able = sorted({hit.path for hit in hits if hit.text == _FILE_CAPABILITY})
    holding = sorted({hit.path or "a file's name or attributes" for hit in hits if hit.text != _FILE_CAPABILITY})
    if able:
        told = f"{', '.join(able[:_SHOWN])} in layer {number} has file capabilities"
        yield "capabilities", told, "take them away: setcap -r"
    for path in holding[:_SHOWN]:
        told = f"a secret's value is in {path} of layer {number}"
        yield "secrets", told, "keep it out of what the image is built from; a later `rm` leaves it in its layer"
