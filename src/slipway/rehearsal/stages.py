"""The stages of a rehearsal: each hands on its value and says what another route than the acting one has seen of it."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from slipway.checks.environment import check_environment
from slipway.checks.issue import Issue, Severity, is_ok
from slipway.command import command
from slipway.config.config import Config
from slipway.config.layers import other_secrets
from slipway.config.references import database_values, service_values
from slipway.config.workspace import Configured, Engine
from slipway.engines.clean_layers import CleanLayers
from slipway.engines.image_tests import ImageTests
from slipway.errors import Refused
from slipway.plan import Execution, Plan, Step, StepResult
from slipway.plans.build import image_builds
from slipway.plans.build_common import Bases, bases_of
from slipway.ports import BackupStore, BuiltImage, ContextPart, ImageBuild, Say
from slipway.rehearsal.ground import LABEL, GroundImages
from slipway.rehearsal.stage.play import Checked, ImageStage
from slipway.rehearsal.world import BASES, World
from slipway.release.image import ImageName, Version
from slipway.secret import Secret
from slipway.steps.guard import AcquireLock
from slipway.target import Target
from slipway.verbs.build import build_images
from slipway.verbs.deploy import Prepared, prepare_provisioning
from slipway.verbs.lock import ensure_lock
from slipway.verbs.portals import bundle_issues, look_into
from slipway.verbs.push import push_images, push_other, push_tools

COOLIFY_IMAGE = "slipway/rehearsal-coolify:1"
_STANDIN = Path(__file__).parent / "standin"
_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


@dataclass(frozen=True, slots=True)
class Standing:
    """The ground with its ports open: the configuration that names it, the target, its backups."""

    config: Config
    target: Target
    backups: BackupStore


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
    root, workspace = world.root, world.workspace
    issues = check_environment(root, "rehearsal", workspace, world.given, secrets_file, world.unseal, world.looks)
    _refuse(issues, "the configuration of the rehearsal", say)
    config = world.config({})
    count = len({name for service in world.workspace.services for name in config.settings(service)})
    warnings = sum(issue.severity is Severity.WARNING for issue in issues)
    return config, f"{count} variables for {len(world.workspace.services)} services, no error, {warnings} warnings"


def build(
    world: World, config: Config, say: Say, parts: list[dict[str, object]]
) -> tuple[Mapping[str, BuiltImage], str]:
    """Build every image; what counts is what the engine shows afterwards."""
    world.bases((*bases_of(world.workspace), *BASES), say)
    ensure_lock(world.images, world.files, world.workspace, world.root, say, Bases)
    built = build_images(world.images, workspace_builds(config, world.version, world.root), _Nested(say, parts)).images
    look_into(world.files, config, built, _Nested(say, parts))
    sizes = ", ".join(f"{name} {image.size / 1e6:.0f} MB" for name, image in built.items())
    return built, f"the engine has {len(built)} images: {sizes}"


def workspace_builds(config: Config, version: Version, root: Path) -> tuple[ImageBuild, ...]:
    """Return the builds of the workspace's images; they stay in this machine's engine until they are pushed."""
    workspace = config.workspace
    portals = workspace.frontend.portals
    arguments = {
        image: config.build_arguments(image)
        for image, portal in portals.items()
        if portal.configure is Configured.BUILD  # what is configured at start is built without any environment's values
    }
    declared = {image: config.bundled(image) for image in portals}
    built_in = {image: config.built_in(image) for image in portals}
    now = datetime.now(UTC)
    return image_builds(workspace, version, now, Bases(), arguments, "", root, declared=declared, built_in=built_in)


def tried_images(
    world: World, config: Config, built: Mapping[str, BuiltImage], say: Say, *, meant: Config | None = None
) -> Checked:
    """Start every image in its role beside a real PostgreSQL and Redis, ask, break and stop it.

    Services get the variables of `config`; what bundles hold is compared with `meant` (without one: the same).
    """
    references = world.bases(("postgres", "redis"), say)
    databases = {Engine.POSTGRESQL: references["postgres"], Engine.REDIS: references["redis"]}

    def variables(service: str, urls: Mapping[str, Secret]) -> Mapping[str, str | Secret]:
        values: dict[str, str | Secret] = {}
        for name, found in world.workspace.services.items():
            values |= service_values(name, name, found.port) if found.port else {}
        for name in world.workspace.databases:
            values |= database_values(name, urls[f"service.{name}.internal_url"])
        return config.variables_for(service, values)

    others = other_secrets(world.root, world.unseal)
    if others:
        say(f"secrets of {', '.join(others)} are sought, too")
    secrets = tuple(dict.fromkeys((*config.secrets().values(), *(one for held in others.values() for one in held))))
    clean = CleanLayers(world.root / ".slipway" / "clean-layers.json")
    workspace = world.workspace
    tests = ImageTests(world.root / "images" / "tests", workspace.file.parent / workspace.image_tests)
    with ImageStage(world.client, workspace, built, databases, variables, secrets, clean, tests, say) as stage:
        checked = stage.check()
    return replace(checked, issues=(*bundle_issues(world.files, meant or config, built), *checked.issues))


def check_images(world: World, config: Config, built: Mapping[str, BuiltImage], say: Say) -> tuple[None, str]:
    """Refuse images that have an error; return what was seen otherwise."""
    _refuse(list(tried_images(world, config, built, say).issues), "the built images", say)
    task = world.workspace.probes.task.name
    return None, f"{len(world.workspace.services)} services green and stopped well; Celery task {task} came back"


def lay_ground(world: World, config: Config, stack: ExitStack, say: Say) -> tuple[Standing, str]:
    """Lay the ground and open its ports; each part is asked over the route that the release will take."""
    references = world.bases(BASES, say)
    say("building the Coolify stand-in")
    standin = ImageBuild(
        "rehearsal-coolify", (ContextPart(_STANDIN),), "Dockerfile", (COOLIFY_IMAGE,), arguments={}, labels={}
    )
    world.images.build(standin, lambda _: None)
    images = GroundImages(references["registry"], references["sshd"], references["traefik"], COOLIFY_IMAGE)
    subdomains = tuple(s.subdomain for s in world.workspace.services.values() if s.subdomain)
    ground = world.keeper.lay(images, config.domain, subdomains, say)
    settled = world.config(ground.settings())
    standing = Standing(settled, *stack.enter_context(world.target(settled)))
    target = standing.target
    label = ("--filter", f"label={LABEL}={ground.name}", "--format", "{{.Names}}")
    listed = target.shell.run(command("docker", "ps", *label)).checked(where="the host, over SSH")
    target.platform.require_abilities()
    proxy = target.web.ask("GET", f"http://{ground.domain}/ping")
    if proxy.status != 200:
        raise Refused(f"Traefik answers {proxy.status} to /ping", where=f"http://{ground.domain}")
    count = len(listed.stdout.split())
    return standing, f"over SSH {count} containers run; Traefik answers, Coolify lets us read, write and deploy"


def push(world: World, target: Target, built: Mapping[str, BuiltImage], say: Say) -> tuple[dict[str, str], str]:
    """Push what the host will pull; the registry itself is asked for every digest."""
    push_tools(world.images, target.containers, target.registry, say)
    for other in world.bases(("postgres", "redis"), say).values():
        push_other(world.images, other, target.registry, say)
    digests = push_images(world.images, built, target.registry, world.workspace.name, world.version.tag, say)
    for name, digest in digests.items():
        repository = ImageName("", world.workspace.name, name).repository
        url = f"http://{target.registry}/v2/{repository}/manifests/{world.version.tag}"
        answer = target.web.ask("GET", url, headers={"Accept": _MANIFEST})
        seen = answer.headers.get("docker-content-digest", "")
        if answer.status != 200 or seen != digest.partition("@")[2]:
            raise Refused(f"the registry shows {seen or answer.status}, pushed was {digest}", where=url)
    return digests, f"the registry shows the {len(digests)} digests that were pushed"


def provision(
    config: Config, target: Target, tag: str, say: Say, parts: list[dict[str, object]]
) -> tuple[frozenset[str], str]:
    """Create what the platform lacks; the host's engine shows whether the databases are healthy."""
    lock = Plan("lock", (AcquireLock(target.lock),))
    Execution(_Nested(say, parts), target.journal).run(lock)
    prepared = prepare_provisioning(config, target, tag)
    Execution(_Nested(say, parts), target.journal).run(prepared.plan)
    seen = target.platform.observe()
    lacking = set(config.workspace.services) - set(seen.services)
    if lacking:
        raise Refused(f"Coolify does not show {', '.join(sorted(lacking))}", where="platform")
    containers = {c.name: c for c in target.containers.running("coolify.type=database")}
    states = {name: containers[d.uuid].health for name, d in seen.databases.items() if d.uuid in containers}
    ill = [name for name in config.workspace.databases if states.get(name) != "healthy"]
    if ill:
        raise Refused(f"the engine does not show {', '.join(ill)} healthy", where="host")
    return prepared.redeploy, f"{len(seen.services)} applications; the engine shows {', '.join(states)} healthy"


