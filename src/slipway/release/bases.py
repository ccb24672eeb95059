"""Base images: which there are, what each stands on, and the digest that tells whether one is still current."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

NAMESPACE = "slipway"

RECIPE_LABEL = "slipway.base.recipe"
"""The label on every base image: the digest of all it was made from."""

SOURCES_FILE = "/etc/apt/sources.list.d/machine.sources"
"""The one file in a base image that names the machine's package mirror; a production stage removes it."""


@dataclass(frozen=True, slots=True)
class BaseRecipe:
    """One base image, made by `<name>.Dockerfile`.

    `upstream` is the image that a registry offers for it, always a Debian 12 flavour; `parent` is the base it is made
    from otherwise. `builders` are further bases its build stages use, each handed over as the argument `<NAME>`.
    `files` are what the Dockerfile takes from the folder besides itself. With `staged`, the Dockerfile has one target
    for each origin: `registry` and `packages`.
    """

    name: str
    parent: str | None = "debian"
    upstream: str | None = None
    builders: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    staged: bool = False
    title: str = ""

    @property
    def image(self) -> str:
        """The image's name and tag."""
        return self.image_in(NAMESPACE)

    def image_in(self, namespace: str) -> str:
        """Return the image's name and tag in another namespace than Slipway's own."""
        return f"{namespace}/{self.title or f'base-{self.name}'}:bookworm"


@dataclass(frozen=True, slots=True)
class Machine:
    """What a base takes over from the machine that builds it.

    `certificates` are PEM files by name, `sources` is one deb822 text for Debian 12 (empty: keep the image's own),
    `apt_options` are apt.conf lines, `pip_index` the index pip asks (empty: its default).
    """

    certificates: Mapping[str, bytes] = field(default_factory=dict)
    sources: str = ""
    apt_options: str = ""
    pip_index: str = ""

    def files(self) -> dict[str, bytes]:
        """Return the files that recipes find below `machine/`."""
        files = {f"ca/{name}": content for name, content in self.certificates.items()}
        if self.sources:
            files["apt/machine.sources"] = self.sources.encode()
        if self.apt_options:
            files["apt/machine.conf"] = self.apt_options.encode()
        return files


COMMON_FILES = ("adopt", "trim")
"""Scripts that every recipe may use."""

RECIPES: Mapping[str, BaseRecipe] = {
    recipe.name: recipe
    for recipe in (
        BaseRecipe("debian", parent=None, upstream="debian:bookworm-slim"),
        BaseRecipe("python", upstream="python:3.11-slim-bookworm"),
        BaseRecipe("node", upstream="node:22-bookworm-slim", builders=("python",), staged=True),
        BaseRecipe("nginx", upstream="nginx:1.27-bookworm"),
        BaseRecipe("ffmpeg", files=("ffmpeg-sound",)),
        BaseRecipe("postgres", upstream="postgres:15-bookworm", files=("postgres-entrypoint",)),
        BaseRecipe("redis", upstream="redis:7-bookworm", files=("redis-entrypoint",)),
        BaseRecipe("registry", files=("registry.yml",)),
        BaseRecipe("sshd", files=("sshd-entrypoint", "sshd.conf")),
        BaseRecipe("tools", title="tools"),
        BaseRecipe("traefik", builders=("python",)),
    )
}
"""Every base image, parents first."""


def with_parents(names: Iterable[str]) -> tuple[str, ...]:
    """Return `names` with all they are made from, parents first, each once. Raises `KeyError` on an unknown name."""
    wanted: set[str] = set()
    open_names = list(names)
    while open_names:
        name = open_names.pop()
        if name not in wanted:
            wanted.add(name)
            open_names += needs(RECIPES[name])
    return tuple(name for name in RECIPES if name in wanted)


def needs(recipe: BaseRecipe) -> tuple[str, ...]:
    """Return the bases that `recipe` is made from when it comes from packages."""
    return (recipe.parent, *recipe.builders) if recipe.parent else recipe.builders


def recipe_digests(names: Iterable[str], texts: Mapping[str, bytes], machine: Machine) -> dict[str, str]:
    """Return name → digest (16 hex digits) of all that each base is made from, its parents' digests included.

    `texts` holds the files of the recipes' folder by name. The origin (registry or packages) is left out on purpose:
    both keep the same contract, and a registry that answers only sometimes must not make everything anew.
    """
    digests: dict[str, str] = {}
    for name in with_parents(names):
        recipe = RECIPES[name]
        whole = sha256()
        for part in (f"{name}.Dockerfile", *COMMON_FILES, *recipe.files):
            _add(whole.update, part.encode(), texts[part])
        for part, content in sorted(machine.files().items()):
            _add(whole.update, part.encode(), content)
        for parent in needs(recipe):
            _add(whole.update, parent.encode(), digests[parent].encode())
        digests[name] = whole.hexdigest()[:16]
    return digests


def _add(update: object, *words: bytes) -> None:
    assert callable(update)
    for word in words:
        update(len(word).to_bytes(8, "big") + word)
