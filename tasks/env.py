"""`inv env.*`: the variables of the environments."""

from invoke import Context, task

from tasks._session import REHEARSAL, ROOT, helped, session


@task(help=helped("format"))
def docs(c: Context, format: str = "text") -> None:
    """Write docs/variables.md anew from env/schema.yaml; do so after you change a variable there."""
    from slipway.config.config import SCHEMA
    from slipway.config.schema import load_schema
    from slipway.config.variables_doc import variables_document

    with session(format=format) as s:
        schema = load_schema(ROOT / SCHEMA, ROOT, s.workspace)
        text = variables_document(schema, (ROOT / SCHEMA).read_text(encoding="utf-8"))
        page = ROOT / "docs" / "variables.md"
        changed = not page.exists() or page.read_text(encoding="utf-8") != text
        page.write_text(text, encoding="utf-8")
        told = f"docs/variables.md: {len(schema.variables)} variables, {'changed' if changed else 'as before'}"
        s.finish({"file": "docs/variables.md", "variables": len(schema.variables), "changed": changed}, told)


@task(
    help=helped(
        "env",
        "source",
        "workspace",
        "format",
        service="only what this service gets",
        name="only this variable, with all that is to say about it",
        observe="ask the platform what it hands out now; a standing rehearsal is asked unbidden",
    )
)
def show(
    c: Context,
    env: str = REHEARSAL,
    service: str = "",
    name: str = "",
    source: str = "",
    workspace: str = "",
    observe: bool = False,
    format: str = "text",
) -> None:
    """Show every variable with its value (secrets masked), layer, file and line, and what its references stand for."""
    from tasks._environment_show import show_variables

    with session(env=env, source=source, workspace=workspace, format=format) as s:
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
    from tasks._environment_secrets import seal_secrets

    with session(env=env, format=format) as s:
        seal_secrets(s, recipient)


@task(help=helped("env", "format", yes="replace a plain file that holds something else"))
def unseal(c: Context, env: str = REHEARSAL, yes: bool = False, format: str = "text") -> None:
    """Open env/<env>.secrets.env.age into env/<env>.secrets.env, which only you may read and git ignores."""
    from tasks._environment_secrets import unseal_secrets

    with session(env=env, format=format) as s:
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
    from tasks._environment_secrets import rotate_secret

    with session(env=env, source=source, workspace=workspace, format=format) as s:
        rotate_secret(s, name, yes=yes)


@task(help=helped("format"))
def keygen(c: Context, format: str = "text") -> None:
    """Make your own key for sealed files (~/.config/slipway/age.txt), or show the public half of the one there is."""
    from tasks._environment_secrets import make_key

    with session(format=format) as s:
        make_key(s)