def part(target: Target, title: str, steps: tuple[Step, ...], say: Say, parts: list[dict[str, object]]) -> str:
    """Carry out one part of a deployment and return what its last step observed."""
    results = Execution(_Nested(say, parts), target.journal).run(Plan(title, steps))
    return results[-1].observed if results else "already so"


def deployed(target: Target, prepared: Prepared, say: Say, parts: list[dict[str, object]]) -> str:
    """Deploy service by service; the first look of verification, by the engine over SSH, says whether it is true."""
    running = prepared.verifying[0]
    return part(target, "deploy", (*prepared.deploying, running), say, parts)


def verified(target: Target, prepared: Prepared, say: Say, parts: list[dict[str, object]]) -> str:
    """Look at everything from outside, then record the release and give the lock back."""
    part(target, "verify", (*prepared.verifying[1:], *prepared.recording), say, parts)
    looks = [str(p["observed"]) for p in parts if str(p["name"]).startswith("verify")]
    return "; ".join(looks)


def down(world: World, say: Say) -> tuple[None, str]:
    """Take the ground away; the engine shows whether anything is left."""
    removed = world.keeper.teardown(say)
    left = world.keeper.left()
    if left:
        raise Refused(f"still there: {', '.join(left)}", where="engine", hint="`inv rehearse.down` tries again")
    return None, f"{removed} containers, volumes and networks removed, the engine shows none left"


def _refuse(issues: list[Issue], what: str, say: Say) -> None:
    for issue in issues:
        say(f"{issue.severity} {issue.where}: {issue.message}")
    if not is_ok(issues):
        errors = [issue for issue in issues if issue.severity is Severity.ERROR]
        details = tuple(f"{issue.where}: {issue.message} [{issue.id}]" for issue in errors[:20])
        raise Refused(f"{len(errors)} errors in {what}", details=details, hint=errors[0].hint)
