"""Rules over each variable alone: is it there, does it fit, is it known."""

import difflib
from collections.abc import Iterator

from slipway.checks.facts import Facts, Seen, issue, shown_name
from slipway.checks.issue import Issue, Severity
from slipway.checks.urls import URLS, unencoded
from slipway.config.fault import shown
from slipway.config.layers import FOLDER, GIVEN, Layer
from slipway.config.references import VARIABLE, known_names, references
from slipway.config.references import shown as shown_reference
from slipway.config.schema import Phase, Stage, Variable

_GENERATE = 'python3 -c "import secrets; print(secrets.token_urlsafe(48))"'


def missing(facts: Facts) -> Iterator[Issue]:
    """`env.missing`: a required variable has no value in any layer."""
    config = facts.config
    if not facts.is_whole:
        return
    for name, variable in config.schema.variables.items():
        if not variable.is_required_in(config.environment):
            continue
        lacking = _lacking(facts, name, variable)
        if lacking:
            file = f"{FOLDER}/{config.environment}{'.secrets' if variable.secret else ''}.env"
            message = f"{name} has no value; {', '.join(lacking)} need{'s' if len(lacking) == 1 else ''} it"
            yield Issue("env.missing", Severity.ERROR, name, file, message, _way_out(facts, name))


def _lacking(facts: Facts, name: str, variable: Variable) -> list[str]:
    """Return who needs the variable and has no value for it."""
    config = facts.config
    if variable.phase is Phase.DEPLOY:
        return [] if config.setting(name) else ["Slipway"]
    return [
        service
        for service in config.workspace.services
        if name in config.schema.variables_of(config.workspace, service, variable.phase)
        and config.setting(name, service) is None
    ]


def _way_out(facts: Facts, name: str) -> str:
    variable, environment = facts.config.schema.variables[name], facts.config.environment
    if not variable.secret:
        return f"add {name}={variable.example or '...'}"
    if variable.generate and facts.config.stage is Stage.REHEARSAL:
        return "./inv rehearse makes it up"
    made = f" ({_GENERATE})" if variable.generate else ""
    return f"add {name}=... to {FOLDER}/{environment}.secrets.env, which git ignores{made}"


def empty(facts: Facts) -> Iterator[Issue]:
    """`env.empty`: a variable that is required, or whose type has no empty form, is set to nothing."""
    for seen in facts.seen:
        if seen.text == "" and is_told_as_empty(facts, seen):
            yield issue(seen, "env.empty", "is empty", "give it a value, or remove the line")


def is_told_as_empty(facts: Facts, seen: Seen) -> bool:
    """Whether an empty value is one that `env.empty` tells."""
    variable = seen.setting.variable
    return variable.is_required_in(facts.config.environment) or variable.misfit("") is not None


def misfit(facts: Facts) -> Iterator[Issue]:
    """The text does not fit the schema: `env.type`, `env.boolean` (a word that readers take differently),
    `env.list-space`, `env.host`, `env.origin`, `env.choice`, `env.range`, `env.short`, `env.long`, `env.pattern`.
    """  # noqa: D205 - the ids belong into the first sentence
    for seen in facts.seen:
        if seen.text and (wrong := seen.setting.variable.misfit(seen.text)):
            if seen.setting.variable.type in URLS and unencoded(seen.text):
                continue  # `secret.url` says why
            yield issue(seen, f"env.{wrong.id}", wrong.message, wrong.hint or _fitting(seen.setting.variable))


def _fitting(variable: Variable) -> str:
    """Return what a value that fits looks like."""
    if variable.generate:
        return _GENERATE
    return f"for example {variable.example}" if variable.example else "docs/variables.md says what it may hold"


def reference(facts: Facts) -> Iterator[Issue]:
    """`env.reference`: `${...}` names nothing that exists."""
    known = (*known_names(facts.config.workspace), *(VARIABLE + name for name in facts.config.schema.variables))
    for seen in facts.seen:
        for name in seen.setting.references:
            if not name:
                yield issue(seen, "env.reference", "holds ${ that is no reference", "close it with }; ${ has no escape")
            elif name.startswith(VARIABLE) and name.removeprefix(VARIABLE) in facts.config.schema.variables:
                if problem := facts.config.why_open(name.removeprefix(VARIABLE)):
                    yield issue(seen, "env.reference", f"refers to {shown_reference(name)}, which {problem}")
            elif name in facts.config.schema.variables:
                hint = f"another variable's value is written ${{{VARIABLE}{name}}}"
                yield issue(seen, "env.reference", "holds ${ } around a variable's name", hint)
            elif name not in facts.values:
                close = difflib.get_close_matches(name, known, 1)
                hint = (
                    f"did you mean ${{{close[0]}}}?"
                    if close
                    else f"there are {', '.join(known_names(facts.config.workspace))}"
                )
                yield issue(seen, "env.reference", f"refers to {shown_reference(name)}, which does not exist", hint)


