import io
import json
import os
import pty
import re
import threading
from pathlib import Path

import pytest

from slipway.checks.issue import Issue, Severity
from slipway.engines.console import Console
from slipway.errors import Refused, Unreachable
from slipway.plan import Outcome, StepResult
from slipway.secret import Mask, Secret

HIDDEN = "hunter2-hunter2"
MASK = Mask([Secret(HIDDEN)])


def done(name: str, observed: str = "", outcome: Outcome = Outcome.DONE) -> StepResult:
    return StepResult(name, outcome, 1.25, observed)


def everything(console: Console, name: str = f"step {HIDDEN}") -> None:
    console.plan(f"plan {HIDDEN}", [f"do {HIDDEN}"])
    console.started(name)
    console.line(name, f"line {HIDDEN}")
    console.ended(done(name, f"saw {HIDDEN}"))
    console.ended(done("old", outcome=Outcome.UNDONE))
    console.say(f"say {HIDDEN}")
    console.issues([Issue("a.b", Severity.ERROR, HIDDEN, f"here {HIDDEN}", f"bad {HIDDEN}", f"mend {HIDDEN}")])
    console.table(("key", "value"), [("a", HIDDEN), ("bb", "x")])
    console.error(Refused(HIDDEN, where=HIDDEN, hint=HIDDEN, details=(HIDDEN,)))


def test_plain_lines_without_a_terminal() -> None:
    out, err = io.StringIO(), io.StringIO()
    console = Console(out=out, err=err)
    console.plan("Deploy", ["migrate: apply 2 migrations", "api: new image"])
    console.started("migrate")
    console.line("migrate", "Applying 0001")
    console.ended(done("migrate", "2 applied"))
    console.ended(done("api", outcome=Outcome.FAILED))
    console.table(("name", "state"), [("api", "up"), ("worker", "down")])
    assert out.getvalue().splitlines() == [
        "Deploy",
        "   1. migrate: apply 2 migrations",
        "   2. api: new image",
        "   migrate ...",
        "    ok migrate (1.2 s)  2 applied",
        "FAILED api (1.2 s)",
        "name    state",
        "api     up",
        "worker  down",
    ]
    assert err.getvalue() == ""


def test_verbose_shows_every_line() -> None:
    out = io.StringIO()
    console = Console(out=out, verbose=True)
    console.started("build")
    console.line("build", "one\r\n")
    console.line("another", "two")
    assert "     build | one\n     another | two\n" in out.getvalue()


def test_issues_come_errors_first_and_are_counted() -> None:
    out = io.StringIO()
    Console(out=out).issues(
        [
            Issue("c", Severity.INFO, "s", "w3", "told"),
            Issue("b", Severity.WARNING, "s", "w2", "odd"),
            Issue("a", Severity.ERROR, "s", "w1", "bad", "mend it"),
        ]
    )
    assert out.getvalue().splitlines() == [
        "  error w1: bad [a]",
        "        -> mend it",
        "warning w2: odd [b]",
        "   info w3: told [c]",
        "1 error, 1 warning, 1 info",
    ]


@pytest.mark.parametrize("as_json", [False, True])
def test_nothing_that_is_shown_holds_a_secret(as_json: bool) -> None:
    out, err = io.StringIO(), io.StringIO()
    console = Console(out=out, err=err, mask=MASK, verbose=True, as_json=as_json)
    everything(console)
    console.document({"a": HIDDEN, "b": Secret("shown nowhere"), "c": [f"x{HIDDEN}"], "d": Path(HIDDEN)})
    assert HIDDEN not in out.getvalue() + err.getvalue()
    assert "shown nowhere" not in out.getvalue()
    # plan, its line, start, line, end, observed, say, four of the issue, the table's cell, four of the error
    assert (out.getvalue() + err.getvalue()).count("[secret]") >= 16


def test_json_keeps_stdout_for_one_document_also_after_an_error() -> None:
    out, err = io.StringIO(), io.StringIO()
    console = Console(out=out, err=err, as_json=True, verbose=True)
    everything(console)
    console.document({"ok": False, "steps": [done("x").as_json()]})
    console.error(Unreachable("silence"))
    console.document({"ok": False, "error": "the same again"})
    assert json.loads(out.getvalue()) == {"ok": False, "steps": [done("x").as_json()]}
    assert "silence" in err.getvalue()
    assert "step " in err.getvalue()


def test_a_secret_of_digits_or_quotes_does_not_break_the_document() -> None:
    out = io.StringIO()
    mask = Mask([Secret("123456"), Secret('": "ok'), Secret("seconds")])
    Console(out=out, as_json=True, mask=mask).document(
        {"seconds": 0.123456, "text": 'a 123456 b": "ok', "n": float("inf")}
    )
    assert json.loads(out.getvalue()) == {"seconds": 0.123456, "text": "a [secret] b[secret]", "n": None}


