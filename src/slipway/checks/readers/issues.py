"""The findings about readers in the words of every check."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from slipway.checks.issue import Issue, Severity
from slipway.checks.readers.compare import MOST_CHUNKS, Difference, Kind, differences, has_more, offered, texts_of
from slipway.checks.readers.oracle import Oracle
from slipway.checks.readers.uses import is_example
from slipway.config.env_readers import Reader, Use

if TYPE_CHECKING:
    from slipway.ports import EnvReader

# A name that is no name may be a line of a pasted key, so only what reads like one is shown.
_SHOWABLE = re.compile(r"(?=.{1,60}$)[A-Z][A-Z0-9]*(_[A-Z0-9]+)*")
_SAID = {
    Kind.COMMAND: "sourcing the file would run a part of the line as a command",
    Kind.REJECTED: "the variable is lost on the way",
    Kind.INVENTED: "further variables are made of the line",
    Kind.DIFFER: "the readers see different values",
    Kind.QUOTES: "the quotes are taken off, and a security policy knows the keyword in quotes only",
}


def reader_issues(uses: list[Use], texts: Mapping[str, str], readers: Mapping[Reader, "EnvReader"]) -> list[Issue]:
    """Return every line of an env file that its readers do not take alike, as the programs themselves read it.

    `texts` is path -> text of the env files. No program is started for a file of plain lines. Ids: `readers.differ`,
    `readers.rejected`, `readers.invented`, `readers.command`, `readers.quotes`, `readers.not-asked`.
    """
    by_file: dict[str, dict[Reader, str]] = {}
    for use in uses:
        if use.file in texts:
            by_file.setdefault(use.file, {})[use.reader] = use.evidence
    oracle, asked = Oracle(readers), {file: texts_of(texts[file]) for file in by_file}
    oracle.ask((reader, text) for file, who in by_file.items() for text in asked[file] for reader in who)
    found: list[Issue] = []
    for file, who in by_file.items():
        if asked[file]:
            wrong = offered(differences(texts[file], list(who), oracle), list(who), oracle)
            found += [_issue(file, one, who, oracle) for one in wrong]
            if has_more(texts[file]):
                message = f"has more than {MOST_CHUNKS} lines that are not plain; nobody was asked about the others"
                hint = "is it an env file? Quotes and spaces are what makes a line not plain"
                found.append(Issue("readers.not-asked", Severity.WARNING, file, file, message, hint))
    unheard = {reader: file for file, who in by_file.items() if asked[file] for reader in who}
    return found + [
        Issue(
            "readers.not-asked",
            Severity.INFO,
            str(reader),
            unheard[reader],
            f"{reader} reads this file and was not asked: {why}",
            "`inv check.readers --fetch` brings what can be brought; what it would say is not known",
        )
        for reader, why in sorted(oracle.silent.items())
    ]


def _issue(file: str, one: Difference, who: Mapping[Reader, str], oracle: Oracle) -> Issue:
    groups = [f"{', '.join(_program(reader, oracle) for reader in readers)} {told}" for readers, told in one.groups]
    evidence = ", ".join(f"{reader} ({where})" for reader, where in who.items())
    name = one.name if _SHOWABLE.fullmatch(one.name) else "this line"
    severity = Severity.WARNING if is_example(file) or one.kind is Kind.QUOTES else Severity.ERROR
    told = "" if one.kind is Kind.QUOTES else f": {'; '.join(groups)}"
    message = f"{name}: {_SAID[one.kind]}{told} [read by {evidence}]"
    return Issue(f"readers.{one.kind}", severity, name, f"{file}:{one.line}", message, _hint(one))


def _program(reader: Reader, oracle: Oracle) -> str:
    """Vite's answer depends on its version, so it is said."""
    return oracle.programs.get(reader, str(reader)) if reader is Reader.VITE else str(reader)


def _hint(one: Difference) -> str:
    if one.offer is not None:
        return f"write the value {one.offer.form}, which is read as it is meant"
    if one.meaning is not None:
        return "no spelling of this value is read alike by all of them: change the value, or give it base64-encoded"
    return "it does not tell what is meant: set each variable once, on one line, quoted as a whole or not at all"