def unknown(facts: Facts) -> Iterator[Issue]:
    """`env.unknown`: a file sets a name that the schema does not have; nothing would read it."""
    names = facts.config.schema.variables
    for assignment in facts.config.layers.assignments:
        name = assignment.line.name
        if name in names or assignment.layer is Layer.PROCESS:
            continue
        close = difflib.get_close_matches(name, names, 1, cutoff=0.75)
        label = name if close and len(name) <= 40 else shown_name(name)
        hint = f"did you mean {close[0]}?" if close else f"describe it in {FOLDER}/schema.yaml, or remove the line"
        message = f"{label} is not in the schema"
        yield Issue("env.unknown", Severity.ERROR, label, assignment.line.where, message, hint)


def duplicate(facts: Facts) -> Iterator[Issue]:
    """`env.duplicate`: one file sets a name twice; readers disagree on which counts."""
    first: dict[tuple[str, str], str] = {}
    for assignment in facts.config.layers.assignments:
        if assignment.layer is Layer.PROCESS:
            continue
        line = assignment.line
        before = first.setdefault((assignment.file, line.name), line.where)
        if before != line.where:
            label = shown_name(line.name)
            message = f"{label} is set in line {before.rpartition(':')[2]} already"
            yield Issue("env.duplicate", Severity.ERROR, label, line.where, message, "remove one of them")


def misplaced(facts: Facts) -> Iterator[Issue]:
    """`env.misplaced`: a service's own file sets what that service never gets."""
    config = facts.config
    for assignment in config.layers.assignments:
        name, service = assignment.line.name, assignment.service
        variable = config.schema.variables.get(name)
        if service is None or variable is None or variable.phase is Phase.DEPLOY:
            continue
        if name not in config.schema.variables_of(config.workspace, service, variable.phase):
            message = f"{name} has no effect here: {service} does not get it"
            hint = f"the schema gives it to {', '.join(variable.services)}"
            yield Issue("env.misplaced", Severity.WARNING, name, assignment.line.where, message, hint)


def computed(facts: Facts) -> Iterator[Issue]:
    """`env.computed`: a file sets what Slipway computes."""
    for assignment in facts.config.layers.assignments:
        name = assignment.line.name
        variable = facts.config.schema.variables.get(name)
        if variable is not None and variable.computed and assignment.layer is not Layer.PROCESS:
            message = f"{name} is computed by Slipway and may not be set"
            yield Issue("env.computed", Severity.ERROR, name, assignment.line.where, message, "remove the line")


def given(facts: Facts) -> Iterator[Issue]:
    """`env.given`: the caller's own process, not a file, decides what an application gets; the next machine differs."""
    for seen in facts.seen:
        variable, overrides = seen.setting.variable, seen.setting.overrides
        # Slipway's own settings (where is the registry, which token) are meant to be given this way.
        is_meant = variable.computed or (variable.phase is Phase.DEPLOY and not overrides)
        if seen.setting.where == GIVEN and not is_meant:
            over = f", over {overrides[-1]}" if overrides else ""
            message = f"comes from the environment of this process{over}"
            yield issue(seen, "env.given", message, "unset it there if that is not meant", Severity.INFO)


def deprecated(facts: Facts) -> Iterator[Issue]:
    """`env.deprecated`: the schema says that nothing needs this any more; an error from the day that it names."""
    for seen in facts.seen:
        if given := seen.setting.variable.deprecated:
            severity = Severity.ERROR if given.is_refused(facts.today) else Severity.WARNING
            hint = f"set {given.use} instead, and remove the line" if given.use else "remove the line"
            yield issue(seen, "env.deprecated", f"is deprecated: {given}", hint, severity)


def built_in(facts: Facts) -> Iterator[Issue]:
    """`env.build`: one environment sets what is written into an image that serves all of them."""
    if facts.is_public:
        for image in facts.config.workspace.frontend.portals:
            for fault in facts.config.unshared(image):
                name = fault.message.partition(" ")[0]
                yield Issue("env.build", Severity.ERROR, name, fault.where, fault.message, fault.hint)


def probes(facts: Facts) -> Iterator[Issue]:
    """`env.probe`: a probe of the workspace file asks for a secret that has no value here."""
    config = facts.config
    known = config.secrets()
    names = {name for text in config.workspace.probes.login.body.values() for name in references(text)}
    for reference_name in sorted(names) if facts.is_public and facts.is_whole else ():
        name = reference_name.removeprefix("secret.")
        variable = config.schema.variables.get(name)
        if variable is not None and variable.secret and (name in known or variable.is_required_in(config.environment)):
            continue  # there, or missing as any other
        where, label = shown(config.workspace.file), shown_reference(reference_name)
        hint = (
            f"add {name}=... to {FOLDER}/{config.environment}.secrets.env"
            if variable
            else "name a secret of the schema"
        )
        yield Issue(
            "env.probe", Severity.ERROR, "probes.login", where, f"probes.login.body: no value for {label}", hint
        )
