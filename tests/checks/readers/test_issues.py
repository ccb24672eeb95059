"""What is said of a workspace's files, by the real programs."""

import random
from pathlib import Path

import pytest

from slipway.checks.issue import Issue, Severity
from slipway.checks.readers.issues import reader_issues
from slipway.config.env_readers import Reader, Use
from slipway.engines.readers.bash import is_safe
from slipway.engines.readers.machine import machine_readers
from tests.engines.readers.asked import readers


def found(text: str, *who: Reader, file: str = ".env") -> list[Issue]:
    return reader_issues([Use(file, reader, f"evidence:{n}") for n, reader in enumerate(who)], {file: text}, readers())


def test_lines_that_differ_are_told_with_place_readers_evidence_and_a_spelling() -> None:
    issue, *more = found("A=1\nK=abc #note\n", Reader.DJANGO_ENVIRON, Reader.PYTHON_DOTENV)
    assert more == []
    assert (issue.id, issue.severity, issue.subject, issue.where) == ("readers.differ", Severity.ERROR, "K", ".env:2")
    assert "django-environ (evidence:0)" in issue.message
    assert issue.hint == "write the value without quotes, which is read as it is meant"


@pytest.mark.parametrize(
    ("text", "who", "expected"),
    [
        ("CSP_IMG_SRC='self' data:\n", [Reader.PYTHON_DOTENV], ["readers.rejected .env:1"]),
        ("A=1\nCSP_SRC='self'\n", [Reader.PYTHON_DOTENV], ["readers.quotes .env:2"]),
        ("K='self' data:\n", [Reader.BASH, Reader.PYTHON_DOTENV], ["readers.command .env:1"]),
        ("K=$(touch x)\n", [Reader.BASH, Reader.PYTHON_DOTENV], ["readers.command .env:1"]),
        ("K=1\nK=2\n", [Reader.DJANGO_ENVIRON, Reader.PYTHON_DOTENV], []),
        ("K=a#b\n", [Reader.PYTHON_DOTENV, Reader.BASH], []),
        ("A='x y'\nB=\"it's\"\n", [Reader.PYTHON_DOTENV, Reader.BASH, Reader.NODE], []),
        ("K=p$w0rd\n", [Reader.PYTHON_DOTENV, Reader.BASH], ["readers.differ .env:1"]),
    ],
)
def test_only_what_the_readers_of_the_file_do_not_take_alike_is_told(
    text: str, who: list[Reader], expected: list[str]
) -> None:
    assert [f"{issue.id} {issue.where}" for issue in found(text, *who)] == expected


def test_where_no_spelling_exists_that_is_said() -> None:
    (issue,) = found("K=a'\"`$b\n", Reader.PYTHON_DOTENV, Reader.DJANGO_ENVIRON, Reader.NODE, Reader.BASH)
    assert "no spelling" in issue.hint


def test_no_value_and_no_odd_name_is_shown() -> None:
    text = "SECRET=hunter2$x hunter3\nsk_live_hunter4 = hunter5 #x\n"
    issues = found(text, Reader.PYTHON_DOTENV, Reader.DJANGO_ENVIRON, Reader.BASH)
    assert len(issues) == 2
    assert "hunter" not in repr(issues)


def test_a_reader_that_is_not_here_is_said_not_to_have_been_asked() -> None:
    absent = machine_readers(Path("nowhere"))[Reader.VITE]
    (issue,) = reader_issues([Use(".env", Reader.VITE, "package.json:1")], {".env": "K='a'\n"}, {Reader.VITE: absent})
    assert (issue.id, issue.severity) == ("readers.not-asked", Severity.INFO)


def test_an_example_warns_and_a_plain_file_asks_nobody() -> None:
    (issue,) = found("K=a b\n", Reader.BASH, Reader.NODE, file=".env.example")
    assert issue.severity is Severity.WARNING
    assert reader_issues([Use(".env", Reader.BASH, "x:1")], {".env": "A=1\nB=2\n"}, {}) == []


@pytest.mark.parametrize(
    "text",
    [
        *("K=$(touch {0})", "K=`touch {0}`", 'K="$(touch {0})"', "K=a;touch {0}", "K=a touch {0}", "touch {0}"),
        *("K=a&touch {0}", "K=${{X:-$(touch {0})}}", "K=$((a[$(touch {0})]))", "K=<(touch {0})", "K=a\ntouch {0}\n"),
        *("f() {{ touch {0}; }}\nf", "K=a>{0}", ". {0}", "eval touch {0}", "K='a'\"$(touch {0})\"", "K=a\\\ntouch {0}"),
        *("K[$(touch {0})]=1", "K+=$(touch {0})", "trap 'touch {0}' EXIT", "export K=$(touch {0})", "{{ touch {0}; }}"),
        *("export -f x; touch {0}", "K=$'a'$(touch {0})", 'K="${{X@P}}"', "K=1 # a\rtouch {0}"),
    ],
)
def test_nothing_that_a_file_holds_is_run(text: str, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    (reading,) = readers()[Reader.BASH].read([text.format(mark)])
    assert not mark.exists()
    assert reading.values is None or "touch" in "".join(reading.values.values()) or "1 #" in text


def test_what_is_called_safe_runs_nothing_whatever_it_is(tmp_path: Path) -> None:
    """Random texts of the characters that matter; a command would leave a file, as `x` does on this PATH."""
    chance = random.Random(3)
    texts = ["".join(chance.choices("KA=x'\"\\$`(){}[];&|<> \n#!~", k=chance.randint(1, 14))) for _ in range(20_000)]
    safe = [text for text in texts if is_safe(text)]
    assert len(safe) > 100
    assert not [text for text in safe if "`" in text.split("#")[0] and "'" not in text and "\\" not in text]
    assert len(readers()[Reader.BASH].read(safe[:500])) == min(500, len(safe))
