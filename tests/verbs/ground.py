"""An environment in memory: the reference workspace's rehearsal; database, router and worker answer as real ones do."""

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from slipway.command import Command, Result
from slipway.config.config import Config, load_config
from slipway.config.generated import generate_secrets
from slipway.config.workspace import Workspace
from slipway.plan import Execution, Plan, StepResult
from slipway.ports import Answer, BuiltImage, OneOff
from slipway.release.image import ImageName, Version
from slipway.target import Target
from slipway.testing import FakeContainers, FakeImages, FakeLock, FakePlatform, FakeShell, FakeState, FakeWeb, Lines
from slipway.verbs.deploy import Prepared, prepare, prepare_provisioning

REGISTRY, TOOLS = "127.0.0.1:5000", "127.0.0.1:5000/slipway/tools:bookworm"
API = "https://api.zamio.localhost"
PORTALS = tuple(f"https://{name}.zamio.localhost" for name in ("frontend", "admin", "publisher", "stations"))
ONE, TWO = Version("0.1.0", "1" * 12), Version("0.2.0", "2" * 12)
PAGE = '<script src="/env.js"></script><script type="module" src="/assets/index.js"></script>'


def env_js(api: str) -> Answer:
    """Return what a portal configured at start tells its pages."""
    return Answer(200, {"cache-control": "no-store"}, f'globalThis.__ENV=Object.freeze({{"VITE_API_URL":"{api}"}});\n')


_SECRETS = {"SLIPWAY_POSTGRES_IMAGE": "postgres:15", "SLIPWAY_REDIS_IMAGE": "redis:7"}


class Written:
    """A journal that remembers the names of what began."""

    def __init__(self) -> None:
        self.begun: list[str] = []

    def before(self, name: str) -> None:
        self.begun.append(name)

    def after(self, result: StepResult) -> None:
        """What began is enough."""


class Beating(FakeShell):
    """A host whose beat container moves its heartbeat whenever somebody looks."""

    def __init__(self) -> None:
        super().__init__()
        self._beats = itertools.count(100)

    def run(self, command: Command) -> Result:
        self.answers["docker exec"] = f"{next(self._beats)}.0\n"
        return super().run(command)


@dataclass
class Ground:
    """Everything that stands; `migrated` are the database's migrations, `scans` counts reads of the user table."""

    config: Config
    containers: FakeContainers = field(default_factory=FakeContainers)
    web: FakeWeb = field(default_factory=FakeWeb)
    state: FakeState = field(default_factory=FakeState)
    lock: FakeLock = field(default_factory=FakeLock)
    images: FakeImages = field(default_factory=FakeImages)
    journal: Written = field(default_factory=Written)
    migrated: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.platform = FakePlatform(engine=self.containers)
        scans = itertools.count()
        self.containers.answers = {
            "psql": lambda _: (0, "\n".join(self.migrated)),
            "migrate": self._migrate,
            "send-task": (0, json.dumps({"id": "t-1", "key": "celery-task-meta-t-1", "seconds": 0.1})),
            "ask-redis": (0, json.dumps({"status": "SUCCESS"})),
            "ask-postgres": lambda asked: (0, f"{next(scans)}\n" if "pg_stat" in asked.argv[-1] else "3|2026-01-01\n"),
        }
        moved = Answer(301, {"location": f"{API}/api/artists/"}, "")
        self.web.answers = {
            f"GET {API}/api/artists/": Answer(200, {}, "[]"),
            "GET http://api.zamio.localhost/api/artists/": moved,
            f"POST {API}/api/auth/token/": Answer(200, {}, "{}"),
            f"OPTIONS {API}/api/auth/token/": Answer(200, {"access-control-allow-headers": "content-type"}, ""),
            "WS wss://api.zamio.localhost/ws/plays/": Answer(101, {}, '{"plays": 7}'),
        }
        for portal in PORTALS:
            self.web.answers |= {
                f"GET {portal}/": Answer(200, {}, PAGE),
                f"GET {portal}/a/deep/link": Answer(200, {}, PAGE),
            }
            self.web.answers[f"GET {portal}/assets/index.js"] = Answer(200, {}, "fetch(globalThis.__ENV.VITE_API_URL)")
            self.web.answers[f"GET {portal}/env.js"] = env_js(API)
        self.web.allowed = PORTALS

    def _migrate(self, asked: OneOff) -> tuple[int, str]:
        self.migrated.append("plays.0001_initial")
        report = {"applied": ["plays.0001_initial"], "pending_before": 1, "heads": {"plays": "0001_initial"}}
        return 0, json.dumps(report)

    @property
    def target(self) -> Target:
        return Target(
            environment="rehearsal",
            registry=REGISTRY,
            network="net",
            tools=TOOLS,
            images=self.images,
            platform=self.platform,
            shell=Beating(),
            containers=self.containers,
            state=self.state,
            lock=self.lock,
            journal=self.journal,
            web=self.web,
        )

    def ids(self, version: Version) -> Mapping[str, str]:
        """Return image name -> id, and let the host pull the images under these ids."""
        found = {name: f"sha256:{name}-{version.number}" for name in self.config.workspace.image_names}
        for name, image in found.items():
            self.containers.images[ImageName(REGISTRY, self.config.workspace.name, name).tagged(version.tag)] = image
        return found

    def provision(self) -> None:
        run(prepare_provisioning(self.config, self.target, ONE.tag).plan)

    def prepare(self, version: Version, redeploy: frozenset[str] = frozenset()) -> Prepared:
        digests = {name: f"{REGISTRY}/{name}@sha256:{version.number}" for name in self.config.workspace.image_names}
        created = datetime(2026, 1, 1, tzinfo=UTC)
        return prepare(self.config, self.target, version, digests, self.ids(version), created, redeploy=redeploy)

    def deploy(self, version: Version) -> tuple[StepResult, ...]:
        self.lock.acquire()
        return run(self.prepare(version).plan)


def run(plan: Plan, journal: Written | None = None) -> tuple[StepResult, ...]:
    return Execution(Lines(), journal or Written()).run(plan)


def environment(root: Path, workspace: Workspace, **given: str) -> Config:
    """Return the rehearsal's configuration with made-up secrets."""
    made = generate_secrets(load_config(root, "rehearsal", workspace).schema, {})
    secrets = {name: value.reveal() for name, value in made.items()}
    return load_config(root, "rehearsal", workspace, {**secrets, **_SECRETS, **given})


def image(name: str) -> BuiltImage:
    return BuiltImage(name, f"sha256:{name}", (f"zamio/{name}:1",), 1)
