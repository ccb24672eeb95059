"""Workspace: what `workspace.yaml` says about the monorepo that is shipped."""

import re
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

from slipway.config.lazily import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)
from slipway.config.policy import Vulnerabilities


class Role(StrEnum):
    """How a service runs; it decides the command, the health check and the way a new release takes over."""

    WEB = "web"
    WORKER = "worker"
    BEAT = "beat"
    STATIC = "static"


class Engine(StrEnum):
    """The database engines that a workspace may ask for."""

    POSTGRESQL = "postgresql"
    REDIS = "redis"


def _inside(value: str) -> str:
    path = PurePosixPath(value)
    if path.is_absolute() or ".." in path.parts:
        raise ValueError("must stay inside the workspace: a relative path without '..'")
    return str(path)


RelativePath = Annotated[str, AfterValidator(_inside)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")]
DebianPackage = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9+.-]+$")]
SqlName = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]{0,62}$")]
UrlPath = Annotated[str, Field(pattern=r"^/[A-Za-z0-9._~/?&=%:@+,;-]*$")]
Origin = Annotated[str, Field(pattern=r"^(https?|wss?)://(\*\.)?[A-Za-z0-9.-]+(:[0-9]{1,5})?$", max_length=200)]
PackagePattern = Annotated[str, Field(pattern=r"^[A-Za-z0-9*?\[][A-Za-z0-9._*?\[\]-]*$")]
FilePattern = Annotated[str, Field(pattern=r"^[^\s/'\"$`\\][^\s'\"$`\\]*$")]
_UNITS = {"kB": 1_000, "MB": 1_000_000, "GB": 1_000_000_000}


