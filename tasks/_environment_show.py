"""What `inv env.show` and `inv env.diff` do with a session: look, compare, tell; nothing is changed."""

import difflib
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from slipway.errors import Refused, SlipwayError, UsageError
from tasks._session import REHEARSAL, ROOT, Session

if TYPE_CHECKING:
    from slipway.config.config import Config
    from slipway.config.differences import Difference
    from slipway.config.explained import Explained
    from slipway.config.references import Values

_WIDEST = 64


def show_variables(s: Session, service: str, name: str, *, observe: bool) -> None:
    """Show every variable, or one, with where it comes from."""
    from slipway.config.explained import Explaining
    from slipway.engines.sealed_files import kept_key

    config = s.config
    if service and service not in config.workspace.services:
        raise UsageError(f"there is no service {service}", hint=f"services are {', '.join(config.workspace.services)}")
    if name and name not in config.schema.variables:
        close = difflib.get_close_matches(name, config.schema.variables, 1)
        hint = f"did you mean {close[0]}?" if close else "docs/variables.md has them all"
        raise UsageError("there is no such variable", where="--name", hint=hint)
    key = kept_key(ROOT / ".slipway" / "digests.key", ".slipway/digests.key")
    explained = Explaining(config, _observed(s, config, observe=observe), key).explain(service or None, name or None)
    others = [other for other in config.workspace.services if name in config.settings(other)] if service else []
    if name and not explained and others:
        raise Refused(f"{service} does not get {name}", where=f"env/{s.env}.env", hint=f"{', '.join(others)} do")
    if name and not explained:
        reader = f" for {service}" if service else ""
        raise Refused(
            f"{name} has no value{reader}", where=f"env/{s.env}.env", hint="docs/variables.md says who needs it"
        )
    if s.as_json:
        s.console.document({"ok": True, "variables": [one.as_json() for one in explained]})
        return
    if name:
        for one in explained:
            s.console.say(f"{one.name} ({one.type}, phase {one.phase}) of {', '.join(one.services)}")
            s.console.say(f"    value      {one.value}")
            for line in _origin(one):
                s.console.say(f"    {line}")
        return
    s.console.table(
        ("variable", "value", "layer", "from", "services"),
        [(one.name, _short(one.value), one.layer, one.where, _readers(s, one.services)) for one in explained],
    )
    s.console.say(f"{len(explained)} variables; `inv env.show --env {s.env} --name NAME` says all about one")


def show_typed(s: Session, *, observe: bool) -> None:
    """Show the environment as one value of the models that provisioning and deployments read."""
    import yaml

    from slipway.config.models.environment import environment_config

    found = environment_config(s.config, _observed(s, s.config, observe=observe)).model_dump(mode="json")
    if s.as_json:
        s.console.document({"ok": True, "environment": found})
    else:
        s.console.lines(yaml.safe_dump(found, sort_keys=False, allow_unicode=True, width=120).splitlines())


def _origin(one: "Explained") -> list[str]:
    lines = [f"from       {one.where} ({one.layer})"]
    lines += [f"over       {where} ({layer})" for layer, where in reversed(one.overrides)]
    for stands in one.references:
        value = f" = {stands.value}" if stands.value else ""
        lines.append(f"reference  {stands.reference}{value}, from {stands.source}")
    return lines


def _observed(s: Session, config: "Config", *, observe: bool) -> "Values":
    """Return what the platform hands out now: asked where that is wanted, or where a rehearsal is standing."""
    if not observe and not (s.env == REHEARSAL and s.ground_settings()):
        return {}
    from slipway.plans.desired import platform_values
    from tasks._target import open_platform

    _refuse_no_ground(s)
    try:
        with open_platform(config, s.mask) as platform:
            return platform_values(config, platform.observe())
    except SlipwayError as error:
        if observe:
            raise
        s.console.say(f"the platform was not asked: {error.message}")
        return {}


def _refuse_no_ground(s: Session) -> None:
    """Say so where a rehearsal's platform is asked and no rehearsal is standing."""
    if s.env == REHEARSAL:
        from slipway.rehearsal.ground import load_ground

        load_ground(s.rehearsal_folder)


def compare_environments(s: Session, other: str) -> None:
    """Compare what two environments have configured."""
    from slipway.config.differences import configured, differences

    if other == s.env:
        raise UsageError(f"{other} is the same environment", where="--with")
    ours, theirs = configured(s.config), configured(replace(s, env=other).config)
    _tell(s, differences(ours, theirs), s.env, other)


def compare_with_platform(s: Session) -> None:
    """Compare what is configured with what the platform has now, which is what the next deployment would change."""
    from slipway.config.differences import differences, given
    from slipway.plans.variables import wanted_variables
    from tasks._target import open_platform

    config = s.config
    _refuse_no_ground(s)
    with open_platform(config, s.mask) as platform:
        observed = platform.observe()
    wanted = given(wanted_variables(config, observed), config.schema)
    have = given({name: observed.services[name].variables for name in wanted}, config.schema)
    absent = [name for name in config.workspace.services if name not in wanted]
    if absent:
        s.console.say(f"not on the platform yet: {', '.join(absent)}")
    _tell(s, differences(wanted, have), s.env, "platform", absent)


def _tell(s: Session, found: "tuple[Difference, ...]", left: str, right: str, absent: list[str] | None = None) -> None:
    from slipway.config.differences import Outcome

    words = {Outcome.LEFT: f"only in {left}", Outcome.RIGHT: f"only in {right}"}
    differing = [one for one in found if one.outcome is not Outcome.SAME]
    secrets = [one for one in found if one.secret and one.outcome is Outcome.SAME]
    if not s.as_json and differing:
        rows = [
            (
                _readers(s, one.services),
                one.name,
                words.get(one.outcome, str(one.outcome)),
                *("(secret)" if one.secret else _short(value) for value in (one.left, one.right)),
            )
            for one in differing
        ]
        s.console.table(("services", "variable", "is", left, right), rows)
    if not s.as_json and secrets and right != "platform":
        s.console.say(f"secrets with one value in both: {', '.join(sorted({one.name for one in secrets}))}")
    told = f"{len(found) - len(differing)} variables are the same in {left} and {right}, {len(differing)} differ"
    shown = [one.as_json() for one in found if one.secret or one.outcome is not Outcome.SAME]
    document: Mapping[str, object] = {"left": left, "right": right, "absent": absent or [], "variables": shown}
    s.finish(document, told, ok=not differing)


def _readers(s: Session, services: tuple[str, ...]) -> str:
    whole = set(s.workspace.services) <= set(services)
    return "all" if whole else ", ".join(services)


def _short(value: str) -> str:
    line = value.replace("\n", "\\n")
    return line if len(line) <= _WIDEST else f"{line[: _WIDEST - 3]}..."
