"""`inv env.*`: the variables of the environments."""

from invoke import Context, task

from tasks._session import ROOT, helped, session


@task(help=helped("format"))
def docs(c: Context, format: str = "text") -> None:
    """Write docs/variables.md anew from env/schema.yaml; do so after you change a variable there."""
    from slipway.config.config import SCHEMA
    from slipway.config.schema_file import load_schema
    from slipway.config.variables_doc import variables_document

    with session(format=format) as s:
        schema = load_schema(ROOT / SCHEMA, ROOT, s.workspace)
        text = variables_document(schema, (ROOT / SCHEMA).read_text(encoding="utf-8"))
        page = ROOT / "docs" / "variables.md"
        changed = not page.exists() or page.read_text(encoding="utf-8") != text
        page.write_text(text, encoding="utf-8")
        told = f"docs/variables.md: {len(schema.variables)} variables, {'changed' if changed else 'as before'}"
        s.finish({"file": "docs/variables.md", "variables": len(schema.variables), "changed": changed}, told)
