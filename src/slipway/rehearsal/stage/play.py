"""Play: what happens on a stage, when, and beside what. Used by `inv check.images`.

    layers      |-- search ---------------------------|
    portals     |-- start, ask, break, stop --|
    databases   |-- start --|-- migrate -----|
    api, worker             |-- start, break |-- ask, task, Redis away --|-- stop --|
    beat                          |-- start, break --|-- ask, stop --|

API and worker start while the migrations run: what they import then is what `migrate` imports, too. Beat starts when
the table of its schedule is there, as it could do nothing before. Nothing is held against them before the migrations
are through, and one that could not bear the half-made database is started again.
"""

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Self

from slipway.checks.images.image import check_image
from slipway.checks.issue import Issue, Severity
from slipway.config.workspace import Engine, Role, Workspace
from slipway.engines.clean_layers import CleanLayers
from slipway.engines.image_layers import LayerSearch
from slipway.engines.image_tests import ImageTests
from slipway.errors import SlipwayError, Unreachable
from slipway.ports import BuiltImage, Say
from slipway.rehearsal.engine_says import asking
from slipway.rehearsal.stage.asking import StoppedByItself, ask, asks_green, await_green, await_sign, engine_agrees
from slipway.rehearsal.stage.breaking import broker_away, broker_back, standing_still
from slipway.rehearsal.stage.cues import Cues
from slipway.rehearsal.stage.opening import Opening
from slipway.rehearsal.stage.scene import Hosts, Scene
from slipway.rehearsal.stage.stopping import stops_well
from slipway.rehearsal.stage.task import comes_back
from slipway.rehearsal.stage.weighing import LayerRule, weigh
from slipway.release.desired import Variables
from slipway.secret import Secret

if TYPE_CHECKING:
    import docker

_THREADS = 32
_PAUSE = 0.5


@dataclass(frozen=True, slots=True)
class Checked:
    """The findings in the workspace's order, and the seconds that each act of each service took."""

    issues: tuple[Issue, ...]
    seconds: Mapping[str, Mapping[str, float]]


def durations(seconds: Mapping[str, Mapping[str, float]]) -> list[tuple[str, str, str]]:
    """Return a row a service: its name, its seconds in all, and what they went into."""
    return [
        (name, f"{sum(acts.values()):.1f}", ", ".join(f"{act} {taken:.1f}" for act, taken in acts.items()))
        for name, acts in seconds.items()
    ]


