"""Deploy: variables, the migration, then every service in the order in which they depend on each other."""

from collections.abc import Collection, Mapping, Sequence

from slipway.config.workspace import Role
from slipway.errors import UsageError
from slipway.plan import Plan, Step
from slipway.ports import Containers, Platform
from slipway.release.desired import DesiredService, Variables
from slipway.release.observed import Observed, RunningContainer
from slipway.release.release import Release
from slipway.steps.platform import DeployService, PullImage, SetVariables, changed_names
from slipway.steps.together import Together

# The API answers before the worker takes tasks and beat sends them; portals talk to the API.
_AT_ONCE = 2
_ORDER = (Role.WEB, Role.WORKER, Role.BEAT, Role.STATIC)


def deploy_plan(
    services: Sequence[DesiredService],
    variables: Mapping[str, Variables],
    release: Release,
    observed: Observed,
    platform: Platform,
    containers: Containers,
    *,
    image_ids: Mapping[str, str],
    migrate: Step | None = None,
    redeploy: Collection[str] = (),
) -> Plan:
    """Return the steps that make `release` run; empty when it does already and `migrate` is None.

    `variables` are each service's, `image_ids` service -> id of the image it shall run, `migrate` the step that brings
    the schema up to the release (None where nothing is to migrate), `redeploy` names services that need a deployment
    for another reason (their settings were changed).
    Raises `UsageError` where a service is not on the platform or has no variables.
    """
    ordered = sorted(services, key=lambda service: _ORDER.index(service.role))
    _refuse_missing(ordered, variables, observed)
    steps: list[Step] = []
    for service in ordered:
        on_platform = observed.platform.services[service.name]
        if changed_names(variables[service.name], on_platform.variables):
            steps.append(
                SetVariables(
                    platform, service.name, on_platform.uuid, variables[service.name], dict(on_platform.variables)
                )
            )
    if migrate is not None:
        steps.append(migrate)
    due = [
        service
        for service in ordered
        if service.name in redeploy
        or not is_already_so(service, variables[service.name], release, observed, image_ids[service.name])
    ]
    deployments = {
        service.name: _deployment(service, variables[service.name], release.version.tag, observed, platform, containers)
        for service in due
    }
    for service in due:
        if service.role is not Role.STATIC:
            steps += deployments[service.name]
    # Portals know only the API, so they go side by side, as many as Coolify deploys at once on one server.
    portals = [step for service in due if service.role is Role.STATIC for step in deployments[service.name]]
    steps += portals if len(portals) < 2 else [Together("deploy portals", portals, _AT_ONCE)]
    return Plan(f"deploy {release.version.tag}", tuple(steps))


def is_already_so(
    service: DesiredService, variables: Variables, release: Release, observed: Observed, image_id: str
) -> bool:
    """Whether the service runs this release: one container of its tag and image, green, variables as recorded.

    The image is compared by id, because a tag may be built anew. The record is asked besides the platform, because
    variables and settings on the platform reach a container with its next deployment only.
    """
    container = observed.running.get(service.name)
    if container is None or container.state != "running" or container.health not in {"", "healthy"}:
        return False
    if service.name in observed.crowded or container.image_id != image_id:
        return False
    if container.image != f"{service.repository}:{release.version.tag}":
        return False
    if changed_names(variables, observed.platform.services[service.name].variables):
        return False
    recorded = observed.current.fingerprints.get(service.name) if observed.current else None
    return recorded is not None and recorded == release.fingerprints.get(service.name)


def _deployment(
    service: DesiredService,
    variables: Variables,
    tag: str,
    observed: Observed,
    platform: Platform,
    containers: Containers,
) -> list[Step]:
    on_platform = observed.platform.services[service.name]
    deploy = DeployService(
        platform,
        service,
        on_platform.uuid,
        tag,
        _tag_of(observed.running.get(service.name), service.repository),
        variables,
        dict(on_platform.variables),
    )
    if service.rolling:
        return [deploy]
    return [PullImage(containers, service.name, f"{service.repository}:{tag}"), deploy]


def _tag_of(container: RunningContainer | None, repository: str) -> str | None:
    if container is None or not container.image.startswith(f"{repository}:"):
        return None
    return container.image.removeprefix(f"{repository}:")


def _refuse_missing(services: Sequence[DesiredService], variables: Mapping[str, Variables], observed: Observed) -> None:
    absent = [service.name for service in services if service.name not in observed.platform.services]
    if absent:
        raise UsageError(
            f"not on the platform yet: {', '.join(absent)}", hint="provision first: `inv deploy` does so by itself"
        )
    silent = [service.name for service in services if service.name not in variables]
    if silent:
        raise UsageError(f"no variables are known for {', '.join(silent)}", where="configuration")
