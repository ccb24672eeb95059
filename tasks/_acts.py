"""What several tasks do with a session: each shows its plan, carries it out and tells the result."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from slipway.errors import Refused, UsageError
from slipway.plan import Execution, Journal, Outcome, Plan, PlanFailed, StepResult
from tasks._session import REHEARSAL, ROOT, Session, error_json

if TYPE_CHECKING:
    from slipway.ports import BuiltImage, Say
    from slipway.target import Target

_UP_TO_DATE = "up to date: every service runs this release"


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

    issues = check_environment(ROOT, s.env, s.workspace, {**s.process, **s.ground_settings()}, s.secrets_file, s.unseal)
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

    refuse_unfit(s)
    built = s.built_images()
    ids = {name: image.id for name, image in built.items()}
    with s.target(s.config) as (target, _):
        prepare(s.config, target, s.version, {}, ids, datetime.now(UTC))  # what has no value is told before a push
        digests, _ = push(s, target, built)
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
        tell_failed(s, failed)
        raise


def tell(s: Session, results: Iterable[StepResult], line: str) -> None:
    """Tell how a plan went."""
    listed = list(results)
    ok = all(result.outcome in {Outcome.DONE, Outcome.SKIPPED} for result in listed)
    s.finish({"steps": as_json(listed)}, line, ok=ok)


def tell_failed(s: Session, failed: PlanFailed) -> None:
    """Give a program the steps up to the one that failed; a person is told by whoever ends the task."""
    if s.as_json:
        s.console.document({"ok": False, "steps": as_json(failed.results), "error": error_json(failed)})


def as_json(results: Iterable[StepResult]) -> list[dict[str, object]]:
    """Return results in the form of the JSON contract."""
    return [result.as_json() for result in results]
