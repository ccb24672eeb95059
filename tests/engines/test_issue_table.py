from slipway.checks.issue import Issue, Severity
from slipway.engines.issue_table import counted, grouped

ISSUES = [
    Issue("env.type", Severity.ERROR, "B", "env/b.env:12", "B is wrong", "mend it"),
    Issue("env.empty", Severity.WARNING, "A", "env/a.env:3", "A is empty"),
    Issue("env.missing", Severity.ERROR, "C", "env/b.env", "C has no value"),
]


def test_findings_stand_below_their_file_in_the_order_of_its_lines() -> None:
    assert [line for line, _ in grouped(ISSUES)] == [
        "env/a.env",
        "   3  warning  env.empty    A is empty",
        "env/b.env",
        "      error    env.missing  C has no value",
        "  12  error    env.type     B is wrong",
        "                            -> mend it",
    ]


def test_findings_are_counted_by_severity() -> None:
    assert counted(ISSUES) == "2 errors, 1 warning, 0 info"
    assert counted([]) == "0 errors, 0 warnings, 0 info"
