"""What `inv check.readers` does with a session: show who reads which env file, and fetch whom it may ask."""

from tasks._session import Session


def show_readers(s: Session, *, fetch: bool) -> None:
    """Show who reads which env file, by which line, and what would answer for it; `fetch` what is missing before."""
    from pathlib import Path

    import slipway.rehearsal
    from slipway.engines.readers.fetch import fetch as bring
    from slipway.engines.readers.machine import NPM
    from slipway.errors import Unreachable

    checkout = s.checkout
    read, wanted, readers = checkout.readers()
    programs: dict[str, str] = {}
    script = Path(slipway.rehearsal.__file__).parent / "standin" / "fetch-compose.sh"
    for reader in sorted({use.reader for use in read}):
        try:
            programs[reader] = readers[reader].program
        except Unreachable as error:
            if fetch and bring(reader, checkout.tools, script, wanted.get(NPM.get(reader, ""), "")):
                programs[reader] = checkout.askable(wanted)[reader].program
            else:
                programs[reader] = f"not asked: {error.message}"
    rows = [(use.file, str(use.reader), use.evidence, programs[use.reader]) for use in read]
    if s.as_json:
        fields = ("file", "reader", "evidence", "program")
        s.console.document({"ok": True, "uses": [dict(zip(fields, row, strict=True)) for row in rows]})
    else:
        s.console.table(("env file", "reader", "because of", "answers"), rows)
