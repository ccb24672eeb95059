"""The rehearsal, told in order: a monorepo from source to a release that answered and a backup that was restored.

The verbs, plans and steps are those of any environment; only the host is a disposable one.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime

from slipway.config.config import Config
from slipway.errors import SlipwayError
from slipway.plan import Step
from slipway.ports import BuiltImage
from slipway.rehearsal import stages
from slipway.rehearsal.report import Recorder
from slipway.rehearsal.world import World
from slipway.verbs.backup import prepare_backup
from slipway.verbs.deploy import prepare

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

Parts = dict[str, list[dict[str, object]]]


def tell(world: World, recorder: Recorder, *, keep: bool) -> None:
    """Tell the whole story.

    Errors and interrupts pass through once the ground is gone. With `keep` a ground that came to stand is left, also
    after a failure; one that did not is taken away.
    """
    parts: Parts = {name: [] for name in ("build", "provision", "migrate", "deploy", "verify", "backup", "prove")}
    recorder.facts["parts"] = parts
    config = recorder.stage("check.env", lambda say: stages.check_env(world, say))
    built = recorder.stage("build", lambda say: stages.build(world, config, say, parts["build"]))
    recorder.facts["images"] = {name: {"id": image.id, "bytes": image.size} for name, image in built.items()}
    recorder.stage("check.images", lambda say: stages.check_images(world, config, built, say))
    stands = False
    try:
        with ExitStack() as stack:
            standing = recorder.stage("ground", lambda say: stages.lay_ground(world, config, stack, say))
            stands = True
            _release(world, recorder, standing, built, parts)
    except BaseException as error:
        if not (keep and stands):
            _down_after(world, recorder, error)
        raise
    if not keep:
        recorder.stage("down", lambda say: stages.down(world, say))


def _down_after(world: World, recorder: Recorder, error: BaseException) -> None:
    """Take the ground away after a failure; what fails there never hides the failure itself."""
    try:
        recorder.stage("down", lambda say: stages.down(world, say))
    except SlipwayError as second:
        if not isinstance(error, SlipwayError):
            raise
        error.details = (*error.details, f"and the ground could not be taken away: {second.message}; {second.hint}")


def _release(
    world: World, recorder: Recorder, standing: stages.Standing, built: Mapping[str, BuiltImage], parts: Parts
) -> None:
    config, target, tag = standing.config, standing.target, world.version.tag
    recorder.facts["urls"] = _urls(config)
    digests = recorder.stage("push", lambda say: stages.push(world, target, built, say))
    redeploy = recorder.stage("provision", lambda say: stages.provision(config, target, tag, say, parts["provision"]))
    ids = {name: image.id for name, image in built.items()}
    prepared = prepare(config, target, world.version, digests, ids, datetime.now(UTC), redeploy=redeploy)

    def stage(name: str, steps: tuple[Step, ...]) -> None:
        recorder.stage(name, lambda say: (None, stages.part(target, name, steps, say, parts[name])))

    stage("migrate", prepared.migrating)
    recorder.stage("deploy", lambda say: (None, stages.deployed(target, prepared, say, parts["deploy"])))
    recorder.stage("verify", lambda say: (None, stages.verified(target, prepared, say, parts["verify"])))
    dump, prove = prepare_backup(config, target, standing.backups, prepared.platform, tag).steps
    stage("backup", (dump,))
    stage("prove", (prove,))


def _urls(config: Config) -> dict[str, str]:
    return {name: config.public_url(name) for name, service in config.workspace.services.items() if service.subdomain}
