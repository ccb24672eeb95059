"""`python -m slipway_runtime.connect`: do the services that this process is configured for let it in?

    --ask database,redis,...     what to ask: database, read-database, redis, mail, bucket, names
    --postgres 15                the major version that the workspace means
    --names a.example.org,...    public names to resolve, and --host the host that they shall lead to
    --seconds 8                  how long each question may take

Nothing is changed but one Redis key, which is removed and would end by itself; no mail is sent. All are asked side by
side. One JSON document on standard output: `{"answered": {question: {fact: value}}, "issues": [{"id", "severity",
"question", "message", "hint"}], "seconds"}`. A question without an answer is not in `answered` and is an issue
`connect.unanswered`. Exit 0, 1 with errors, 2 for a wrong command line.
"""

import argparse
import json
import os
import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence

from slipway_runtime.connecting import Said, bucket, database, mail, names, redis, shown
from slipway_runtime.deadline import Answer, Question

QUESTIONS = ("database", "read-database", "redis", "mail", "bucket", "names")
_MARGIN = 2.0
"""Seconds beyond a question's own time-out after which it is given up on, so that its own words are heard first."""
_LONGEST = 800
"""Characters of a message."""
_SECRETS = ("DATABASE_URL", "DATABASE_READ_URL", "REDIS_URL", "EMAIL_HOST_PASSWORD", "AWS_SECRET_ACCESS_KEY")


def parsed(argv: Sequence[str]) -> argparse.Namespace:
    """Read the command line; a wrong one ends the process with 2."""
    parser = argparse.ArgumentParser(prog="python -m slipway_runtime.connect")
    parser.add_argument("--ask", default="database,redis", metavar="A,B")
    parser.add_argument("--postgres", type=int, default=0)
    parser.add_argument("--names", default="", metavar="A,B")
    parser.add_argument("--host", default="")
    parser.add_argument("--seconds", type=float, default=8.0)
    given = parser.parse_args(argv)
    given.ask = [one for one in given.ask.split(",") if one]
    if unknown := [one for one in given.ask if one not in QUESTIONS]:
        parser.error(f"there is no question {', '.join(unknown)}; there are {', '.join(QUESTIONS)}")
    if not 0 < given.seconds <= 60:
        parser.error("--seconds is between 0 and 60")
    return given


def questions(given: argparse.Namespace, environ: Mapping[str, str]) -> dict[str, Callable[[], Said]]:
    """Return what to ask, by name."""
    seconds, text = given.seconds, environ.get
    every: dict[str, Callable[[], Said]] = {
        "database": lambda: database.ask(text("DATABASE_URL", ""), seconds, environ=environ, wanted=given.postgres),
        "read-database": lambda: database.ask(text("DATABASE_READ_URL", ""), seconds, environ=environ, reads_only=True),
        "redis": lambda: redis.ask(text("REDIS_URL", ""), seconds, namespace=text("REDIS_NAMESPACE") or "slipway"),
        "mail": lambda: mail.ask(environ, seconds),
        "bucket": lambda: bucket.ask(environ, seconds),
        "names": lambda: names.ask([one for one in given.names.split(",") if one], given.host),
    }
    return {name: every[name] for name in given.ask}


def asked(wanted: Mapping[str, Callable[[], Said]], seconds: float) -> dict[str, Answer[Said]]:
    """Ask all at once; give each the same time."""
    running = {name: Question(ask) for name, ask in wanted.items()}
    for question in running.values():
        question.begin()
    until = time.monotonic() + seconds
    return {name: question.answer(until) for name, question in running.items()}


def document(answers: Mapping[str, Answer[Said]], clean: Callable[[str], str]) -> dict[str, object]:
    """Return what the answers say. Whatever did not answer, or broke off, is unanswered."""
    issues, answered = [], {}
    for name, answer in answers.items():
        if answer.value is None:
            why = _why(answer.error) if answer.error else f"nothing came back within {answer.seconds:.0f} s"
            issues.append(_issue("unanswered", "error", name, f"is unanswered: {why}", "nothing is known about it"))
            continue
        answered[name] = answer.value.facts
        issues += [_issue(one.kind, one.severity, name, one.message, one.hint) for one in answer.value.found]
    for issue in issues:
        # First the secrets, then the cut: half a secret would not be known any more.
        issue["message"] = clean(issue["message"])[:_LONGEST]
    return {"answered": answered, "issues": issues}


def _why(error: BaseException) -> str:
    # Whoever takes an address apart quotes the part that does not fit, which may be a piece of the password.
    return "its address cannot be read" if isinstance(error, ValueError) else shown(error)


def _issue(kind: str, severity: str, question: str, message: str, hint: str) -> dict[str, str]:
    return {"id": f"connect.{kind}", "severity": severity, "question": question, "message": message, "hint": hint}


def cleaner(environ: Mapping[str, str]) -> Callable[[str], str]:
    """Return what takes this process's passwords out of a driver's words."""
    from urllib.parse import unquote, unquote_plus

    known: set[str] = set()
    for name in _SECRETS:
        value = environ.get(name, "")
        for asked in re.findall(r"[?&]\w*password=([^&#]*)", value):
            known |= {asked, unquote(asked), unquote_plus(asked)}
        before = value.partition("://")[2].rpartition("@")[0].partition(":")[2] if "://" in value else value
        # A password that is not percent-encoded ends for a driver where the first of these stands.
        known |= {value, before, unquote(before), *re.split(r"[/?#@:\[\]]", before)}
    longest_first = sorted((one for one in known if len(one) >= 4), key=len, reverse=True)

    def clean(text: str) -> str:
        for one in longest_first:
            text = text.replace(one, "[secret]")
        return text

    return clean


def main(argv: Sequence[str]) -> int:
    """Ask, write the JSON, return 0 or 1."""
    given = parsed(argv)
    begin = time.monotonic()
    answers = asked(questions(given, os.environ), given.seconds + _MARGIN)
    told = {**document(answers, cleaner(os.environ)), "seconds": round(time.monotonic() - begin, 2)}
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()
    issues = told["issues"]
    assert isinstance(issues, list)
    return 1 if any(issue["severity"] == "error" for issue in issues) else 0


if __name__ == "__main__":
    code = main(sys.argv[1:])
    # A driver that hangs in C keeps its thread, and the interpreter would wait for what holds its locks.
    os._exit(code)
