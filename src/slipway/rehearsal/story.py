"""The rehearsal, told in order: a monorepo from source to a release that answered and a backup that was restored.

Every stage hands its value to the next and says what another route than the acting one has seen of it. The verbs, plans
and steps are those of any environment; only the host is a disposable one.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.checks.environment import check_environment
from slipway.checks.issue import Issue, Severity, is_ok
from slipway.config.config import Config
from slipway.config.workspace import Engine, Workspace
from slipway.errors import Refused, UsageError
from slipway.plan import Execution, Plan, Step, StepResult
from slipway.plans.backup import plan_backup
from slipway.plans.build import Bases, image_builds
from slipway.plans.desired import desired_databases
from slipway.ports import BackupStore, BuiltImage, ContextPart, ImageBuild, Say
from slipway.rehearsal.ground import Ground, GroundImages, GroundKeeper
from slipway.rehearsal.image_stage import ImageStage
from slipway.rehearsal.report import Recorder
from slipway.release.image import ImageName, Version
from slipway.release.observed import ObservedPlatform
from slipway.secret import Secret
from slipway.target import Target
from slipway.verbs.build import build_images
from slipway.verbs.deploy import Prepared, prepare, prepare_provisioning
from slipway.verbs.push import push_images, push_other, push_tools

if TYPE_CHECKING:
    import docker

    from slipway.engines.images.buildkit import BuildKitImages

BASES = ("python", "node", "nginx", "postgres", "redis", "registry", "sshd", "tools", "traefik")
STAGES = (
    "check.env",
    "build",
    "check.images",
    "ground",
    "push",
    "provision",
    "migrate",
    "deploy",
    "verify",
    "backup",
    "prove",
)
"""The stages of a whole rehearsal in their order; `down` follows unless the ground is kept."""

COOLIFY_IMAGE = "slipway/rehearsal-coolify:1"
_STANDIN = Path(__file__).parent / "standin"
_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


@dataclass(frozen=True, slots=True)
class World:
    """What the story needs of the machine it happens on; wired in `tasks/_session.py`.

    `config` loads the rehearsal's configuration, with the ground's settings once it stands; `target` opens its ports.
    """

    root: Path
    workspace: Workspace
    version: Version
    images: "BuildKitImages"
    client: "docker.DockerClient"
    keeper: GroundKeeper
    bases: Callable[[Iterable[str], Say], Mapping[str, str]]
    secrets_file: Callable[[], Path]
    config: Callable[[Mapping[str, str]], Config]
    target: Callable[[Config], AbstractContextManager[tuple[Target, BackupStore]]]


@dataclass(frozen=True, slots=True)
class _Nested:
    """Shows the steps of a plan as lines of the stage they belong to and keeps them for the report."""

    say: Say
    parts: list[dict[str, object]]

    def started(self, name: str) -> None:
        self.say(f"{name} ...")

    def line(self, name: str, text: str) -> None:
        self.say(f"{name} | {text}")

    def ended(self, result: StepResult) -> None:
        self.say(f"{result.name} {result.outcome} ({result.seconds:.1f} s) {result.observed}")
        self.parts.append(result.as_json())


def check_env(world: World, say: Say) -> tuple[Config, str]:
    """Hold the rehearsal's configuration against every rule; its secrets are made up first."""
    secrets_file = world.secrets_file()
    issues = check_environment(world.root, "rehearsal", world.workspace, {}, secrets_file)
    _refuse(issues, "the configuration of the rehearsal", say)
    config = world.config({})
    count = len({name for service in world.workspace.services for name in config.settings(service)})
    warnings = sum(issue.severity is Severity.WARNING for issue in issues)
    return config, f"{count} variables for {len(world.workspace.services)} services, no error, {warnings} warnings"


def build(world: World, config: Config, say: Say, parts: list[dict[str, object]]) -> tuple[dict[str, BuiltImage], str]:
    """Build every image; what counts is what the engine shows afterwards."""
    world.bases(BASES, say)
    built, _ = build_images(world.images, workspace_builds(world, config), _Nested(say, parts))
    sizes = ", ".join(f"{name} {image.size / 1e6:.0f} MB" for name, image in built.items())
    return built, f"the engine has {len(built)} images: {sizes}"


def workspace_builds(world: World, config: Config) -> tuple[ImageBuild, ...]:
    """Return the builds of the workspace's images; they stay in this machine's engine until they are pushed."""
    arguments = {image: config.build_arguments(image) for image in world.workspace.frontend.portals}
    now = datetime.now(UTC)
    return image_builds(world.workspace, world.version, now, Bases(), arguments, registry="", root=world.root)


