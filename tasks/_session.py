"""The one place that reads the process's environment, wires engines to ports and turns errors into exit codes."""

import gc
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from invoke.exceptions import Exit

from slipway.errors import SlipwayError, UsageError
from slipway.secret import Mask
from tasks._signals import ending_as_interrupts, exit_code

if TYPE_CHECKING:
    from docker import DockerClient

    from slipway.config.config import Config
    from slipway.config.workspace import Workspace
    from slipway.engines.age import Age
    from slipway.engines.checkout import Checkout
    from slipway.engines.console import Console
    from slipway.engines.engine_address import EngineAddress
    from slipway.engines.images.buildkit import BuildKitImages
    from slipway.plans.build_common import Bases
    from slipway.ports import BackupStore, BuiltImage, ImageFiles, Say
    from slipway.rehearsal.ground import GroundKeeper
    from slipway.rehearsal.world import World
    from slipway.release.image import Version
    from slipway.target import Target

ROOT = Path(__file__).resolve().parent.parent
REHEARSAL = "rehearsal"
_REGISTRY = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]{1,5})?(/[a-z0-9._-]+)*/?")

HELP = {
    "env": "environment: local, rehearsal, staging or production (default: rehearsal)",
    "source": "the monorepo's checkout (default: example/)",
    "workspace": "its workspace file (default: workspace.yaml of the source, else Slipway's own)",
    "format": "text for people, json for programs: then stdout is one JSON document",
    "verbose": "show every line of what happens",
    "yes": "do not ask before anything destructive",
}
"""What every task says about the options they share."""


def helped(*names: str, **more: str) -> dict[str, str]:
    """Return the help of the shared options `names` and of a task's own ones."""
    return {name: HELP[name] for name in names} | more