def _bytes(value: object) -> object:
    """Read `400MB`, `1.2 GB`; a number is bytes already."""
    found = re.fullmatch(r"(\d{1,6}(?:\.\d{1,3})?) ?(kB|MB|GB)", value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("must be a size such as 400MB or 1.2GB")
    return int(float(found[1]) * _UNITS[found[2]])


Size = Annotated[
    int,
    BeforeValidator(_bytes),
    Field(gt=0),
    WithJsonSchema({"type": "string", "pattern": r"^\d{1,6}(\.\d{1,3})? ?(kB|MB|GB)$"}),
]
"""A size in bytes, written `400MB`."""
Requirement = Annotated[str, Field(pattern=r"^[A-Za-z0-9][^\r\n]*$")]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Backend(_Model):
    """The Django project: one image for the roles web, worker and beat. `budget` is what it may weigh at most.

    `lock` is the file, relative to the workspace file, that holds every Python package with its hashes.
    `development` are names or patterns (`pytest-*`) of requirements that no image needs.
    `keep` are patterns of paths below site-packages (`numpy/_core/include`) that are not trimmed.
    `apt` are Debian packages needed at run time, `apt_without` those of their dependencies that the image does without,
    `build_apt` those that only the installation of Python packages needs. `ffmpeg: sound` is Debian's ffmpeg
    without video; the whole one is a package of `apt`.
    `writable` are the folders that the running application may write to; all others belong to root.
    """

    path: RelativePath
    requirements: RelativePath = "requirements.txt"
    constraints: tuple[Requirement, ...] = ()
    lock: RelativePath = "backend.lock"
    development: tuple[PackagePattern, ...] = ()
    keep: tuple[FilePattern, ...] = ()
    apt: tuple[DebianPackage, ...] = ()
    apt_without: tuple[DebianPackage, ...] = ()
    build_apt: tuple[DebianPackage, ...] = ()
    ffmpeg: Literal["sound"] | None = None
    settings: str = "core.settings"
    asgi: str = "core.asgi:application"
    celery: str = "core"
    static_root: RelativePath = "static"
    writable: tuple[Annotated[RelativePath, Field(pattern=r"^\S+$")], ...] = ("media",)
    budget: Size | None = None

    @model_validator(mode="after")
    def _one_ffmpeg(self) -> "Backend":
        if self.ffmpeg and "ffmpeg" in self.apt:
            raise ValueError("ffmpeg is asked for twice: by `ffmpeg:` and in `apt:`")
        return self


class Configured(StrEnum):
    """When a portal learns its VITE_ variables: `start`, one image for every environment, or `build`, as Vite does."""

    START = "start"
    BUILD = "build"


class Loads(StrEnum):
    """What a page loads, by the directive of its security policy (`img` for `img-src`)."""

    CONNECT = "connect"
    FONT = "font"
    FRAME = "frame"
    IMG = "img"
    MEDIA = "media"
    SCRIPT = "script"
    STYLE = "style"


class Portal(_Model):
    """One Vite application of the npm workspace. `output` is the folder that its build writes.

    `csp` are origins that its pages load from besides their own and the API's: `img: [https://images.example.org]`.
    """

    path: RelativePath
    output: RelativePath = "dist"
    configure: Configured = Configured.START
    csp: dict[Loads, tuple[Origin, ...]] = Field(default_factory=dict)
    budget: Size | None = None


class Install(StrEnum):
    """How npm installs: `ci` exactly the lock, `install` for a lock that is behind its package.json."""

    CI = "ci"
    INSTALL = "install"


class Frontend(_Model):
    """The npm workspace of the portals: one install for all, one image each.

    `packages` are workspace members that portals share, `files` further files that a portal's build reads
    (`tsconfig.base.json`), `types` the file that `inv env.example` writes the variables' TypeScript into, all relative
    to `path`.
    """

    path: RelativePath = "."
    packages: tuple[RelativePath, ...] = ()
    files: tuple[RelativePath, ...] = ()
    types: Annotated[RelativePath, Field(pattern=r"\.d\.ts$")] | None = None
    install: Install = Install.CI
    portals: dict[Name, Portal]


class Database(_Model):
    """A database that the platform runs for the workspace."""

    engine: Engine
    version: str = Field(pattern=r"^\d+(\.\d+)*$")


class Service(_Model):
    """One deployable: which image it runs and in which role.

    `port` is the one the container listens on; `subdomain` makes it public as `<subdomain>.<the environment's domain>`.
    """

    role: Role
    image: Name
    port: int | None = Field(default=None, ge=1, le=65535)
    subdomain: Name | None = None
    health_path: UrlPath = "/"

    @model_validator(mode="after")
    def _port_fits_role(self) -> "Service":
        if self.role in (Role.WEB, Role.STATIC) and self.port is None:
            raise ValueError(f"role {self.role} needs a port")
        if self.role in (Role.WORKER, Role.BEAT) and (self.port or self.subdomain):
            raise ValueError(f"role {self.role} has neither port nor subdomain")
        return self


class ApiProbe(_Model):
    """A GET on the API that must answer `status`."""

    path: UrlPath
    status: int = 200


class LoginProbe(_Model):
    """A log-in POST that must reach the database: `table` is one whose scans rise when it does.

    `setup_command` (words) runs once before it in a one-off container of the API's image and may create the user.
    Values of `body` may be `${secret.NAME}`.
    """

    path: UrlPath
    body: dict[str, str]
    status: tuple[int, ...] = (200,)
    table: SqlName
    setup_command: tuple[str, ...] = ()


class WebSocketProbe(_Model):
    """A WebSocket on the API that must send a message after it is opened."""

    path: UrlPath


class TaskProbe(_Model):
    """A Celery task sent through the broker that must come back from the worker."""

    name: str
    args: tuple[str | int, ...] = ()


class BeatProbe(_Model):
    """Where the database keeps beat's schedule: read and told, while the heartbeat of its container is the proof.

    `table` has a row an entry, `column` the time it was last sent; an entry may run once a month, so no tick of it is
    waited for.
    """

    table: SqlName
    column: SqlName


class Probes(_Model):
    """How a running release of this workspace proves itself."""

    api: ApiProbe
    login: LoginProbe
    task: TaskProbe
    beat: BeatProbe
    websocket: WebSocketProbe | None = None


class Workspace(_Model):
    """The monorepo as its workspace file describes it. `source` is the checkout's root, `file` the workspace file.

    `image_tests` is the folder beside that file with tests of one's own for `inv check.images`; it need not exist.
    """

    name: Name
    backend: Backend
    frontend: Frontend
    databases: dict[Name, Database]
    services: dict[Name, Service]
    probes: Probes
    image_tests: RelativePath = "image_tests"
    vulnerabilities: Vulnerabilities = Vulnerabilities()
    source: Path = Field(exclude=True)
    file: Path = Field(exclude=True)

    @model_validator(mode="after")
    def _services_name_images(self) -> "Workspace":
        if "backend" in self.frontend.portals:
            raise ValueError("frontend.portals.backend: an image of that name is the Django project's")
        for role in (Role.WEB, Role.WORKER, Role.BEAT):
            if not self.services_with(role):
                raise ValueError(f"services: none has the role {role}, and the probes need one")
        public = [service.subdomain for service in self.services.values() if service.subdomain]
        for subdomain in public:
            if public.count(subdomain) > 1:
                raise ValueError(f"services: more than one has the subdomain {subdomain}")
        known = set(self.image_names)
        for name, service in self.services.items():
            if service.image not in known:
                there = ", ".join(sorted(known))
                raise ValueError(f"services.{name}.image: no image {service.image!r}; there are {there}")
        return self

    @property
    def image_names(self) -> tuple[str, ...]:
        """Every image of the workspace: `backend` and one a portal."""
        return ("backend", *self.frontend.portals)

    def configured(self, way: Configured) -> "Workspace":
        """Return the same workspace with every portal configured in one way."""
        portals = {name: one.model_copy(update={"configure": way}) for name, one in self.frontend.portals.items()}
        return self.model_copy(update={"frontend": self.frontend.model_copy(update={"portals": portals})})

    def budget(self, image: str) -> int | None:
        """Return what an image may weigh, in bytes; None where the file does not say."""
        return self.backend.budget if image == "backend" else self.frontend.portals[image].budget

    def services_with(self, role: Role) -> tuple[str, ...]:
        """Return the names of the services in `role`, in the file's order."""
        return tuple(name for name, service in self.services.items() if service.role is role)
