from slipway.checks.issue import Issue, Severity, is_ok, report

ERROR = Issue("a.b", Severity.ERROR, "s", "f:1", "bad", "mend")
WARNING = Issue("a.c", Severity.WARNING, "s", "f:2", "odd")
INFO = Issue("a.d", Severity.INFO, "s", "f:3", "told")


def test_only_errors_say_no() -> None:
    assert is_ok([])
    assert is_ok([WARNING, INFO])
    assert not is_ok([INFO, ERROR])


def test_the_report_is_the_json_contract() -> None:
    assert report(iter([ERROR, WARNING])) == {
        "ok": False,
        "issues": [
            {"id": "a.b", "severity": "error", "subject": "s", "where": "f:1", "message": "bad", "hint": "mend"},
            {"id": "a.c", "severity": "warning", "subject": "s", "where": "f:2", "message": "odd", "hint": ""},
        ],
    }
    assert report([]) == {"ok": True, "issues": []}