@pytest.mark.parametrize(
    "hostile",
    [
        "\x1b[2J\x1b[1;31mred\x1b[0m",
        "\x1b]0;title\x07red",
        "\x1b]8;;http://x\x1b\\red",
        "\x00r\x08ed\x7f",
        "\x9bred",
        "\udc80red",
    ],
)
def test_other_programs_cannot_drive_the_terminal(hostile: str) -> None:
    out = io.StringIO()
    console = Console(out=out, verbose=True)
    console.line("build", hostile)
    assert out.getvalue() == "     build | red\n"


def test_escapes_inside_a_secret_do_not_carry_it_past_the_mask() -> None:
    out = io.StringIO()
    Console(out=out, mask=MASK).say("hunter2\x1b[0m-hunter2")
    assert out.getvalue() == "[secret]\n"


def test_markup_is_text() -> None:
    out = io.StringIO()
    Console(out=out).say("[bold]not bold[/bold] :smile:")
    assert out.getvalue() == "[bold]not bold[/bold] :smile:\n"


def test_what_the_encoding_does_not_have_is_no_error() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", write_through=True)
    Console(out=stream).say("Müller ✓")
    assert raw.getvalue() == b"M\\xfcller \\u2713\n"


def test_a_reader_that_went_away_does_not_stop_the_work() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    stream = os.fdopen(writing, "w")
    console = Console(out=stream)
    for _ in range(3):
        console.say("x" * 100_000)
    console.started("deploy")
    console.ended(done("deploy"))
    with pytest.raises(BrokenPipeError):
        stream.close()


def test_threads_do_not_mix_lines() -> None:
    reading, writing = os.pipe()
    stream = os.fdopen(writing, "w", buffering=1)
    console = Console(out=stream, verbose=True)

    def work(number: int) -> None:
        name = f"step-{number}"
        console.started(name)
        for line in range(200):
            console.line(name, f"{line} " + str(number) * 50)
        console.ended(done(name))

    text: list[str] = []
    reader = threading.Thread(target=lambda: text.append(Path(f"/proc/self/fd/{reading}").read_text()))
    reader.start()
    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stream.close()
    reader.join()
    os.close(reading)
    lines = text[0].splitlines()
    assert len(lines) == 6 * 202
    shape = re.compile(r"   step-\d \.\.\.|     step-(\d) \| \d+ \1{50}|    ok step-\d \(1\.2 s\)")
    assert [line for line in lines if not shape.fullmatch(line)] == []


class Terminal:
    """A real pseudo terminal; `text` is all that was written to it."""

    def __init__(self) -> None:
        self._ours, theirs = pty.openpty()
        self.stream = os.fdopen(theirs, "w", buffering=1)
        self._read = bytearray()
        self._reader = threading.Thread(target=self._pump)
        self._reader.start()

    def _pump(self) -> None:
        while True:
            try:
                data = os.read(self._ours, 65536)
            except OSError:  # EIO: the other side is closed
                return
            self._read += data

    def text(self) -> str:
        self.stream.close()
        self._reader.join()
        os.close(self._ours)
        return self._read.decode()


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "CI"):
        monkeypatch.delenv(name, raising=False)
    return Terminal()


def test_a_terminal_shows_a_running_clock_and_clears_it(terminal: Terminal) -> None:
    console = Console(out=terminal.stream, mask=MASK)
    console.started("build")
    console.line("build", f"#7 installing {HIDDEN} \x1b[2J")
    threading.Event().wait(0.4)
    console.say("something happened")
    console.ended(done("build", "built"))
    console.close()
    console.close()
    text = terminal.text()
    assert re.search(r"\.\.\. build .*\d\.\d s.*#7 installing \[secret\]", text, re.DOTALL)
    assert "something happened" in text
    assert re.search(r"ok build \(1\.2 s\)  built", text)
    assert HIDDEN not in text
    assert "\x1b[2J" not in text
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") == 1  # the cursor is hidden, then shown again


def test_a_terminal_is_shared_by_threads_that_start_and_end(terminal: Terminal) -> None:
    console = Console(out=terminal.stream, verbose=True)

    def work(number: int) -> None:
        for turn in range(10):
            name = f"step-{number}-{turn}"
            console.started(name)
            console.line(name, f"line of {name}")
            console.ended(done(name))

    threads = [threading.Thread(target=work, args=(number,), daemon=True) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive(), "the console's lock and the display's wait for each other"
    console.close()
    text = terminal.text()
    for number in range(4):
        for turn in range(10):
            assert f"ok step-{number}-{turn} (1.2 s)" in text


def test_an_error_ends_the_live_display(terminal: Terminal) -> None:
    err = io.StringIO()
    console = Console(out=terminal.stream, err=err)
    console.started("deploy")
    console.error(Refused("no", where="api"))
    assert err.getvalue() == "api: no\n"
    assert "\x1b[?25h" in terminal.text()


def test_json_on_a_terminal_is_one_document_there(terminal: Terminal) -> None:
    err = io.StringIO()
    console = Console(out=terminal.stream, err=err, as_json=True)
    console.started("x")
    console.ended(done("x"))
    console.document({"ok": True})
    assert json.loads(terminal.text()) == {"ok": True}
