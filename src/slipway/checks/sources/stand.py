"""Stand: what the rules over sources look at: the configuration, the sources and the overlay, gathered once."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

from slipway.checks.issue import Issue, Severity
from slipway.config import secret_names
from slipway.config.config import Config, Setting
from slipway.config.fault import shown
from slipway.config.schema import Stage
from slipway.sources.found import Assigned, Container, Found
from slipway.sources.use import Kind, Place, Use

OVERLAY = "runtime/src"
"""Where the overlay's sources lie, relative to Slipway's own root."""
OFF = "SLIPWAY_OVERLAY_OFF"
_BACKEND = "backend"
_DEVELOPMENT = frozenset(
    {"local", "dev", "devel", "development", "override", "test", "tests", "testing", "ci", "debug"}
)
_NGINX = re.compile(r"(^|/)(nginx|nginx-unprivileged|httpd|caddy|static-web-server)\b")
_MOST_PLACES = 3
_SUFFIXES = frozenset({".py", ".ts", ".tsx", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs", ".html"})
# What others than the project's sources read: the language, its libraries, the shell.
_KNOWN = re.compile(
    r"PYTHON\w*|DJANGO_(SETTINGS_MODULE|ALLOW_ASYNC_UNSAFE|SUPERUSER_\w+)|(NODE|NPM|PIP|UV|LC|XDG|GIT|SSL|GUNICORN|UVICORN|PG)_\w+"
    r"|PG(HOST|PORT|USER|PASSWORD|DATABASE|SSLMODE)|PATH|HOME|USER|SHELL|LANG|TZ|TERM|PWD|HOSTNAME|TMPDIR|TEMP|TMP|CI"
    r"|DEBIAN_FRONTEND|MPLCONFIGDIR|LD_\w+|OMP_\w+|NUMBA_\w+|VIRTUAL_ENV|WEB_CONCURRENCY|(HTTPS?|NO|ALL)_PROXY"
    r"|AWS_(REGION|DEFAULT_REGION|PROFILE|SESSION_TOKEN)|SERVER_SOFTWARE|COMPOSE_\w+|DOCKER_\w+|COOLIFY_\w+|SERVICE_\w+"
)
SECRET_WORD = secret_names.SECRET_WORD


@dataclass(frozen=True)
class Stand:
    """One environment and the sources of its workspace; `overlay` is what Slipway's own runtime says."""

    config: Config
    found: Found
    overlay: Found

    # --- whose file is it

    @cached_property
    def _folders(self) -> list[tuple[str, tuple[str, ...]]]:
        """Folder -> the images that are made of it, the deepest first."""
        workspace = self.config.workspace
        frontend = workspace.frontend
        below = "" if frontend.path == "." else f"{frontend.path}/"
        portals = tuple(frontend.portals)
        folders: list[tuple[str, tuple[str, ...]]] = [(workspace.backend.path, (_BACKEND,))]
        folders += [(f"{below}{path}", portals) for path in (*frontend.packages, *frontend.files)]
        folders += [(f"{below}{portal.path}", (name,)) for name, portal in frontend.portals.items()]
        return sorted(folders, key=lambda pair: -len(pair[0]))

    def images_of(self, path: str) -> tuple[str, ...]:
        """Return the images that a file goes into, none for one that belongs to the repository alone."""
        return next((images for folder, images in self._folders if inside(path, folder)), ())

    @property
    def settings_files(self) -> tuple[str, str]:
        """Where Django's settings are, relative to the source, as a module and as a package."""
        backend = self.config.workspace.backend
        module = f"{backend.path}/{backend.settings.replace('.', '/')}"
        return f"{module}.py", f"{module}/__init__.py"

    @cached_property
    def unknown(self) -> frozenset[str]:
        """The images of which a source could not be read: what they do not read cannot be told."""
        read = (trouble.place.file for trouble in self.found.troubles)
        return frozenset(
            image
            for file in read
            if PurePosixPath(file).suffix in _SUFFIXES
            for image in self.images_of(file)
            if (image == _BACKEND) == file.endswith(".py")
        )

    @cached_property
    def _reads(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {image: set() for image in self.config.workspace.image_names}
        for use in self.own_uses:
            if use.reads:
                for image in self.images_of(use.place.file):
                    found[image].add(use.name)
        found[_BACKEND] |= {use.name for use in self.overlay.uses if use.reads and not use.is_test}
        return found

    @cached_property
    def own_uses(self) -> tuple[Use, ...]:
        """What runs in Slipway's images: Python of the backend, scripts and pages of the portals; no test, no shell."""
        return tuple(
            use
            for use in self.found.uses
            if not use.is_test
            and PurePosixPath(use.place.file).suffix in _SUFFIXES
            and any((image == _BACKEND) == use.place.file.endswith(".py") for image in self.images_of(use.place.file))
        )

    def reads(self, image: str, name: str) -> bool:
        """Whether the sources of an image, the overlay or a library in it may read a variable."""
        return name in self._reads[image] or is_known(name) or bool(self.made_up(image, name))

    def made_up(self, image: str, name: str) -> Use | None:
        """Return a place that makes up names which could be this one; one that could be any is none."""
        for use in self.own_uses:
            is_candidate = use.kind is Kind.UNKNOWN and bool(use.name) and name.startswith(use.name)
            if is_candidate and image in self.images_of(use.place.file):
                return use
        return None

    # --- what the configuration says

    def given(self) -> Iterator[tuple[Setting, tuple[str, ...]]]:
        """Yield every setting of a file with the services that get it, once for each place it comes from."""
        found: dict[tuple[str, str], tuple[Setting, list[str]]] = {}
        for service in self.config.workspace.services:
            for name, setting in self.config.settings(service).items():
                if not setting.where.endswith("(default)") and not setting.variable.computed:
                    found.setdefault((name, setting.where), (setting, []))[1].append(service)
        return ((setting, tuple(services)) for setting, services in found.values())

    def image(self, service: str) -> str:
        """Return a service's image."""
        return self.config.workspace.services[service].image

    @property
    def is_production(self) -> bool:
        """Whether the environment is as strict as it gets."""
        return self.config.stage is Stage.PRODUCTION

    def lays(self, name: str) -> bool:
        """Whether the overlay lays a setting over the project's, in this environment."""
        subjects = {
            PurePosixPath(use.place.file).stem
            for use in self.overlay.uses
            if use.name == name and "/conf/" in use.place.file
        }
        return any(self.subject_is_laid(subject) for subject in subjects)

    def subject_is_laid(self, subject: str) -> bool:
        """Whether a subject of the overlay is on in this environment."""
        return subject not in {word.strip() for word in self.value(OFF).split(",")}

    def value(self, name: str) -> str:
        """Return what the API gets for a variable that is no secret, "" for nothing."""
        setting = self.config.setting(name, self._api) if name in self.config.schema.variables else None
        return "" if setting is None else setting.text.reveal()

    @property
    def _api(self) -> str | None:
        return next((name for name, one in self.config.workspace.services.items() if one.image == _BACKEND), None)

    # --- what the repository has of its own

    @cached_property
    def runs_elsewhere(self) -> bool:
        """Whether the repository has a production of its own: then its settings also run without Slipway's overlay."""
        files = [one.place.file for one in self.found.containers if one.context]
        files += [one.file for one in self.found.dockerfiles]
        return any(not is_development(file) for file in files)

    def settings(self, name: str) -> list[Assigned]:
        """Return the assignments of one of Django's settings."""
        return [one for one in self.found.assigned if one.name == name]

    def made_of(self, container: Container) -> tuple[str, ...]:
        """Return the images whose sources a compose service is built from; none for somebody else's image."""
        workspace = self.config.workspace
        if not container.context:
            return ()
        images = self.images_of(container.context)
        if images:
            return images
        inside_it = {image for folder, found in self._folders if inside(folder, container.context) for image in found}
        arguments = [
            use.default
            for use in self.found.uses
            if use.kind is Kind.ARGUMENT and use.by == container.name and use.place.file == container.place.file
        ]
        portals = workspace.frontend.portals
        named = [name for name, portal in portals.items() if portal.path in arguments or name == container.name]
        return tuple(named) if named else tuple(sorted(inside_it))

    def is_static(self, container: Container) -> bool:
        """Whether a compose service serves files only, so that no code of it sees a variable."""
        built = self.found.file(container.dockerfile)
        return bool(built and built.stages and _NGINX.search(built.stages[-1].base))

    # --- saying it

    def issue(
        self, kind: str, severity: Severity, subject: str, places: Iterable[Place] | str, message: str, hint: str = ""
    ) -> Issue:
        """Return one issue at the first place; the others are named in the message."""
        if isinstance(places, str):
            return Issue(f"sources.{kind}", severity, subject, places, message, hint)
        first, *others = dict.fromkeys(places)
        return Issue(f"sources.{kind}", severity, subject, self.where(first), message + also(others), hint)

    def where(self, place: Place) -> str:
        """Return a place as a person opens it from here."""
        return f"{shown(self.config.workspace.source / place.file)}:{place.line}"


def also(others: list[Place]) -> str:
    """Return "; also a:1, b:2 and 3 more" for the places after the first."""
    if not others:
        return ""
    named = ", ".join(str(place) for place in others[:_MOST_PLACES])
    more = len(others) - _MOST_PLACES
    return f"; also {named}" + (f" and {more} more" if more > 0 else "")


def inside(path: str, folder: str) -> bool:
    """Whether a path is a folder or in it."""
    return folder in {"", "."} or path == folder or path.startswith(f"{folder}/")


def is_known(name: str) -> bool:
    """Whether a language, a library or the system reads the name, whatever the sources say."""
    return _KNOWN.fullmatch(name) is not None


def is_development(path: str) -> bool:
    """Whether a file's name says that it is for one's own machine."""
    return not _DEVELOPMENT.isdisjoint(re.split(r"[^a-z]+", path.lower()))