@dataclass
class Session:
    """What one task run needs; everything heavy is made when it is first used."""

    console: "Console"
    mask: Mask
    env: str
    source: Path
    workspace_file: Path
    process: Mapping[str, str] = field(repr=False)
    as_json: bool = False

    @cached_property
    def workspace(self) -> "Workspace":
        """The workspace as its file describes it."""
        from slipway.config.kept import FOLDER, load_workspace

        with suppress(OSError):  # a checkout that may not be written to keeps nothing
            (ROOT / FOLDER).mkdir(exist_ok=True)
        return load_workspace(self.workspace_file, self.source, ROOT)

    def configure_portals(self, configure: str) -> None:
        """Have every portal learn its variables at `start` or in the `build`, whatever its workspace file says."""
        from slipway.config.workspace import Configured

        if not configure:
            return
        if configure not in {str(way) for way in Configured}:
            raise UsageError(f"--configure {configure} is not known", hint="start or build")
        self.workspace = self.workspace.configured(Configured(configure))

    @cached_property
    def config(self) -> "Config":
        """The environment's configuration, a standing rehearsal's ground included."""
        return self.load_config(self.ground_settings())

    def load_config(self, more: Mapping[str, str]) -> "Config":
        """Load the configuration with `more` values given; its secrets are masked in all output from here on."""
        from slipway.config.config import load_config

        config = load_config(ROOT, self.env, self.workspace, {**self.process, **more}, self.secrets_file, self.unseal)
        self.mask.add(config.hidden())
        return config

    def ground_settings(self) -> dict[str, str]:
        """Return where a standing rehearsal's host is; nothing for other environments or without a ground."""
        if self.env != REHEARSAL or not (self.rehearsal_folder / "ground.json").exists():
            return {}
        from slipway.config.layers import Placed
        from slipway.rehearsal.ground import load_ground

        place = f".slipway/{REHEARSAL}/ground.json"
        settings = load_ground(self.rehearsal_folder).settings()
        return {name: Placed(value, place) for name, value in settings.items()}

    def for_rehearsal(self) -> "Session":
        """Return this session for the rehearsal's environment."""
        return self if self.env == REHEARSAL else replace(self, env=REHEARSAL)

    @property
    def secrets_file(self) -> Path | None:
        """The rehearsal's secrets, made up once and kept on this machine (0600); None for other environments."""
        if self.env != REHEARSAL:
            return None
        from slipway.rehearsal.secrets_file import complete_secrets

        return complete_secrets(self.rehearsal_folder / "secrets.env", ROOT, self.workspace)

    @cached_property
    def age(self) -> "Age":
        """Who seals and opens files of secrets, with the key that this process or this user has."""
        from slipway.engines.age import Age

        return Age(self.process.get("SLIPWAY_AGE_IDENTITY", ""), self.mask)

    def unseal(self, data: bytes, where: str) -> bytes:
        """Decrypt a sealed file; what that needs is loaded only where there is one."""
        return self.age.unseal(data, where)

    def target(self, config: "Config") -> AbstractContextManager[tuple["Target", "BackupStore"]]:
        """Open the ports of the environment's host and platform; close them afterwards."""
        from tasks._target import open_target

        if self.env == REHEARSAL:
            from slipway.rehearsal.ground import LABEL, load_ground

            load_ground(self.rehearsal_folder)  # says so when none stands
            return open_target(config, self.images, self.mask, self.console.say, {LABEL: REHEARSAL})
        return open_target(config, self.images, self.mask, self.console.say)

    @property
    def rehearsal_folder(self) -> Path:
        """The rehearsal's own folder below the repository's root (not in git)."""
        return ROOT / ".slipway" / REHEARSAL

    @property
    def builds_folder(self) -> Path:
        """What is remembered of this checkout's builds and pushes, below the repository's root (not in git)."""
        from hashlib import sha256

        place = sha256(str(self.source).encode("utf-8", "surrogateescape")).hexdigest()[:8]
        return ROOT / ".slipway" / "builds" / f"{self.workspace.name}-{place}"

    @cached_property
    def checkout(self) -> "Checkout":
        """What the monorepo's own files say about variables and who reads them."""
        from slipway.engines.checkout import Checkout

        return Checkout(ROOT, self.workspace, self.builds_folder)

    @cached_property
    def version(self) -> "Version":
        """What a build of this checkout is called."""
        from slipway.engines.git import version_of
        from slipway.engines.local_shell import LocalShell

        return version_of(self.source, LocalShell())

    @cached_property
    def engine(self) -> "EngineAddress":
        """Where this machine's commands find their engine; nothing is asked of it."""
        from slipway.engines.engine_address import EngineAddress

        return EngineAddress.configured()

    def ensure_engine(self) -> None:
        """Make sure that an engine answers, for tasks that build or push; as root it is started, even installed."""
        from slipway.engines.engine_setup import ensure_engine

        ensure_engine(self.console.say)

    @cached_property
    def images(self) -> "BuildKitImages":
        """This machine's engine as a builder; only its first question needs the engine."""
        from slipway.engines.images.buildkit import BuildKitImages
        from slipway.engines.images.machine import build_arguments, own_home

        arguments = build_arguments(home=own_home())
        return BuildKitImages(self.engine.url, self.mask, self.engine.tls, arguments)

    @cached_property
    def image_files(self) -> "ImageFiles":
        """What images of this machine's engine hold."""
        from slipway.engines.images.files import EngineImageFiles

        return EngineImageFiles(self.engine.client)

    def lock_bases(self) -> "Bases":
        """Return the bases once the one that a lock is made in is there."""
        from slipway.plans.build_common import Bases

        self.ensure_engine()
        self.bases(("python",), self.console.say)
        return Bases()

    def bases(self, names: Iterable[str], say: "Say", *, fresh: bool = False) -> dict[str, str]:
        """Make the base images `names`, from SLIPWAY_BASE_REGISTRY where that is given; return name -> reference."""
        from slipway.engines.images.bases import ensure_bases

        registry = self.process.get("SLIPWAY_BASE_REGISTRY", "")
        if registry:
            registry_of(registry, "SLIPWAY_BASE_REGISTRY")
        return ensure_bases(self.images, names, say, registry=registry, fresh=fresh)

    def ground_keeper(self, client: "DockerClient") -> "GroundKeeper":
        """Who lays the rehearsal's ground on an engine and takes it away."""
        from slipway.rehearsal.ground import GroundKeeper

        return GroundKeeper(client, REHEARSAL, self.rehearsal_folder, self.engine.socket)

    @contextmanager
    def rehearsing(self) -> Iterator["World"]:
        """Be the one rehearsal here, for as long as it takes. Raises `UsageError` where there is no room for one."""
        from slipway.rehearsal.owner import alone

        self.engine.socket()  # before an engine elsewhere is waited for
        with alone(self.rehearsal_folder):
            world = self.world()
            world.keeper.require_room()
            yield world

    def world(self) -> "World":
        """Wire what building and rehearsing need, once an engine answers."""
        from slipway.rehearsal.world import World

        def secrets_file() -> Path:
            file = self.secrets_file
            assert file is not None
            return file

        workspace, version = self.workspace, self.version  # what is wrong with them needs no engine to be told
        self.ensure_engine()
        client = self.engine.client()
        return World(
            root=ROOT,
            workspace=workspace,
            version=version,
            images=self.images,
            client=client,
            keeper=self.ground_keeper(client),
            bases=self.bases,
            secrets_file=secrets_file,
            config=self.load_config,
            target=self.target,
            given=self.process,
            unseal=self.unseal,
            looks=self.checkout.looks,
        )

    def built_images(self) -> "dict[str, BuiltImage]":
        """Return the images of this version as the engine has them. Raises `UsageError` naming those it has not."""
        from tasks._built import built_images

        return built_images(self)

    def finish(self, document: Mapping[str, object], line: str, *, ok: bool = True) -> None:
        """Say how it went, in the asked form, and end with 0 or 1."""
        if self.as_json:
            self.console.document({"ok": ok, **document})
        else:
            self.console.say(line)
        answer(ok)