def staged_issues(world: World, config: Config, built: Mapping[str, BuiltImage], say: Say) -> list[Issue]:
    """Start every image in its role beside a real PostgreSQL and Redis and ask testinfra's questions."""
    references = world.bases(("postgres", "redis"), say)
    databases = {Engine.POSTGRESQL: references["postgres"], Engine.REDIS: references["redis"]}

    def variables(service: str, urls: Mapping[str, Secret]) -> Mapping[str, str | Secret]:
        others = {
            f"service.{name}.internal_url": f"http://{name}:{found.port}"
            for name, found in world.workspace.services.items()
            if found.port
        }
        return config.variables_for(service, {**others, **urls})

    with ImageStage(world.client, world.workspace, built, databases, variables, say) as stage:
        return stage.check()


def check_images(world: World, config: Config, built: Mapping[str, BuiltImage], say: Say) -> tuple[None, str]:
    """Refuse images that have an error; return what was seen otherwise."""
    _refuse(staged_issues(world, config, built, say), "the built images", say)
    task = world.workspace.probes.task.name
    return None, f"{len(world.workspace.services)} services green and stopped well; Celery task {task} came back"


def lay_ground(world: World, config: Config, say: Say) -> tuple[Ground, str]:
    """Lay the ground; observed over the SSH connection and the API that the release will use."""
    references = world.bases(BASES, say)
    standin = ImageBuild(
        "rehearsal-coolify", (ContextPart(_STANDIN),), "Dockerfile", (COOLIFY_IMAGE,), arguments={}, labels={}
    )
    world.images.build(standin, lambda _: None)
    images = GroundImages(references["registry"], references["sshd"], references["traefik"], COOLIFY_IMAGE)
    subdomains = tuple(s.subdomain for s in world.workspace.services.values() if s.subdomain)
    ground = world.keeper.lay(images, config.domain, subdomains, say)
    states = world.keeper.observe()
    stopped = [name for name, state in states.items() if state != "running"]
    if stopped:
        raise Refused(f"{', '.join(stopped)} stopped", where="ground")
    return ground, f"{len(states)} containers run; registry {ground.registry}, Coolify {ground.coolify_url}"


def push(world: World, target: Target, built: Mapping[str, BuiltImage], say: Say) -> tuple[dict[str, str], str]:
    """Push what the host will pull; the registry itself is asked for every digest."""
    digests = push_images(world.images, built, target.registry, world.workspace.name, world.version.tag, say)
    push_tools(world.images, target.containers, target.registry, say)
    for other in _database_images(world, say):
        push_other(world.images, other, target.registry, say)
    for name, digest in digests.items():
        repository = ImageName("", world.workspace.name, name).repository
        url = f"http://{target.registry}/v2/{repository}/manifests/{world.version.tag}"
        answer = target.web.ask("GET", url, headers={"Accept": _MANIFEST})
        seen = answer.headers.get("docker-content-digest", "")
        if answer.status != 200 or not digest.endswith(seen):
            raise Refused(f"the registry shows {seen or answer.status}, pushed was {digest}", where=url)
    return digests, f"the registry shows the {len(digests)} digests that were pushed"


def provision(
    config: Config, target: Target, tag: str, say: Say, parts: list[dict[str, object]]
) -> tuple[frozenset[str], str]:
    """Create what the platform lacks; the host's engine shows whether the databases are healthy."""
    prepared = prepare_provisioning(config, target, tag)
    Execution(_Nested(say, parts)).run(prepared.plan)
    seen = target.platform.observe()
    containers = {c.name: c for c in target.containers.running("coolify.type=database")}
    states = {name: containers[d.uuid].state for name, d in seen.databases.items() if d.uuid in containers}
    missing = [name for name in config.workspace.databases if states.get(name) != "running"]
    if missing:
        raise Refused(f"the engine does not show {', '.join(missing)} running", where="host")
    return prepared.redeploy, f"{len(seen.services)} applications; the engine shows {', '.join(states)} running"


def part(target: Target, title: str, steps: tuple[Step, ...], say: Say, parts: list[dict[str, object]]) -> str:
    """Carry out one part of a deployment and return what its last step observed."""
    results = Execution(_Nested(say, parts), target.journal).run(Plan(title, steps))
    return results[-1].observed if results else "already so"


