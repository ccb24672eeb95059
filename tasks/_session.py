"""The one place that reads the process's environment, wires engines to ports and turns errors into exit codes."""

import getpass
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from invoke.exceptions import Exit

from slipway.errors import SlipwayError, UsageError
from slipway.secret import Mask, Secret

if TYPE_CHECKING:
    from slipway.config.config import Config
    from slipway.config.workspace import Workspace
    from slipway.engines.console import Console
    from slipway.engines.images.buildkit import BuildKitImages
    from slipway.ports import BackupStore, BuiltImage
    from slipway.rehearsal.ground import GroundKeeper
    from slipway.rehearsal.world import World
    from slipway.release.image import Version
    from slipway.target import Target

ROOT = Path(__file__).resolve().parent.parent
REHEARSAL = "rehearsal"

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
        from slipway.config.workspace_file import load_workspace

        return load_workspace(self.workspace_file, self.source)

    @cached_property
    def config(self) -> "Config":
        """The environment's configuration, a standing rehearsal's ground included."""
        return self.load_config(self.ground_settings())

    def load_config(self, more: Mapping[str, str]) -> "Config":
        """Load the configuration with `more` values given; its secrets are masked in all output from here on."""
        from slipway.config.config import load_config

        config = load_config(ROOT, self.env, self.workspace, {**self.process, **more}, self.secrets_file)
        self.mask.add(config.secrets().values())
        return config

    def ground_settings(self) -> dict[str, str]:
        """Return where a standing rehearsal's host is; nothing for other environments or without a ground."""
        if self.env != REHEARSAL or not (self.rehearsal_folder / "ground.json").exists():
            return {}
        from slipway.rehearsal.ground import load_ground

        return load_ground(self.rehearsal_folder).settings()

    @property
    def secrets_file(self) -> Path | None:
        """The rehearsal's secrets, made up once and kept on this machine (0600); None for other environments."""
        if self.env != REHEARSAL:
            return None
        from slipway.rehearsal.secrets_file import complete_secrets

        return complete_secrets(self.rehearsal_folder / "secrets.env", ROOT, self.workspace)

    @contextmanager
    def target(self, config: "Config") -> Iterator[tuple["Target", "BackupStore"]]:
        """Open the ports of the environment's host and platform; close them afterwards."""
        from slipway.engines.coolify.platform import Coolify
        from slipway.engines.host.engine import HostEngine
        from slipway.engines.host.lock import HostJournal, HostLock
        from slipway.engines.host.ssh import Host
        from slipway.engines.host.ssh_connect import Address
        from slipway.engines.host.state import StateFolder
        from slipway.engines.web import WebClient
        from slipway.plans.desired import optional_setting, setting
        from slipway.target import Target
        from slipway.verbs.push import TOOLS

        if self.env == REHEARSAL:
            from slipway.rehearsal.ground import load_ground

            load_ground(self.rehearsal_folder)  # says so when none stands
        address = Address(
            host=setting(config, "SLIPWAY_SSH_HOST"),
            user=setting(config, "SLIPWAY_SSH_USER"),
            key_file=Path(setting(config, "SLIPWAY_SSH_KEY_FILE")).expanduser(),
            known_hosts=Path(setting(config, "SLIPWAY_SSH_KNOWN_HOSTS")).expanduser(),
            port=int(setting(config, "SLIPWAY_SSH_PORT")),
        )
        ca_file = optional_setting(config, "SLIPWAY_CA_FILE")
        token = config.setting("SLIPWAY_COOLIFY_TOKEN")
        registry = setting(config, "SLIPWAY_REGISTRY")
        with ExitStack() as stack:
            platform = stack.enter_context(
                Coolify(
                    setting(config, "SLIPWAY_COOLIFY_URL"),
                    Secret(setting(config, "SLIPWAY_COOLIFY_TOKEN")),
                    setting(config, "SLIPWAY_COOLIFY_PROJECT"),
                    config.environment,
                    token_source=token.where if token else "SLIPWAY_COOLIFY_TOKEN",
                    server=optional_setting(config, "SLIPWAY_COOLIFY_SERVER"),
                    network=setting(config, "SLIPWAY_NETWORK"),
                    ca_file=Path(ca_file) if ca_file else None,
                    mask=self.mask,
                )
            )
            host = stack.enter_context(Host(address))
            containers = stack.enter_context(HostEngine.over(host))
            state = StateFolder(host, config.environment)
            lock = HostLock(host, state.path, f"{getpass.getuser()}@{socket.gethostname()}")
            stack.callback(lock.release)
            target = Target(
                environment=config.environment,
                registry=registry,
                network=setting(config, "SLIPWAY_NETWORK"),
                tools=f"{registry}/{TOOLS}",
                images=self.images,
                platform=platform,
                shell=host,
                containers=containers,
                state=state,
                lock=lock,
                journal=HostJournal(host, state.path, lock),
                web=WebClient(
                    ca_file=Path(ca_file) if ca_file else None,
                    address=optional_setting(config, "SLIPWAY_PUBLIC_ADDRESS") or None,
                ),
            )
            yield target, state

    @property
    def rehearsal_folder(self) -> Path:
        """The rehearsal's own folder below the repository's root (not in git)."""
        return ROOT / ".slipway" / REHEARSAL

    @cached_property
    def version(self) -> "Version":
        """What a build of this checkout is called."""
        from slipway.engines.git import version_of
        from slipway.engines.local_shell import LocalShell

        return version_of(self.source, LocalShell())

    def engine_url(self) -> str:
        """Make sure that a Docker engine answers on this machine and return its address."""
        from slipway.engines.engine_setup import ensure_engine

        ensure_engine(self.console.say)
        return self.process.get("DOCKER_HOST") or "unix:///var/run/docker.sock"

    @cached_property
    def images(self) -> "BuildKitImages":
        """This machine's engine as a builder."""
        from slipway.engines.images.buildkit import BuildKitImages

        return BuildKitImages(self.engine_url(), self.mask)

    def ground_keeper(self) -> "GroundKeeper":
        """Who lays the rehearsal's ground and takes it away."""
        import docker

        from slipway.rehearsal.ground import GroundKeeper

        client = docker.DockerClient(self.engine_url(), timeout=120)
        return GroundKeeper(client, REHEARSAL, self.rehearsal_folder)

    def world(self) -> "World":
        """Wire what a rehearsal needs."""
        import docker

        from slipway.engines.images.bases import ensure_bases
        from slipway.rehearsal.world import World

        def secrets_file() -> Path:
            file = self.secrets_file
            assert file is not None
            return file

        return World(
            root=ROOT,
            workspace=self.workspace,
            version=self.version,
            images=self.images,
            client=docker.DockerClient(self.engine_url(), timeout=120),
            keeper=self.ground_keeper(),
            bases=lambda names, say: ensure_bases(self.images, names, say),
            secrets_file=secrets_file,
            config=self.load_config,
            target=self.target,
            given=self.process,
        )

    def built_images(self) -> "dict[str, BuiltImage]":
        """Return the images of this version as the engine has them. Raises `UsageError` naming those it has not."""
        from dataclasses import replace

        from slipway.plans.build import BUILT_WITH, built_with
        from slipway.release.image import ImageName

        built, missing, foreign = {}, [], []
        for name in self.workspace.image_names:
            reference = ImageName("", self.workspace.name, name).tagged(self.version.tag)
            found = self.images.inspect(reference)
            if found is None:
                missing.append(reference)
            else:
                built[name] = replace(found, name=name, tags=(reference,))
                if name != "backend" and found.labels.get(BUILT_WITH) != built_with(self.config.build_arguments(name)):
                    foreign.append(reference)
        if missing:
            raise UsageError(f"not built yet: {', '.join(missing)}", where="engine", hint="`inv build.all` builds them")
        if foreign:
            raise UsageError(
                f"built with the variables of another environment: {', '.join(foreign)}",
                where="engine",
                hint=f"`inv build.all --env {self.env}` builds them for {self.env}",
            )
        return built

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
) -> Iterator[Session]:
    """Open a session; an expected error inside becomes one message on stderr and its exit code.

    With `format="json"` the error is the one JSON document on stdout, too.
    """
    from slipway.engines.console import Console

    mask = Mask()
    console = Console(as_json=format == "json", verbose=verbose, mask=mask)
    try:
        if format not in ("text", "json"):
            raise UsageError(f"--format {format} is not known", hint="text or json")
        folder = Path(source).resolve() if source else ROOT / "example"
        given = _given(os.environ)
        yield Session(console, mask, env, folder, _workspace_file(folder, workspace), given, format == "json")
    except SlipwayError as error:
        if format == "json":
            console.document({"ok": False, "error": error_json(error)})
        console.error(error)
        raise Exit(code=error.exit_code) from None
    except KeyboardInterrupt:
        if format == "json":
            console.document({"ok": False, "error": {"message": "interrupted", "exit_code": 130}})
        console.say("interrupted")
        raise Exit(code=130) from None
    finally:
        console.close()


def error_json(error: SlipwayError) -> dict[str, object]:
    """Return an error as JSON."""
    return {
        "message": error.message,
        "where": error.where,
        "hint": error.hint,
        "details": list(error.details),
        "exit_code": error.exit_code,
    }


def answer(ok: bool) -> None:
    """End the task with 0 for yes and 1 for no."""
    if not ok:
        raise Exit(code=1)


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
