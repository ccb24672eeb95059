"""What `inv env.push` does with a session: the platform's variables become the configured ones, nothing is deployed."""

from slipway.plan import Plan
from tasks._acts import confirm, refuse_unfit, run, tell
from tasks._session import Session


def push_variables(s: Session, *, yes: bool) -> None:
    """Look, show the plan, ask, set each service's variables under the lock, and say what has to follow."""
    from slipway.plans.desired import refuse_open
    from slipway.plans.variables import variables_plan, wanted_variables
    from slipway.steps.guard import AcquireLock
    from slipway.steps.platform import SetVariables

    refuse_unfit(s)
    config = s.config
    with s.target(config) as (target, _):
        target.platform.require_abilities()
        refuse_open(config, target.platform.observe())
        results = list(run(s, Plan("lock", (AcquireLock(target.lock),)), target.journal))
        observed = target.platform.observe()  # once nobody else may change it
        wanted = wanted_variables(config, observed)
        absent = [name for name in s.workspace.services if name not in wanted]
        if absent:
            s.console.say(f"not on the platform yet: {', '.join(absent)}")
        plan = variables_plan(s.env, wanted, observed, target.platform, target.lock)
        if plan.is_empty:
            return tell(s, results, f"up to date: the platform has the variables of {len(wanted)} services")
        s.console.plan(plan.title, plan.describe())
        confirm(s, f"Set the variables of {s.env} so?", yes=yes)
        results += run(s, plan, target.journal)
        changed = [step.service for step in plan.steps if isinstance(step, SetVariables)]
        return tell(
            s,
            results,
            f"set on the platform for {', '.join(changed)}; their containers get them with `inv deploy --env {s.env}`",
        )