@dataclass(slots=True)
class ImageStage:
    """The stage: use it as a context manager; leaving it removes every container, volume and network it made.

    `images`: image name -> built image; `databases`: engine -> image reference; `variables`: gives a service's
    variables once the databases' URLs are known (keys as in the references, `service.postgres.internal_url`);
    `secrets` are sought in the layers, `clean` remembers where they are not; `tests` are testinfra's.
    """

    client: "docker.DockerClient"
    workspace: Workspace
    images: Mapping[str, BuiltImage]
    databases: Mapping[Engine, str]
    variables: Callable[[str, Mapping[str, Secret]], Variables]
    secrets: tuple[Secret, ...]
    clean: CleanLayers
    tests: ImageTests
    say: Say
    scene: Scene = field(init=False)
    _seconds: dict[str, dict[str, float]] = field(default_factory=dict)
    _cues: Cues = field(default_factory=Cues)
    _ended: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.scene = Scene(self.client, self.workspace, self.images, self.say, known=self.secrets)

    def __enter__(self) -> Self:
        try:
            with asking(self.scene.name):
                self.scene.open()
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.scene.close()
        else:
            self._leave()

    def _leave(self) -> None:
        """Close after an error, which is what has to be told."""
        try:
            self.scene.close()
        except SlipwayError as error:
            self.say(f"not all of the stage could be removed: {error.message}; `inv rehearse.down` does so")

    def check(self) -> Checked:
        """Do everything and return the findings. Raises `Unreachable` when the engine is lost, or has no room."""
        with asking(self.scene.name):
            search = LayerSearch(self.client, self._ended)
            weighed = weigh(search, self.images, self.workspace.budget)
            issues = [issue for image in weighed for issue in check_image(image)]
            if any(issue.id == "images.architecture" for issue in issues):
                return Checked(tuple(issues), {})  # nothing of it can be started
            layers = LayerRule(search, self.clean, self.secrets, self.say)
            with ThreadPoolExecutor(_THREADS, "stage") as pool:
                try:
                    found = pool.submit(self._timed, "layers", "search", layers.check, self.images)
                    issues += self._play(pool)
                    issues += found.result()
                except BaseException:
                    # Whoever still waits or asks is let go, by what it asks being taken away.
                    self._ended.set()
                    self._cues.let_go()
                    self._leave()
                    raise
            return Checked(tuple(issues), self._seconds)

    def _play(self, pool: ThreadPoolExecutor) -> list[Issue]:
        self.tests.warm()
        services, web = self.workspace.services, self.workspace.services_with(Role.WEB)
        opening = Opening(self.scene, self.databases, self.variables)
        opening.start_databases()
        statics = self.workspace.services_with(Role.STATIC)
        acts: dict[str, Future[list[Issue]]] = {n: pool.submit(self._portal, opening, n) for n in statics}
        opening.await_databases()
        self.say("PostgreSQL and Redis answer")
        for name in (*web, *self.workspace.services_with(Role.WORKER)):
            acts[name] = pool.submit(self._backend, opening, name)
        for name in self.workspace.services_with(Role.BEAT):
            acts[name] = pool.submit(self._beat, opening, name)
        issues = self._timed("migrations", "migrate", opening.migrate, web[0])
        self._cues.are_migrated(not issues)
        task = pool.submit(self._task) if not issues else None
        issues += self._redis_goes(opening, [*web, *self.workspace.services_with(Role.WORKER)], task)
        for name in services:
            issues += acts[name].result()
        return issues + self._strays()

    def _strays(self) -> list[Issue]:
        first = next(iter(self.workspace.services))
        hint = f"services are {', '.join(self.workspace.services)}"
        return [
            self.scene.issue(
                first, "tests", "no service has this name", hint, Severity.WARNING, self.tests.place(str(p), 1)
            )
            for p in self.tests.stray(self.workspace.services)
        ]

    def _task(self) -> list[Issue]:
        """Send the task once API and worker are mended: until then one of them may stand still."""
        pair = [self.workspace.services_with(role)[0] for role in (Role.WEB, Role.WORKER)]
        if not self._cues.await_all("mended", pair):
            return []
        return self._timed(pair[1], "task", comes_back, self.scene)

    def _redis_goes(self, opening: Opening, services: list[str], task: "Future[list[Issue]] | None") -> list[Issue]:
        """Once API and worker were asked and the task is back: Redis goes away, is missed by both, and comes back."""
        if task is None or not self._cues.await_all("asked", services):
            return []
        issues = task.result()
        redis = [n for n, d in self.workspace.databases.items() if d.engine is Engine.REDIS]
        for name in redis:
            self.scene.container(name).kill()
        self._cues.away.set()
        self._cues.await_all("seen", services)
        for name in redis:
            self.scene.container(name).start()
        opening.await_databases(*redis)
        self._cues.back.set()
        return issues

    def _portal(self, opening: Opening, name: str) -> list[Issue]:
        def acts(hosts: Hosts, issues: list[Issue]) -> None:
            issues += self._asked(name, hosts)
            issues += self._timed(name, "break", standing_still, self.scene, name, hosts)
            issues += self._stopped(name, hosts)

        return opening.start(name) or self._inside(name, acts)

    def _beat(self, opening: Opening, name: str) -> list[Issue]:
        opening.await_table(self.workspace.probes.beat.table, self._cues.migrated)
        return self._backend(opening, name)

    def _backend(self, opening: Opening, name: str) -> list[Issue]:
        def acts(hosts: Hosts, issues: list[Issue]) -> None:
            issues += self._green(name, hosts)
            issues += self._timed(name, "break", standing_still, self.scene, name, hosts)
            self._cues.tell("mended", name)
            if self._cues.await_migrated():
                issues += self._asked(name, hosts)
                issues += self._without_redis(name, hosts)
                issues += self._stopped(name, hosts)

        try:
            issues = opening.start(name)
            if issues or not self._bears_the_empty_database(name):
                return issues
            return self._inside(name, acts)
        finally:
            for act in ("mended", "asked", "seen"):
                self._cues.tell(act, name)

    def _without_redis(self, name: str, hosts: Hosts) -> list[Issue]:
        role = self.workspace.services[name].role
        if role is Role.BEAT:  # its check says whether it ticks, with Redis or without
            return []
        self._cues.tell("asked", name)
        self._cues.away.wait()
        issues = self._timed(name, "Redis", broker_away, self.scene, name, hosts)
        self._cues.tell("seen", name)
        if role is Role.WORKER:
            self._cues.back.wait()
            issues += self._timed(name, "Redis", broker_back, self.scene, name, hosts)
        return issues

    def _bears_the_empty_database(self, name: str) -> bool:
        """Wait for its green or the migrations' end; start it again after them where it stopped before."""
        is_green = False

        def acts(hosts: Hosts, _: list[Issue]) -> None:
            nonlocal is_green
            while not is_green and not self._cues.migrated.is_set():
                await_sign(self.scene, name, hosts, self._cues.migrated.wait)
                is_green = not self._cues.migrated.is_set() and asks_green(hosts)[0]
                self._cues.migrated.wait(0 if is_green else _PAUSE)

        self._inside(name, acts)
        if is_green:
            return True
        if not self._cues.await_migrated():
            return False
        if not self.scene.is_running(name):
            self.scene.container(name).start()
        return True

    def _green(self, name: str, hosts: Hosts) -> list[Issue]:
        return self._timed(name, "green", await_green, self.scene, name, hosts)

    def _asked(self, name: str, hosts: Hosts) -> list[Issue]:
        issues = self._green(name, hosts)
        issues += self._timed(name, "ask", ask, self.scene, name, hosts)
        tell = self.scene.issue
        issues += self._timed(name, "tests", self.tests.run, name, self.workspace.services[name].role, hosts, tell)
        return issues

    def _stopped(self, name: str, hosts: Hosts) -> list[Issue]:
        if not self.scene.is_running(name):
            raise StoppedByItself(name)
        issues = self._timed(name, "engine", engine_agrees, self.scene, name)
        return issues + self._timed(name, "stop", stops_well, self.scene, name, hosts)

    def _inside(self, name: str, acts: Callable[[Hosts, list[Issue]], None]) -> list[Issue]:
        """Open the shells of a container for `acts`, which adds to its issues; return them.

        Why a service cannot be asked becomes an issue, a lost engine stays an error.
        """
        from docker.errors import APIError

        issues: list[Issue] = []
        try:
            with self.scene.hosts(name) as hosts:
                acts(hosts, issues)
        except (Unreachable, StoppedByItself, APIError) as error:
            state = {} if self._ended.is_set() else self.scene.state(name)
            is_running = state.get("Status") == "running"
            if not state or (is_running and isinstance(error, APIError)):
                raise
            if is_running:
                told = error.message if isinstance(error, SlipwayError) else str(error)
                issues.append(self.scene.issue(name, "shell", told, "the image needs `sh`, `cat` and `find`"))
            else:
                told = f"the container stopped by itself with {state.get('ExitCode')}: {self.scene.last_words(name)}"
                issues.append(self.scene.issue(name, "start", told, "read its last lines above"))
        return issues

    def _timed(self, name: str, act: str, do: "Callable[..., list[Issue]]", *given: object) -> list[Issue]:
        begin = time.monotonic()
        try:
            return do(*given)
        finally:
            taken = self._seconds.setdefault(name, {})
            taken[act] = round(taken.get(act, 0.0) + time.monotonic() - begin, 3)
