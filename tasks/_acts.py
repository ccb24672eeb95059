"""What several tasks do with a session: each shows its plan, carries it out and tells the result."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from slipway.errors import Refused, UsageError
from slipway.plan import Execution, Journal, Outcome, Plan, PlanFailed, StepResult
from tasks._session import REHEARSAL, ROOT, Session, error_json, registry_of

if TYPE_CHECKING:
    from slipway.ports import BuiltImage, Say
    from slipway.target import Target
    from slipway.verbs.build import Built

_UP_TO_DATE = "up to date: every service runs this release"


def build(s: Session, only: tuple[str, ...] = (), configure: str = "", *, force: bool = False) -> None:
    """Build the images named in `only` (all without) that are not there yet, and tell what came of it.

    `configure` overrides when portals learn their variables, "" leaves it to the workspace file.
    """
    from slipway.engines.images.records import RecordFolder
    from slipway.plans.desired import optional_setting
    from slipway.rehearsal.stages import workspace_builds
    from slipway.verbs.build import build_images
    from slipway.verbs.portals import look_into

    s.configure_portals(configure)
    if not only or "backend" in only:
        ensure_lock(s)  # first: a lock made now is a change of the checkout, and so of its version
    world = s.world()
    builds = workspace_builds(world, s.config)
    unknown = set(only) - {wanted.name for wanted in builds}
    if unknown:
        names = ", ".join(wanted.name for wanted in builds)
        raise UsageError(f"there is no image {', '.join(sorted(unknown))}", hint=f"there are {names}")
    world.bases(("python", "node", "nginx"), s.console.say)
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
        _tell_failed(s, failed)
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
        _tell_failed(s, failed)
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


def show_deployment(s: Session) -> None:
    """Show what a deployment would do, and do nothing."""
    from slipway.verbs.deploy import prepare, prepare_provisioning

    refuse_unfit(s)
    ids = {name: image.id for name, image in s.built_images().items()}
    with s.target(s.config) as (target, _):
        plan = prepare_provisioning(s.config, target, s.version.tag).plan
        line = "then variables, migration and deployments, planned once the databases have addresses"
        if plan.is_empty:
            plan = prepare(s.config, target, s.version, {}, ids, datetime.now(UTC)).plan
            line = _UP_TO_DATE if plan.is_empty else f"{len(plan.steps)} steps; `inv deploy` carries them out"
        s.console.plan(plan.title, plan.describe())
        s.finish({"plan": plan.describe(), "steps": []}, line)


def deploy_release(s: Session, *, yes: bool) -> None:
    """Provision, push, migrate, deploy, verify, record: all under the environment's lock, looked at once it is held."""
    from slipway.steps.guard import AcquireLock
    from slipway.verbs.deploy import prepare, prepare_provisioning

    refuse_unfit(s)
    built = s.built_images()
    ids = {name: image.id for name, image in built.items()}
    with s.target(s.config) as (target, _):
        results = list(run(s, Plan("lock", (AcquireLock(target.lock),)), target.journal))
        provisioning = prepare_provisioning(s.config, target, s.version.tag)
        if not provisioning.plan.is_empty:
            s.console.plan("provision", provisioning.plan.describe())
            confirm(s, f"Change {s.env} so?", yes=yes)
            results += run(s, provisioning.plan, target.journal)
        redeploy = provisioning.redeploy
        planned = prepare(s.config, target, s.version, {}, ids, datetime.now(UTC), redeploy=redeploy).plan
        if planned.is_empty:
            return tell(s, results, _UP_TO_DATE)
        s.console.plan(planned.title, planned.describe())
        confirm(s, f"Deploy {s.version.tag} to {s.env}?", yes=yes)
        digests, pushed = push(s, target, built)
        results.append(pushed)
        prepared = prepare(s.config, target, s.version, digests, ids, datetime.now(UTC), redeploy=redeploy)
        if prepared.plan.describe() != planned.describe():
            raise Refused(
                "platform or host changed between question and answer, so another plan would be carried out now",
                where=target.shell.place,
                hint="`inv deploy` again: it looks and asks anew",
            )
        results += run(s, prepared.plan, target.journal)
        return tell(s, results, f"{s.version.tag} is live in {s.env}: every service answered")


