"""Deploy: from Config and images to a release that answers, in four looks: provision, migrate, deploy, verify."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from slipway.config.config import Config, fingerprint
from slipway.config.workspace import Engine, Role
from slipway.errors import UsageError
from slipway.plan import Plan, Step
from slipway.plans.deploy import deploy_plan
from slipway.plans.desired import desired_databases, desired_services, platform_values, refuse_open
from slipway.plans.provision import configured_services, provision_plan
from slipway.ports import OneOff, Say
from slipway.release.desired import DesiredService, Variables, release_variables
from slipway.release.history import current, read_history
from slipway.release.image import Version
from slipway.release.observed import Observed, ObservedPlatform, RunningContainer
from slipway.release.release import Release
from slipway.secret import Secret
from slipway.steps.ask import AskPostgres, AskTaskState
from slipway.steps.guard import RecordRelease, ReleaseLock
from slipway.steps.migrate import Migrate
from slipway.steps.verify import (
    VerifyApi,
    VerifyBeat,
    VerifyLogin,
    VerifyRunning,
    VerifyTask,
    VerifyWebSocket,
)
from slipway.steps.verify_portal import VerifyCors, VerifyPortal
from slipway.target import Target


@dataclass(frozen=True, slots=True)
class Provisioning:
    """What the platform lacks, as a plan, and the services whose changed settings need a deployment."""

    plan: Plan
    redeploy: frozenset[str]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A deployment before it acts, in four parts that follow each other; all empty when it is already so.

    `variables` are each service's, `image_ids` image name -> the id that was built.
    """

    release: Release
    desired: tuple[DesiredService, ...]
    variables: Mapping[str, Variables]
    platform: ObservedPlatform
    migrating: tuple[Step, ...] = ()
    deploying: tuple[Step, ...] = ()
    verifying: tuple[Step, ...] = ()
    recording: tuple[Step, ...] = ()

    @property
    def plan(self) -> Plan:
        """The whole as one plan: when a part fails, what came before it is taken back."""
        steps = (*self.migrating, *self.deploying, *self.verifying, *self.recording)
        return Plan(f"deploy {self.release.version.tag}", steps)


def prepare_provisioning(config: Config, target: Target, tag: str) -> Provisioning:
    """Look at the platform and plan what it lacks.

    A token that may do too little, and a variable that would stay without its value, are refused before anything acts.
    """
    target.platform.require_abilities()
    observed = target.platform.observe()
    refuse_open(config, observed)
    plan = provision_plan(
        desired_databases(config),
        desired_services(config, target.registry),
        observed,
        target.platform,
        target.containers,
        tag=tag,
    )
    return Provisioning(plan, configured_services(plan))


def prepare(
    config: Config,
    target: Target,
    version: Version,
    digests: Mapping[str, str],
    image_ids: Mapping[str, str],
    created: datetime,
    *,
    redeploy: frozenset[str] = frozenset(),
) -> Prepared:
    """Look at platform and host and plan the deployment of `version`; whoever carries it out holds the lock already.

    Raises `UsageError` listing every variable and reference that has no value, before anything acts.
    """
    platform = target.platform.observe()
    desired = desired_services(config, target.registry)
    values = platform_values(config, platform)
    variables = {
        service.name: {**config.variables_for(service.name, values), **release_variables(service.role, version)}
        for service in desired
    }
    key = _fingerprint_key(config)
    fingerprints = {s.name: fingerprint({**s.settings, **variables[s.name]}, key) for s in desired}
    release = Release(version, digests, created, fingerprints, {})
    running, crowded = running_services(target, platform)
    observed = Observed(platform, current_release(target), running, crowded)
    prepared = Prepared(release, desired, variables, platform)

    def planned(migrate: Migrate | None) -> Plan:
        return deploy_plan(
            desired,
            variables,
            release,
            observed,
            target.platform,
            target.containers,
            image_ids={name: image_ids[found.image] for name, found in config.workspace.services.items()},
            migrate=migrate,
            redeploy=redeploy,
        )

    if planned(None).is_empty:
        return prepared
    migrate = migration(config, target, prepared)
    steps = planned(migrate).steps
    after = steps.index(migrate) + 1
    return replace(
        prepared,
        migrating=steps[:after],
        deploying=steps[after:],
        verifying=verification(config, target, prepared, image_ids),
        recording=(_Record(target, prepared, migrate), ReleaseLock(target.lock)),
    )


def migration(config: Config, target: Target, prepared: Prepared) -> Migrate:
    """Return the step that migrates the database from the release's own image."""
    api = config.workspace.services_with(Role.WEB)[0]
    return Migrate(
        target.containers,
        _reference(prepared, api),
        target.tools,
        target.network,
        prepared.variables[api],
        _url(config, prepared.platform, Engine.POSTGRESQL),
    )