@contextmanager
def session(
    *,
    env: str = REHEARSAL,
    source: str = "",
    workspace: str = "",
    format: str = "text",
    verbose: bool = False,
    formats: tuple[str, ...] = ("text", "json"),
) -> Iterator[Session]:
    """Open a session; an expected error inside becomes one message on stderr and its exit code.

    With `format="json"` the error is the one JSON document on stdout, too. `formats` are those that the task has; with
    any but text stdout belongs to a program.
    """
    from slipway.engines.console import Console

    # What is loaded by now stays, and most tasks end before looking for cycles in the rest is worth its time.
    gc.freeze()
    gc.set_threshold(50_000)
    mask = Mask()
    console = Console(as_json=format != "text", verbose=verbose, mask=mask)
    ending = ExitStack()
    try:
        ending.enter_context(ending_as_interrupts())
        if format not in formats:
            raise UsageError(
                f"--format {format} is not known", hint=" or ".join((", ".join(formats[:-1]), formats[-1]))
            )
        folder = Path(source).resolve() if source else ROOT / "example"
        given = _given(os.environ)
        yield Session(console, mask, env, folder, _workspace_file(folder, workspace), given, format == "json")
    except SlipwayError as error:
        if format == "json":
            console.document({"ok": False, "error": error_json(error)})
        console.error(error)
        raise Exit(code=error.exit_code) from None
    except KeyboardInterrupt as interrupt:
        code = exit_code(interrupt)
        if format == "json":
            console.document({"ok": False, "error": {"message": "interrupted", "exit_code": code}})
        console.say("interrupted")
        raise Exit(code=code) from None
    finally:
        console.close()
        ending.close()


def error_json(error: SlipwayError) -> dict[str, object]:
    """Return an error as JSON."""
    return {
        "message": error.message,
        "where": error.where,
        "hint": error.hint,
        "details": list(error.details),
        "exit_code": error.exit_code,
    }


def registry_of(text: str, where: str) -> str:
    """Return a registry's name as somebody gave it. Raises `UsageError` for what is none."""
    if not _REGISTRY.fullmatch(text):
        raise UsageError(
            "this is no registry",
            where=where,
            hint="give host, port and folder: registry.example.org:5000/mirror; `docker login` keeps a password",
        )
    return text.rstrip("/")


def answer(ok: bool, no: int = 1) -> None:
    """End the task with 0 for yes and 1, or another code, for no."""
    if not ok:
        raise Exit(code=no)


def _workspace_file(source: Path, given: str) -> Path:
    if given:
        return Path(given).resolve()
    own = source / "workspace.yaml"
    return own if own.exists() else ROOT / "workspace.yaml"


def _given(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that this process was started with on purpose.

    A name of a service's variable counts only as `SLIPWAY_VAR_<NAME>`: a DEBUG or DATABASE_URL that happens to be
    exported in somebody's shell must never reach production.
    """
    own = {name: value for name, value in environ.items() if name.startswith("SLIPWAY_") or name == "DOCKER_HOST"}
    return {name.removeprefix("SLIPWAY_VAR_"): value for name, value in own.items()}