def push(s: Session, target: "Target", built: "dict[str, BuiltImage]") -> tuple[dict[str, str], StepResult]:
    """Push the images and Slipway's tools to where the host pulls from; return the digests and how it went."""
    from slipway.rehearsal.report import Recorder
    from slipway.verbs.push import push_images, push_tools

    def act(say: "Say") -> tuple[dict[str, str], str]:
        digests = push_images(s.images, built, target.registry, s.workspace.name, s.version.tag, say)
        push_tools(s.images, target.containers, target.registry, say)
        return digests, f"{len(digests)} images in {target.registry}, the host has its tools"

    recorder = Recorder(s.console)
    digests = recorder.stage("push", act)
    return digests, recorder.results[0]


def refuse_unfit(s: Session) -> None:
    """Refuse an environment that `inv check.env` finds errors in, naming all of them."""
    from slipway.checks.environment import check_environment
    from slipway.checks.issue import Severity

    issues = check_environment(ROOT, s.env, s.workspace, {**s.process, **s.ground_settings()}, s.secrets_file)
    errors = [issue for issue in issues if issue.severity is Severity.ERROR]
    if errors:
        raise UsageError(
            f"{len(errors)} errors in the configuration of {s.env}",
            where=f"env/{s.env}.env",
            details=tuple(f"{issue.where}: {issue.message}" for issue in errors),
            hint=f"`inv check.env --env {s.env}` says what to do about each",
        )


def back_up(s: Session) -> None:
    """Dump and prove the environment's database."""
    from slipway.verbs.backup import prepare_backup
    from slipway.verbs.deploy import current_release

    with s.target(s.config) as (target, store):
        current = current_release(target)
        plan = prepare_backup(
            s.config, target, store, target.platform.observe(), current.version.tag if current else ""
        )
        tell(s, run(s, plan), "backed up: the dump was restored and compared")


def migrate(s: Session, *, yes: bool) -> None:
    """Migrate the environment's database from the built image and deploy nothing."""
    from slipway.plans.migrate import plan_migrate
    from slipway.verbs.deploy import migration, prepare

    built = s.built_images()
    with s.target(s.config) as (target, _):
        digests, _ = push(s, target, built)
        ids = {name: image.id for name, image in built.items()}
        prepared = prepare(s.config, target, s.version, digests, ids, datetime.now(UTC))
        plan = plan_migrate(migration(s.config, target, prepared), target.lock)
        s.console.plan(plan.title, plan.describe())
        confirm(s, f"Migrate the database of {s.env}?", yes=yes)
        tell(s, run(s, plan, target.journal), "migrated; the services still run what they ran")


def prove(s: Session, backup: str) -> None:
    """Prove a backup that exists."""
    from slipway.plans.backup import plan_proof

    with s.target(s.config) as (target, store):
        plan = plan_proof(backup=backup, shell=target.shell, store=store, labels=target.labels)
        tell(s, run(s, plan), f"{backup} is proved")


def take_lock_away(s: Session, *, yes: bool) -> None:
    """Take the environment's lock away."""
    from slipway.engines.host.lock import HostLock

    with s.target(s.config) as (target, _):
        confirm(s, f"Take the lock of {s.env} away? A run that still holds it stops at its next step.", yes=yes)
        assert isinstance(target.lock, HostLock)
        held = target.lock.take_away()
        s.finish({"held": held}, f"taken from {held}" if held else "nobody held it")


def confirm(s: Session, question: str, *, yes: bool) -> None:
    """Ask before something that matters. Rehearsals need no answer; without a terminal `--yes` is needed."""
    if yes or s.env == REHEARSAL:
        return
    if not s.console.confirm(question):
        raise UsageError("not confirmed; nothing more was done", hint="answer y, or pass --yes")


def run(s: Session, plan: Plan, journal: Journal | None = None) -> tuple[StepResult, ...]:
    """Carry a plan out; a failure tells every step so far and ends with the failing step's exit code."""
    execution = Execution(s.console, journal) if journal else Execution(s.console)
    try:
        return execution.run(plan)
    except PlanFailed as failed:
        _tell_failed(s, failed)
        raise


def tell(s: Session, results: Iterable[StepResult], line: str) -> None:
    """Tell how a plan went."""
    listed = list(results)
    ok = all(result.outcome in {Outcome.DONE, Outcome.SKIPPED} for result in listed)
    s.finish({"steps": as_json(listed)}, line, ok=ok)


def _tell_failed(s: Session, failed: PlanFailed) -> None:
    if s.as_json:
        s.console.document({"ok": False, "steps": as_json(failed.results), "error": error_json(failed)})


def as_json(results: Iterable[StepResult]) -> list[dict[str, object]]:
    """Return results in the form of the JSON contract."""
    return [result.as_json() for result in results]
