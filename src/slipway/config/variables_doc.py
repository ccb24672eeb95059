"""docs/variables.md: the schema as a page for people, made from `env/schema.yaml` and nothing else."""

import re
from collections.abc import Iterator

from slipway.config.kinds import LISTS, Kind
from slipway.config.schema import BUNDLED, Phase, Schema, Variable, plain

_HEAD = """\
# Variables

Every variable that an environment may hold.
This page is written by `inv env.docs` (or `inv env.example`) from `env/schema.yaml`; change that file, not this one.

A value comes from the last of these that sets it: the default below, `env/base.env`, `env/<environment>.env`,
`env/<environment>.secrets.env`, `env/<environment>.<service>.env`, the process that runs `inv`.
A secret belongs into `env/<environment>.secrets.env`, which git ignores.
From its own process Slipway takes names that begin with `SLIPWAY_`; any other name counts as `SLIPWAY_VAR_<NAME>` only.

"Given to" names services, roles (web, worker, beat, static) or images (`backend`: api, worker and beat).
"Slipway" means that no container gets it, "in the browser" that a portal's pages read it, so that everybody may see it,
"at build" that a portal's build writes it into the bundle, the same for every environment.
A pattern is for the whole value, in [Rust's syntax](https://docs.rs/regex/latest/regex/#syntax).
A value may hold references, resolved for each environment: `${domain}`, `${service.api.public_url}`,
`${service.api.public_host}`, `${service.postgres.internal_url}`.
"""
_SECTION = re.compile(r"^  # --- (.+)$|^  ([A-Z][A-Z0-9_]*):", re.MULTILINE)


def variables_document(schema: Schema, text: str) -> str:
    """Return the page. `text` is the schema's own file, whose `# --- title` lines divide the variables."""
    lines = [_HEAD]
    title = ""
    for name, section in sections(schema, text):
        if section != title:
            title = section
            lines += [f"\n## {title[:1].upper()}{title[1:]}\n"]
            lines += ["| variable | holds | given to | needed in | default | meaning |", "|---|---|---|---|---|---|"]
        lines.append(_row(schema, name, schema.variables[name]))
    return "\n".join(lines) + "\n"


def sections(schema: Schema, text: str) -> Iterator[tuple[str, str]]:
    """Yield (variable, title of its section) in the file's order, those last that the file writes in another form."""
    title, rest = "Variables", dict(schema.variables)
    for heading, name in _SECTION.findall(text):
        if heading:
            title = heading
        elif rest.pop(name, None) is not None:
            yield name, title
    for name in rest:
        yield name, "Further variables"


def _row(schema: Schema, name: str, variable: Variable) -> str:
    default = f"`{variable.default}`" if variable.default is not None else ""
    cells = (
        f"`{name}`",
        holds(variable),
        _given_to(name, variable),
        _needed_in(schema, variable),
        default,
        _meaning(variable),
    )
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def holds(variable: Variable) -> str:
    """Return what a value may be, in a few words of Markdown."""
    bounds = variable.constraints
    words = [str(variable.type).replace("_", " ")]
    if bounds.choices:
        between, what = (", ", "list of ") if variable.type in LISTS else (" or ", "")
        words = [what + between.join(f"`{choice}`" for choice in bounds.choices)]
    unit = " s" if variable.type is Kind.DURATION else ""
    if bounds.min is not None or bounds.max is not None:
        least, most = (f"{plain(bound)}{unit}" if bound is not None else "" for bound in (bounds.min, bounds.max))
        words.append(f"{least} to {most}" if least and most else f"at least {least}" if least else f"at most {most}")
    if bounds.min_length is not None and bounds.min_length > 1:
        words.append(f"at least {bounds.min_length} {'items' if variable.type in LISTS else 'characters'}")
    if bounds.pattern is not None:
        words.append(f"matches `{bounds.pattern}`")
    return ", ".join(["**secret**", *words] if variable.secret else words)


def _given_to(name: str, variable: Variable) -> str:
    services = ", ".join(variable.services) or "Slipway"
    if variable.phase is Phase.BUILD:
        return f"{services} (in the bundle, at build)"
    return f"{services} (in the browser)" if name.startswith(BUNDLED) else services


def _needed_in(schema: Schema, variable: Variable) -> str:
    if variable.computed:
        return "set by Slipway"
    if isinstance(variable.required, bool):
        return "every environment" if variable.required else ""
    return ", ".join(name for name in schema.environments if name in variable.required)


def _meaning(variable: Variable) -> str:
    words = [variable.description]
    if variable.deprecated:
        words.append(f"Deprecated: {variable.deprecated}.")
    if variable.generate is not None:
        words.append("A rehearsal makes one up.")
    if variable.example is not None:
        words.append(f"Example: `{variable.example}`.")
    return " ".join(words)
