"""TypeScript for the portals: which variables `import.meta.env` and /env.js hold, made from `env/schema.yaml`."""

import json
from collections.abc import Iterator

from slipway.config.kinds import Kind
from slipway.config.schema import BUNDLED, Phase, Schema, Variable

_HEAD = """\
// The variables of the portals. Written by `inv env.example` from env/schema.yaml; change that file, not this one.
// Every value is text. Include it once: by "include" of a portal's tsconfig.json, or a reference in a shared package.
"""


def portal_types(schema: Schema) -> str:
    """Return a declaration file that needs no import and fits Vite's own `vite/client`."""
    portals = {name: found for name, found in schema.variables.items() if name.startswith(BUNDLED)}
    at_start = {name: found for name, found in portals.items() if found.phase is Phase.RUN}
    at_build = {name: found for name, found in portals.items() if found.phase is Phase.BUILD}
    lines = [
        _HEAD,
        "/** What /env.js tells a page when it loads. */",
        "interface PortalEnvironment {",
        *_members(at_start),
        "}",
        "",
        "interface ImportMetaEnv {",
        *_members(at_start),
        *_members(at_build),
        "}",
        "",
        "interface ImportMeta {",
        "  readonly env: ImportMetaEnv;",
        "}",
        "",
        "/** Vite 6 and later: a name that is not declared here is an error. */",
        "interface ViteTypeOptions {",
        "  strictImportMetaEnv: unknown;",
        "}",
        "",
        "/** Absent where the portal is configured at build, and in `vite dev`. */",
        "declare var __ENV: Readonly<PortalEnvironment> | undefined;",
    ]
    return "\n".join(lines) + "\n"


def _members(variables: dict[str, Variable]) -> Iterator[str]:
    for name, variable in variables.items():
        told = variable.description.replace("*/", "* /")
        if variable.deprecated is not None:
            told += f" @deprecated {str(variable.deprecated).replace('*/', '* /')}"
        yield f"  /** {told} */"
        optional = "" if variable.required is True or variable.default is not None else "?"
        yield f"  readonly {name}{optional}: {_type(variable)};"


def _type(variable: Variable) -> str:
    if variable.type is Kind.BOOLEAN:
        return '"true" | "false"'
    if variable.type is Kind.ENUM:
        return " | ".join(json.dumps(choice) for choice in variable.constraints.choices)
    return "string"
