"""What `inv check.env` tells, in the form that was asked for."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from slipway import __version__
from slipway.errors import SlipwayError, UsageError
from tasks._session import ROOT, Session, answer

if TYPE_CHECKING:
    from slipway.checks.issue import Issue

FORMATS = ("text", "json", "github", "sarif")


def check_env(s: Session, format: str, *, strict: bool, connect: bool) -> None:
    """Check the environment of a session and end the task with 0 or 1. With `strict` a warning counts as an error."""
    from slipway.checks.environment import check
    from slipway.checks.issue import is_ok

    begin = time.monotonic()
    try:
        given = {**s.process, **s.ground_settings()}
        checked = check(ROOT, s.env, s.workspace, given, s.secrets_file, s.unseal, s.checkout.looks)
        issues = _connected(s, checked.issues) if connect else list(checked.issues)
    except SlipwayError as error:
        _tell_failure(s, format, error)
        raise
    ok = is_ok(issues, strict=strict)
    _tell(s, format, issues, checked.looked_at(time.monotonic() - begin), ok=ok)
    answer(ok, no=1 if checked.rules else UsageError.exit_code)  # without a schema nothing could be looked at


def _connected(s: Session, issues: Sequence["Issue"]) -> list["Issue"]:
    """Return the findings with what the services say. Where nobody could be asked, that is a finding as well."""
    from slipway.checks.issue import Issue, Severity
    from slipway.verbs.connect import connect

    try:
        with s.target(s.config) as (target, _):
            said = connect(s.config, target, s.version, s.console.say)
    except SlipwayError as error:
        told = "; ".join((error.message, *error.details[:3]))
        message = f"every service is unanswered, nobody was asked: {told}"
        return [
            *issues,
            Issue("connect.unanswered", Severity.ERROR, s.env, error.where or f"env/{s.env}.env", message, error.hint),
        ]
    # The server's own limit counts, not the one that was assumed.
    kept = [issue for issue in issues if issue.id != "database.budget" or not said.max_connections]
    return [*kept, *said.issues]


def _tell(s: Session, format: str, issues: Sequence["Issue"], looked_at: str, *, ok: bool) -> None:
    if format == "text":
        s.console.issues(issues, looked_at)
    elif format == "json":
        s.console.document({"ok": ok, "issues": [issue.as_json() for issue in issues], "looked_at": looked_at})
    else:
        from slipway.checks.formats import github, help_texts, sarif

        if format == "github":
            s.console.lines(github(issues))
        else:
            page = (ROOT / "docs" / "checks.md").read_text(encoding="utf-8")
            s.console.document(sarif(issues, help_texts(page), __version__))


def _tell_failure(s: Session, format: str, error: SlipwayError) -> None:
    """Tell a program what a person reads on stderr; JSON is the session's own."""
    from slipway.checks.formats import github, sarif_failure
    from slipway.checks.issue import Issue, Severity

    if format == "github":
        s.console.lines(github([Issue("check.env", Severity.ERROR, s.env, error.where, str(error), error.hint)]))
    elif format == "sarif":
        s.console.document(sarif_failure(str(error), __version__))
