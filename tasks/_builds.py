"""What `inv build.*` does with a session: base images, the lock, the workspace's images, and where they go."""

from typing import TYPE_CHECKING

from slipway.errors import UsageError
from slipway.plan import PlanFailed
from tasks._acts import as_json, tell_failed
from tasks._session import ROOT, Session, registry_of

if TYPE_CHECKING:
    from slipway.verbs.build import Built


def make_bases(s: Session, *, fresh: bool) -> None:
    """Make the base images and list them."""
    from slipway.rehearsal.world import BASES
    from slipway.release.bases import RECIPES

    s.ensure_engine()
    # What only some workspaces need is made with their images, and from then on renewed like the others.
    there = [name for name, recipe in RECIPES.items() if name not in BASES and s.images.inspect(recipe.image)]
    made = s.bases((*BASES, *there), s.console.say, fresh=fresh)
    rows = []
    for name, reference in made.items():
        found = s.images.inspect(reference)
        rows.append((name, reference, f"{found.size / 1e6:.0f} MB" if found else "missing"))
    if s.as_json:
        s.console.document({"ok": True, "bases": [dict(zip(("name", "image", "size"), r, strict=True)) for r in rows]})
    else:
        s.console.table(("base", "image", "size"), rows)


def build(s: Session, only: tuple[str, ...] = (), configure: str = "", *, force: bool = False) -> None:
    """Build the images named in `only` (all without) that are not there yet, and tell what came of it.

    `configure` overrides when portals learn their variables, "" leaves it to the workspace file.
    """
    from slipway.engines.images.records import RecordFolder
    from slipway.plans.build_common import bases_of
    from slipway.plans.desired import optional_setting
    from slipway.rehearsal.stages import workspace_builds
    from slipway.verbs.build import build_images
    from slipway.verbs.portals import look_into

    s.configure_portals(configure)
    if not only or "backend" in only:
        ensure_lock(s)  # first: a lock made now is a change of the checkout, and so of its version
    world = s.world()
    builds = workspace_builds(s.config, s.version, ROOT)
    unknown = set(only) - {wanted.name for wanted in builds}
    if unknown:
        names = ", ".join(wanted.name for wanted in builds)
        raise UsageError(f"there is no image {', '.join(sorted(unknown))}", hint=f"there are {names}")
    world.bases(bases_of(s.workspace), s.console.say)
    try:
        built = build_images(
            s.images,
            [wanted for wanted in builds if not only or wanted.name in only],
            s.console,
            force=force,
            registry=optional_setting(s.config, "SLIPWAY_REGISTRY"),
            records=RecordFolder(s.builds_folder),
        )
        results = (*built.results, *look_into(world.files, s.config, built.images, s.console))
    except PlanFailed as failed:
        tell_failed(s, failed)
        raise
    if s.as_json:
        s.console.document(
            {
                "ok": True,
                "steps": as_json(results),
                "images": {
                    name: {
                        "id": image.id,
                        "bytes": image.size,
                        "layers": len(image.layers),
                        "tags": list(image.tags),
                        "inputs": built.inputs[name].digest,
                        "built": name not in built.reused,
                        "change": built.changes[name].as_json() if name in built.changes else None,
                    }
                    for name, image in built.images.items()
                },
            }
        )
    else:
        rows = [
            (name, f"{image.size / 1e6:.0f} MB", image.tags[0], _changed(built, name))
            for name, image in built.images.items()
        ]
        s.console.table(("image", "size", "tag", "against the build before"), rows)


def _changed(built: "Built", name: str) -> str:
    if name in built.reused:
        return built.reused[name].in_words().rpartition(",")[0]
    return built.changes[name].in_words() if name in built.changes else ""


def push_built(s: Session, registry: str) -> None:
    """Push the built images to `registry` (empty: the environment's), tell and write down what the registry has."""
    import json

    from slipway.engines.images.records import write_whole
    from slipway.plans.desired import setting
    from slipway.verbs.push import push_release

    registry = registry_of(registry, "--registry") if registry else setting(s.config, "SLIPWAY_REGISTRY")
    built = s.built_images()
    try:
        pushed, results = push_release(s.images, built, registry, s.workspace.name, s.version.tag, s.console)
    except PlanFailed as failed:
        tell_failed(s, failed)
        raise
    images = {name: one.as_json() for name, one in pushed.items()}
    file = s.builds_folder / f"pushed-{s.version.tag}.json"
    try:
        write_whole(file, json.dumps({"registry": registry, "images": images}, indent=2))
    except OSError as error:
        s.console.say(f"{file} cannot be written: {error.strerror}")
    sent = sum(one.sent.sent for one in pushed.values())
    s.finish(
        {"registry": registry, "steps": as_json(results), "images": images},
        f"{len(pushed)} images of {s.version.tag} are in {registry}; {sent / 1e6:.1f} MB of layers were new to it",
    )


def ensure_lock(s: Session) -> None:
    """Refuse a lock that does not fit the requirements; make one where there is none."""
    from slipway.verbs import lock

    lock.ensure_lock(s.images, s.image_files, s.workspace, ROOT, s.console.say, s.lock_bases)


def make_lock(s: Session) -> None:
    """Resolve the backend's packages anew, keep the lock and tell what changed."""
    from slipway.config.fault import shown
    from slipway.verbs import lock

    made = lock.make_lock(s.images, s.image_files, s.workspace, ROOT, s.console.say, s.lock_bases())
    for line in (*made.changes, *made.notes):
        s.console.say(line)
    document = {
        "lock": str(made.file),
        "packages": made.packages,
        "changes": list(made.changes),
        "notes": list(made.notes),
    }
    s.finish(document, f"{made.packages} packages with their hashes in {shown(made.file)}, {len(made.changes)} changes")
