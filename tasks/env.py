"""`inv env.*`: the variables of the environments."""

from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from invoke import Context, task

from tasks._session import REHEARSAL, ROOT, answer, helped, session

if TYPE_CHECKING:
    from slipway.config.written import Written
    from tasks._session import Session


@task(help=helped("format"))
def docs(c: Context, format: str = "text") -> None:
    """Write docs/variables.md anew from env/schema.yaml; do so after you change a variable there."""
    from slipway.config.written import PAGE

    with session(format=format) as s:
        variables, files = _from_schema(s)
        (page,) = (file for file in files if file.shown == PAGE)
        changed = page.is_stale
        _write([page])
        told = f"{PAGE}: {variables} variables, {'changed' if changed else 'as before'}"
        s.finish({"file": PAGE, "variables": variables, "changed": changed}, told)


@task(help=helped("source", "workspace", "format") | {"check": "write nothing; exit code 1 when a file is stale"})
def example(c: Context, check: bool = False, source: str = "", workspace: str = "", format: str = "text") -> None:
    """Write env/<name>.env.example, docs/variables.md and the portals' TypeScript anew from env/schema.yaml."""
    with session(source=source, workspace=workspace, format=format) as s:
        _, files = _from_schema(s)
        stale = [file for file in files if file.is_stale]
        if not check:
            _write(stale)
        word = "stale" if check else "written"
        if s.as_json:
            told = [{"file": file.shown, "changed": file in stale} for file in files]
            s.console.document({"ok": not (check and stale), "files": told})
        else:
            rows = [(file.shown, word if file in stale else "as before") for file in files]
            s.console.table(("file", ""), rows)
        answer(not (check and stale))


@task(
    help=helped("format")
    | {"model": "one of the models, schema (env/schema.yaml) or workspace (workspace.yaml); without it all are listed"}
)
def schema(c: Context, model: str = "", format: str = "text") -> None:
    """Describe the models that a configuration is read into; with --format json, print a model's JSON Schema."""
    from slipway.config.models.catalogue import fields_of, json_schema, model_named, models

    with session(format=format) as s:
        if not model:
            rows = [(name, (found.__doc__ or "").partition("\n")[0]) for name, found in models().items()]
            if s.as_json:
                s.console.document({"models": dict(rows)})
            else:
                s.console.table(("model", "meaning"), rows)
            return
        found = model_named(model)
        if s.as_json:
            s.console.document(json_schema(found))
        else:
            s.console.table(("field", "type", "meaning"), fields_of(found))


@task(
    help=helped(
        "env",
        "source",
        "workspace",
        "format",
        service="only what this service gets",
        name="only this variable, with all that is to say about it",
        observe="ask the platform what it hands out now; a standing rehearsal is asked unbidden",
        typed="the whole environment as one typed value, EnvironmentConfig of `inv env.schema`, in YAML or JSON",
    )
)
def show(  # noqa: PLR0917  (Invoke's flags)
    c: Context,
    env: str = REHEARSAL,
    service: str = "",
    name: str = "",
    source: str = "",
    workspace: str = "",
    observe: bool = False,
    typed: bool = False,
    format: str = "text",
) -> None:
    """Show every variable with its value (secrets masked), layer, file and line, and what its references stand for."""
    from slipway.errors import UsageError
    from tasks._environment_show import show_typed, show_variables

    with session(env=env, source=source, workspace=workspace, format=format) as s:
        if typed and (service or name):
            raise UsageError("--typed shows the whole environment", hint="without --service and --name")
        if typed:
            show_typed(s, observe=observe)
        else:
            show_variables(s, service, name, observe=observe)


@task(
    help=helped("env", "source", "workspace", "format") | {"with": "another environment (default: the platform, now)"}
)
def diff(
    c: Context, env: str = REHEARSAL, with_: str = "", source: str = "", workspace: str = "", format: str = "text"
) -> None:
    """Compare an environment's variables with another's or with what the platform has now; exit code 1: they differ."""
    from tasks._environment_show import compare_environments, compare_with_platform

    with session(env=env, source=source, workspace=workspace, format=format) as s:
        compare_environments(s, with_) if with_ else compare_with_platform(s)


@task(help=helped("env", "source", "workspace", "format", "verbose", "yes"))
def push(
    c: Context,
    env: str = REHEARSAL,
    source: str = "",
    workspace: str = "",
    yes: bool = False,
    format: str = "text",
    verbose: bool = False,
) -> None:
    """Make the platform's variables exactly the configured ones, and deploy nothing."""
    from tasks._environment_push import push_variables

    with session(env=env, source=source, workspace=workspace, format=format, verbose=verbose) as s:
        push_variables(s, yes=yes)


@task(
    help=helped(
        "env", "format", recipient="a public key to seal for (again for more); without, those of env/recipients.txt"
    ),
    iterable=["recipient"],
)
def seal(c: Context, recipient: list[str], env: str = REHEARSAL, format: str = "text") -> None:
    """Seal env/<env>.secrets.env for the team with age, so that it can be committed as env/<env>.secrets.env.age."""
    from tasks._environment_secrets import alone, seal_secrets

    with session(env=env, format=format) as s, alone(s):
        seal_secrets(s, recipient)


@task(help=helped("env", "format", yes="replace a plain file that holds something else"))
def unseal(c: Context, env: str = REHEARSAL, yes: bool = False, format: str = "text") -> None:
    """Open env/<env>.secrets.env.age into env/<env>.secrets.env, which only you may read and git ignores."""
    from tasks._environment_secrets import alone, unseal_secrets

    with session(env=env, format=format) as s, alone(s):
        unseal_secrets(s, yes=yes)


@task(help=helped("env", "source", "workspace", "format", "yes", name="the secret's name"))
def rotate(
    c: Context,
    name: str,
    env: str = REHEARSAL,
    source: str = "",
    workspace: str = "",
    yes: bool = False,
    format: str = "text",
) -> None:
    """Give a secret a new made-up value in the file of secrets; an older SECRET_KEY keeps its sessions valid."""
    from tasks._environment_secrets import alone, rotate_secret

    with session(env=env, source=source, workspace=workspace, format=format) as s, alone(s):
        rotate_secret(s, name, yes=yes)


@task(help=helped("format"))
def keygen(c: Context, format: str = "text") -> None:
    """Make your own key for sealed files (~/.config/slipway/age.txt), or show the public half of the one there is."""
    from tasks._environment_secrets import make_key

    with session(format=format) as s:
        make_key(s)


def _from_schema(s: "Session") -> tuple[int, "tuple[Written, ...]"]:
    """Return how many variables there are, and the files that follow from them."""
    from slipway.config.config import SCHEMA
    from slipway.config.schema_file import load_schema
    from slipway.config.written import written_files

    found = load_schema(ROOT / SCHEMA, ROOT, s.workspace)
    text = (ROOT / SCHEMA).read_text(encoding="utf-8")
    return len(found.variables), written_files(found, text, ROOT, s.workspace)


def _write(files: "Collection[Written]") -> None:
    """Write each file whole or not at all. Raises `UsageError` naming the one that cannot be written."""
    from slipway.errors import UsageError

    for file in files:
        partial = Path(f"{file.file}.part")
        try:
            partial.write_bytes(file.text.encode())
            partial.replace(file.file)
        except OSError as error:
            raise UsageError(f"cannot be written: {error.strerror}", where=file.shown) from error
        finally:
            with suppress(OSError):
                partial.unlink()
