"""Which images a task works with: those of this checkout's version, made from what lies here now."""

from collections.abc import Mapping
from dataclasses import replace

from slipway.errors import UsageError
from slipway.plans.build_portals import BUILT_WITH, CONFIGURED, built_with
from slipway.ports import BuiltImage
from slipway.rehearsal.stages import workspace_builds
from slipway.release.image import ImageName
from slipway.release.inputs import INPUTS_LABEL
from tasks._session import ROOT, Session


def built_images(s: Session) -> dict[str, BuiltImage]:
    """Return the images of this version as the engine has them. Raises `UsageError` naming those it has not."""
    s.ensure_engine()
    built, missing, foreign = {}, [], []
    for name in s.workspace.image_names:
        reference = ImageName("", s.workspace.name, name).tagged(s.version.tag)
        found = s.images.inspect(reference)
        if found is None:
            missing.append(reference)
        else:
            built[name] = replace(found, name=name, tags=(reference,))
            # The image's own word counts, not the workspace file's: `--configure build` may have made it.
            if name == "backend" or found.labels.get(CONFIGURED) == "start":
                continue
            if found.labels.get(BUILT_WITH) != built_with(s.config.build_arguments(name)):
                foreign.append(reference)
    if missing:
        raise UsageError(f"not built yet: {', '.join(missing)}", where="engine", hint="`inv build.all` builds them")
    _refuse_stale(s, built)
    if foreign:
        raise UsageError(
            f"built with the variables of another environment: {', '.join(foreign)}",
            where="engine",
            hint=f"name theirs with --env, or `inv build.all --env {s.env}` builds them for {s.env}",
        )
    return built


def _refuse_stale(s: Session, built: Mapping[str, BuiltImage]) -> None:
    """Refuse images that were made from something else than what lies here now: their tag does not tell.

    A tag names the version and revision of the source; a change that is not committed, another lock, other base
    images or another Slipway leave it as it is.
    """
    inputs = s.images.read(workspace_builds(s.config, s.version, ROOT))
    stale = [
        image.tags[0]
        for name, image in built.items()
        # One of `--configure build` has an environment's values among its inputs; those are looked at beside this.
        if image.labels.get(CONFIGURED, "start") == "start"
        and not inputs[name].unknown_bases
        and image.labels.get(INPUTS_LABEL) != inputs[name].digest
    ]
    if stale:
        raise UsageError(
            f"made from something else than what lies here now: {', '.join(stale)}",
            where="engine",
            hint="`inv build.all` builds what has changed",
        )