def back_up(config: Config, target: Target, store: BackupStore, platform: ObservedPlatform, release: str) -> Plan:
    """Return the plan that dumps the environment's database and proves the dump."""
    wanted = next(d for d in desired_databases(config) if d.engine is Engine.POSTGRESQL)
    if wanted.name not in platform.databases:
        raise UsageError(
            f"there is no database {wanted.name} yet", where=config.environment, hint="`inv deploy` creates it"
        )
    return plan_backup(
        environment=config.environment,
        database=wanted,
        container=platform.databases[wanted.name].uuid,
        shell=target.shell,
        store=store,
        now=datetime.now(UTC),
        release=release,
    )


def tell(world: World, recorder: Recorder, *, keep: bool) -> None:
    """Tell the whole story. Errors and interrupts pass through, after the ground is gone (unless `keep`)."""
    parts: dict[str, list[dict[str, object]]] = {"build": []}
    recorder.facts["parts"] = parts
    config = recorder.stage("check.env", lambda say: check_env(world, say))
    built = recorder.stage("build", lambda say: build(world, config, say, parts["build"]))
    recorder.stage("check.images", lambda say: check_images(world, config, built, say))
    try:
        ground = recorder.stage("ground", lambda say: lay_ground(world, config, say))
        _release(world, recorder, ground, built, parts)
    except BaseException:
        if not keep:
            recorder.stage("down", lambda say: down(world, say))
        raise
    if not keep:
        recorder.stage("down", lambda say: down(world, say))


def down(world: World, say: Say) -> tuple[None, str]:
    """Take the ground away; the engine shows whether anything is left."""
    removed = world.keeper.teardown(say)
    left = world.keeper.left()
    if left:
        raise Refused(f"still there: {', '.join(left)}", where="engine", hint="`inv rehearse.down` tries again")
    return None, f"{removed} containers, volumes and networks removed, the engine shows none left"


def _release(
    world: World,
    recorder: Recorder,
    ground: Ground,
    built: Mapping[str, BuiltImage],
    parts: dict[str, list[dict[str, object]]],
) -> None:
    def kept(name: str) -> list[dict[str, object]]:
        return parts.setdefault(name, [])

    config = world.config(ground.settings())
    recorder.facts["urls"] = {n: config.public_url(n) for n, s in world.workspace.services.items() if s.subdomain}
    recorder.facts["images"] = {name: {"id": image.id, "bytes": image.size} for name, image in built.items()}
    with world.target(config) as (target, store):
        digests = recorder.stage("push", lambda say: push(world, target, built, say))
        redeploy = recorder.stage(
            "provision", lambda say: provision(config, target, world.version.tag, say, kept("provision"))
        )
        ids = {name: image.id for name, image in built.items()}
        prepared = prepare(config, target, world.version, digests, ids, datetime.now(UTC), redeploy=redeploy)

        def stage(name: str, steps: tuple[Step, ...]) -> None:
            recorder.stage(name, lambda say: (None, part(target, name, steps, say, kept(name))))

        stage("migrate", prepared.migrating)
        recorder.stage("deploy", lambda say: (None, deployed(target, prepared, say, kept("deploy"))))
        recorder.stage("verify", lambda say: (None, verified(target, prepared, say, kept("verify"))))
        dump, prove = back_up(config, target, store, prepared.platform, prepared.release.version.tag).steps
        stage("backup", (dump,))
        stage("prove", (prove,))


def deployed(target: Target, prepared: Prepared, say: Say, parts: list[dict[str, object]]) -> str:
    """Deploy service by service; the first look of verification, by the engine over SSH, says whether it is true."""
    running = prepared.verifying[0]
    return part(target, "deploy", (*prepared.deploying, running), say, parts)


def verified(target: Target, prepared: Prepared, say: Say, parts: list[dict[str, object]]) -> str:
    """Look at everything from outside, then record the release and give the lock back."""
    part(target, "verify", (*prepared.verifying[1:], *prepared.recording), say, parts)
    looks = [str(p["observed"]) for p in parts if str(p["name"]).startswith("verify")]
    return "; ".join(looks)


def _database_images(world: World, say: Say) -> tuple[str, ...]:
    return tuple(world.bases(("postgres", "redis"), say).values())


def _refuse(issues: list[Issue], what: str, say: Say) -> None:
    for issue in issues:
        say(f"{issue.severity} {issue.where}: {issue.message}")
    if not is_ok(issues):
        errors = [issue for issue in issues if issue.severity is Severity.ERROR]
        details = tuple(f"{issue.subject} {issue.where}: {issue.message} [{issue.id}]" for issue in errors[:20])
        raise Refused(f"{len(errors)} errors in {what}", details=details, hint=errors[0].hint)