@dataclass(frozen=True, slots=True)
class _Record:
    """Records the release with the migration heads that are known only once the migration ran."""

    target: Target
    prepared: Prepared
    migrate: Migrate
    name: str = "record"

    def describe(self) -> str:
        return f"record release {self.prepared.release.version.tag} on the host"

    def run(self, say: Say) -> str:
        heads = self.migrate.report.heads if self.migrate.report else {}
        release = replace(self.prepared.release, migrations=heads)
        return RecordRelease(self.target.state, release, self.prepared.variables).run(say)

    def undo(self) -> bool:
        return False


def current_release(target: Target) -> Release | None:
    """Return the newest recorded release of the environment, None before the first."""
    return current(read_history(target.state.history(), f"{target.shell.place}: history of {target.environment}"))


def running_services(target: Target, platform: ObservedPlatform) -> tuple[dict[str, RunningContainer], frozenset[str]]:
    """Return service -> its newest running container, as the host's engine shows it, and those that run twice."""
    found, crowded = {}, set()
    for name, service in platform.services.items():
        containers = [c for c in target.containers.running(f"coolify.name={service.uuid}") if c.state == "running"]
        if containers:
            found[name] = containers[0]
        if len(containers) > 1:
            crowded.add(name)
    return found, frozenset(crowded)


def verification(config: Config, target: Target, prepared: Prepared, image_ids: Mapping[str, str]) -> tuple[Step, ...]:
    """Return the looks that make "deployed" true. `image_ids`: image name -> the id that was built."""
    workspace, services = config.workspace, config.workspace.services
    by_role = {role: workspace.services_with(role)[0] for role in (Role.WEB, Role.BEAT)}
    api, beat = by_role[Role.WEB], by_role[Role.BEAT]
    api_image = _reference(prepared, api)
    postgres, redis = (_url(config, prepared.platform, engine) for engine in (Engine.POSTGRESQL, Engine.REDIS))
    ask = AskPostgres(target.containers, target.tools, target.network, postgres)
    api_url = config.public_url(api)
    portals = {name: config.public_url(name) for name in workspace.services_with(Role.STATIC)}
    uuids = {name: found.uuid for name, found in prepared.platform.services.items()}

    def beat_container() -> str:
        return running_services(target, prepared.platform)[0][beat].name

    steps: list[Step] = [
        VerifyRunning(target.containers, {name: (uuids[name], image_ids[services[name].image]) for name in services}),
        VerifyApi(target.web, api_url, workspace.probes.api),
        VerifyLogin(
            target.web,
            api_url,
            workspace.probes.login,
            config.secrets(),
            ask,
            _LoginSetUp(config, target, api_image, prepared.variables[api]).run,
        ),
        *(
            VerifyPortal(target.web, name, url, api_url, config.build_arguments(services[name].image))
            for name, url in portals.items()
        ),
        *(
            VerifyCors(target.web, name, url, api_url, workspace.probes.api, workspace.probes.login)
            for name, url in portals.items()
        ),
    ]
    if workspace.probes.websocket:
        origin = next(iter(portals.values()), None)
        steps.append(VerifyWebSocket(target.web, api_url, workspace.probes.websocket, origin))
    steps += [
        VerifyTask(
            target.containers,
            api_image,
            target.network,
            prepared.variables[api],
            workspace.probes.task,
            AskTaskState(target.containers, target.tools, target.network, redis),
        ),
        VerifyBeat(target.shell, beat_container, ask, workspace.probes.beat),
    ]
    return tuple(steps)


def _reference(prepared: Prepared, service: str) -> str:
    """Return the image of a service as the host pulls it."""
    repository = next(desired.repository for desired in prepared.desired if desired.name == service)
    return f"{repository}:{prepared.release.version.tag}"


@dataclass(frozen=True, slots=True)
class _LoginSetUp:
    """Creates the user that the log-in probe uses, in a one-off container of the API's image."""

    config: Config
    target: Target
    image: str
    variables: Variables

    def run(self, say: Say) -> None:
        probe = self.config.workspace.probes.login
        known = self.config.secrets()
        # The command gets the secrets that the probe's body names, under their own names.
        wanted = {name: known[name] for name in known if any(f"${{secret.{name}}}" in v for v in probe.body.values())}
        done = self.target.containers.run_once(
            OneOff(
                "login-set-up",
                self.image,
                probe.setup_command,
                network=self.target.network,
                variables={**self.variables, **wanted},
            ),
            say,
        )
        done.checked(where="probes.login.setup_command")


def _url(config: Config, platform: ObservedPlatform, engine: Engine) -> Secret:
    for name, database in config.workspace.databases.items():
        if database.engine is engine:
            if name in platform.databases:
                return platform.databases[name].internal_url
            raise UsageError(
                f"there is no database {name} yet", where=config.environment, hint="`inv deploy` creates it"
            )
    raise UsageError(f"the workspace has no {engine} database", where=str(config.workspace.file))


def _fingerprint_key(config: Config) -> bytes:
    """Digests of variables are keyed with the application's own secret: without it they tell nothing."""
    secret = config.secrets().get("SECRET_KEY")
    if secret is None:
        raise UsageError("SECRET_KEY has no value", where=f"env/{config.environment}.secrets.env")
    return secret.reveal().encode()
