"""What `inv check.env` looks at beside the environment: the sources, their env files and who reads them."""

from typing import TYPE_CHECKING

from tasks._session import ROOT, Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from slipway.checks.issue import Issue
    from slipway.config.config import Config
    from slipway.config.env_readers import Use

TOOLS = ROOT / ".slipway" / "tools"
"""Programs fetched for nothing but being asked what they read."""


def looks(session: Session) -> "tuple[Callable[[Config], Iterable[Issue]], ...]":
    """Return the further looks at a configuration, each from a Config to issues."""
    return (lambda config: source_issues(session, config), lambda _: reader_issues(session))


def source_issues(s: Session, config: "Config") -> "list[Issue]":
    """Hold the monorepo's sources, and the overlay that runs with them, against the configuration."""
    from slipway.checks.sources.rules import issues
    from slipway.checks.sources.stand import OVERLAY
    from slipway.engines.source_reader import read_sources

    workspace = config.workspace
    settings = f"{workspace.backend.path}/{workspace.backend.settings.replace('.', '/')}"
    settings = f"{settings}/__init__.py" if (workspace.source / settings).is_dir() else f"{settings}.py"
    found = read_sources(workspace.source, s.builds_folder / "sources.json", settings=settings)
    overlay = read_sources(ROOT, s.builds_folder / "overlay.json", (OVERLAY,))
    return issues(config, found, overlay)


def reader_issues(s: Session) -> "list[Issue]":
    """Return the lines of the source's env files that their readers do not take alike."""
    from slipway.checks.issue import Issue, Severity
    from slipway.checks.readers.lines import is_plain_file
    from slipway.checks.readers.uses import uses
    from slipway.config.textfile import read_text
    from slipway.engines.readers.workspace import gather

    env_files, sources = gather(s.source)
    read = uses(env_files, sources)
    texts, found = {}, []
    for path in sorted({use.file for use in read}):
        text, faults = read_text(env_files[path], path)
        found += [
            Issue(f.id, Severity.ERROR if f.fatal else Severity.WARNING, path, f.where, f.message, f.hint)
            for f in faults
        ]
        if not any(fault.fatal for fault in faults) and not is_plain_file(text):
            texts[path] = text
    if texts:
        found += _asked(s, [use for use in read if use.file in texts], texts, sources)
    return [_placed(s, one) for one in found]


def _placed(s: Session, found: "Issue") -> "Issue":
    """Return a finding of a file of the source at the place that a person opens it by."""
    from dataclasses import replace

    from slipway.config.fault import shown

    is_file = (s.source / found.where.partition(":")[0]).is_file()
    return replace(found, where=shown(s.source / found.where)) if is_file else found


def _asked(s: Session, uses: "list[Use]", texts: "Mapping[str, str]", sources: "Mapping[str, str]") -> "list[Issue]":
    from slipway.checks.readers import issues
    from slipway.engines.readers.machine import machine_readers
    from slipway.engines.readers.memory import remembered

    readers = machine_readers(TOOLS, sources)
    memory = ROOT / ".slipway" / "env-readers.json"
    return remembered(memory, uses, texts, readers, lambda: issues.reader_issues(uses, texts, readers))


def show_readers(s: Session, *, fetch: bool) -> None:
    """Show who reads which env file, by which line, and what would answer for it; `fetch` what is missing before."""
    from pathlib import Path

    import slipway.rehearsal
    from slipway.checks.readers.uses import uses
    from slipway.config.env_readers import Reader
    from slipway.engines.readers.fetch import fetch as bring
    from slipway.engines.readers.machine import machine_readers, npm_wanted
    from slipway.engines.readers.workspace import gather
    from slipway.errors import Unreachable

    env_files, sources = gather(s.source)
    read = uses(env_files, sources)
    readers = machine_readers(TOOLS, sources)
    wanted = {Reader.VITE: npm_wanted("vite", sources), Reader.NODE_DOTENV: npm_wanted("dotenv", sources)}
    programs: dict[str, str] = {}
    script = Path(slipway.rehearsal.__file__).parent / "standin" / "fetch-compose.sh"
    for reader in sorted({use.reader for use in read}):
        try:
            programs[reader] = readers[reader].program
        except Unreachable as error:
            if fetch and bring(reader, TOOLS, script, wanted.get(reader, "")):
                programs[reader] = machine_readers(TOOLS, sources)[reader].program
            else:
                programs[reader] = f"not asked: {error.message}"
    rows = [(use.file, str(use.reader), use.evidence, programs[use.reader]) for use in read]
    if s.as_json:
        fields = ("file", "reader", "evidence", "program")
        s.console.document({"ok": True, "uses": [dict(zip(fields, row, strict=True)) for row in rows]})
    else:
        s.console.table(("env file", "reader", "because of", "answers"), rows)
