"""`env/<name>.env.example`: what an environment may hold, made from `env/schema.yaml` and nothing else.

Readers of env files disagree about quotes, spaces, `$` and `#`, so the file only sets values of characters that all of
them take as they are; everything else is told in a comment, which all of them leave out.
"""

import re
from collections.abc import Iterator

from slipway.config.schema import BUNDLED, Phase, Schema, Variable
from slipway.config.variables_doc import holds, sections

SAFE = re.compile(r"[A-Za-z0-9!%*+,./:=?@\[\]^_{}-]*", re.ASCII)
"""Values that python-dotenv, django-environ, decouple, docker, Compose, node, Vite and bash read alike, without quotes.

Research: config-and-backup A2b, without `~`: bash puts a home folder in its place at the beginning and behind a colon.
Quotes are no way out, for `docker --env-file` keeps them.
"""

_HEAD = """\
# What env/{name}.env and env/{name}.secrets.env may hold; docs/variables.md is the whole page.
# `inv env.example` writes this file from env/schema.yaml; change that file, not this one.
# A line that begins with #NAME= sets nothing. `inv check.env --env {name}` says what is missing or wrong.
"""
_MAKE = 'python3 -c "import secrets; print(secrets.token_urlsafe({length}))"'


def env_example(schema: Schema, text: str, environment: str) -> str:
    """Return the file for one environment. `text` is the schema's own file, whose `# --- title` lines divide it."""
    lines = [_HEAD.format(name=environment)]
    title = ""
    for name, section in sections(schema, text):
        variable = schema.variables[name]
        if variable.computed or variable.deprecated is not None:
            continue
        if section != title:
            title = section
            lines.append(f"\n# --- {title}\n")
        lines += ["\n", *(f"{line}\n" for line in _block(name, variable, environment))]
    return "".join(lines)


def _block(name: str, variable: Variable, environment: str) -> Iterator[str]:
    needed = "needed" if variable.is_required_in(environment) else "optional"
    yield f"# {holds(variable).replace('**', '').replace('`', '')}; {needed}; {_reader(name, variable)}"
    yield f"# {variable.description}"
    if variable.secret:
        yield from _secret(name, variable, environment)
    elif variable.default is not None:
        yield f"# When not set: {variable.default or 'nothing'}"
        yield f"#{name}={variable.default if SAFE.fullmatch(variable.default) else ''}"
    elif variable.example is None:
        yield f"#{name}="
    elif SAFE.fullmatch(variable.example):
        yield f"{'' if variable.is_required_in(environment) else '#'}{name}={variable.example}"
    else:
        yield f"# For example: {variable.example}"
        yield f"#{name}="


def _secret(name: str, variable: Variable, environment: str) -> Iterator[str]:
    if variable.example is not None:
        yield f"# Secret. For example, in env/base.env: {name}={variable.example}"
        return
    made = ""
    if variable.generate is not None:
        # Four characters of three bytes each.
        made = f"; make one: {_MAKE.format(length=-(-variable.generate * 3 // 4))}"
    yield f"# Secret: it belongs into env/{environment}.secrets.env, which git ignores{made}"
    yield f"#{name}="


def _reader(name: str, variable: Variable) -> str:
    if variable.phase is Phase.DEPLOY:
        return "read by Slipway"
    given = f"given to {', '.join(variable.services)}"
    if variable.phase is Phase.BUILD:
        return "written into the bundle at build, so it belongs into env/base.env"
    return f"{given}, in the browser" if name.startswith(BUNDLED) else given
