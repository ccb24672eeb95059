"""`slipway_runtime.connect` against what is not there, hangs or talks nonsense, and against real servers."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from .faulty import PASSWORD, free_port, postgres_server, redis_server, s3_server

RUNTIME = Path(__file__).parents[2] / "runtime" / "src"


def run(*words: str, **variables: str) -> tuple[int, dict[str, Any]]:
    """Ask as a container would; return the exit code and the document."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(RUNTIME), **variables}
    done = subprocess.run(
        (sys.executable, "-m", "slipway_runtime.connect", *words),
        env=environment, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert PASSWORD not in done.stdout + done.stderr
    assert done.stdout.count("\n") == 1, done.stderr
    return done.returncode, json.loads(done.stdout)


def said(document: dict[str, Any]) -> dict[str, str]:
    """Return question -> id of its worst finding."""
    order = ["error", "warning", "info"]
    listed = sorted(document["issues"], key=lambda issue: order.index(issue["severity"]), reverse=True)
    return {issue["question"]: issue["id"] for issue in listed}


@contextmanager
def listening(talk: Callable[[socket.socket], None] = lambda _: None) -> Iterator[int]:
    """Listen at a port and treat whoever connects as `talk` says; by default they wait for ever."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        kept: list[socket.socket] = []

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                kept.append(connection)
                talk(connection)

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        for connection in kept:
            connection.close()


def test_what_is_not_there_is_refused_and_what_hangs_is_unanswered_side_by_side() -> None:
    with listening() as mute:
        code, told = run(
            "--ask", "database,redis,mail,names", "--seconds", "2", "--names", "nowhere.invalid",
            DATABASE_URL=f"postgresql://app:{PASSWORD}@127.0.0.1:{mute}/app",
            REDIS_URL=f"redis://default:{PASSWORD}@127.0.0.1:{free_port()}/0",
            EMAIL_HOST="127.0.0.1", EMAIL_PORT=str(mute), EMAIL_HOST_PASSWORD=PASSWORD,
        )  # fmt: skip
    assert code == 1
    assert said(told) == {
        "database": "connect.database",
        "redis": "connect.redis",
        "mail": "connect.mail",
        "names": "connect.name",
    }
    assert told["seconds"] < 5


@pytest.mark.parametrize(
    "nonsense",
    [b"", b"\x00" * 4096, b"HTTP/1.1 400 Bad Request\r\n\r\n", b"220 mail ESMTP\r\n500 what\r\n" * 9],
    ids=["nothing", "zeros", "http", "mail"],
)
def test_a_server_that_talks_nonsense_is_never_passed(nonsense: bytes) -> None:
    def talk(connection: socket.socket) -> None:
        connection.sendall(nonsense)
        connection.close()

    with listening(talk) as port:
        code, told = run(
            "--ask", "database,redis,mail", "--seconds", "2",
            DATABASE_URL=f"postgresql://app:{PASSWORD}@127.0.0.1:{port}/app",
            REDIS_URL=f"redis://default:{PASSWORD}@127.0.0.1:{port}/0",
            EMAIL_HOST="127.0.0.1", EMAIL_PORT=str(port), EMAIL_USE_TLS="true",
        )  # fmt: skip
    assert code == 1
    assert set(said(told)) == {"database", "redis", "mail"}
    assert all(issue["severity"] == "error" for issue in told["issues"])


def test_a_value_that_is_no_address_is_unanswered_and_not_repeated() -> None:
    code, told = run("--ask", "database,redis", DATABASE_URL=PASSWORD, REDIS_URL=f"redis://u:{PASSWORD}@h:port/0")
    assert code == 1
    assert said(told) == {"database": "connect.unanswered", "redis": "connect.unanswered"}
    assert told["answered"] == {}


@pytest.mark.parametrize("scheme", ["postgres", "redis"])
def test_a_password_that_ends_an_address_early_is_not_repeated_in_pieces(scheme: str) -> None:
    name = {"postgres": "DATABASE_URL", "redis": "REDIS_URL"}[scheme]
    question = {"postgres": "database", "redis": "redis"}[scheme]
    address = f"{scheme}://app:Sup3rHead/tail-of-it@127.0.0.1:5432/app"
    code, document = run("--ask", question, "--seconds", "2", **{name: address})
    assert code == 1
    assert said(document) == {question: "connect.unanswered"}
    assert "Sup3rHead" not in json.dumps(document)
    assert "tail-of-it" not in json.dumps(document)


def test_passwords_in_the_query_are_not_repeated() -> None:
    address = "postgres://app@127.0.0.1:1/app?sslpassword=Sup3rTail&password=Sup3r%2FHead&Sup3rTail=1"
    code, document = run("--ask", "database", DATABASE_URL=address)
    assert code == 1
    assert "Sup3r" not in json.dumps(document)
    assert "the application fails like this as well" in json.dumps(document)


def test_a_bucket_that_is_there_that_is_not_and_that_the_keys_do_not_open(tmp_path: Path) -> None:
    (tmp_path / "media").mkdir()
    with s3_server(tmp_path, "a-key", PASSWORD) as address:
        given = {
            "AWS_S3_ENDPOINT_URL": address, "AWS_S3_REGION_NAME": "us-east-1", "AWS_STORAGE_BUCKET_NAME": "media",
            "AWS_ACCESS_KEY_ID": "a-key", "AWS_SECRET_ACCESS_KEY": PASSWORD,
        }  # fmt: skip
        assert run("--ask", "bucket", **given)[0] == 0
        for wrong, told in (
            ({"AWS_STORAGE_BUCKET_NAME": "absent"}, "there is no such bucket"),
            ({"AWS_SECRET_ACCESS_KEY": "another"}, "the keys do not open it"),
        ):
            code, document = run("--ask", "bucket", **{**given, **wrong})
            (issue,) = document["issues"]
            assert (code, issue["id"], issue["message"]) == (1, "connect.bucket", told)
    code, document = run("--ask", "bucket", "--seconds", "2", **given)
    assert (code, said(document)) == (1, {"bucket": "connect.bucket"})


@pytest.mark.parametrize("words", [("--ask", "weather"), ("--seconds", "0"), ("--postgres", "x")])
def test_a_wrong_command_line_is_no_answer(words: tuple[str, ...]) -> None:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(RUNTIME)}
    done = subprocess.run(
        (sys.executable, "-m", "slipway_runtime.connect", *words), env=environment, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, b"")


@pytest.mark.docker
def test_real_servers_that_are_right_wrong_and_hanging() -> None:
    with postgres_server() as postgres, redis_server() as redis:
        both = {"DATABASE_URL": postgres.url, "REDIS_URL": redis.url}
        code, told = run("--ask", "database,redis", "--postgres", "15", **both)
        assert code == 0, told
        assert told["answered"]["database"]["max_connections"] == 100
        assert said(told) == {"database": "connect.database-role"}  # the container's user is a superuser, a warning

        assert said(run("--ask", "database", "--postgres", "16", **both)[1]) == {"database": "connect.database-version"}

        wrong = {"DATABASE_URL": postgres.url.replace(PASSWORD, "other"), "REDIS_URL": redis.url.replace("/0", "/99")}
        code, told = run("--ask", "database,redis", **wrong)
        assert code == 1
        assert said(told) == {"database": "connect.database", "redis": "connect.redis"}

        for query, wanted in (
            ("?options=-csearch_path%3Dnowhere", "migrations cannot make a table"),
            ("?currentSchema=nowhere", "migrations cannot make a table"),
            ("?target_session_attrs=standby", "is not reached"),
            ("?sslmode=require", "is not reached"),
            ("?nonsense=1", 'invalid connection option \\"nonsense\\"'),
        ):
            code, told = run("--ask", "database", DATABASE_URL=postgres.url + query)
            assert (code, wanted in json.dumps(told)) == (1, True), (query, told)
        (refused,) = run("--ask", "database", DATABASE_URL=postgres.url.replace(PASSWORD, "other"))[1]["issues"]
        assert refused["message"].startswith("refuses us: ")

        postgres.run("psql", "-U", "app", "-c", f"CREATE ROLE small LOGIN PASSWORD '{PASSWORD}'")
        redis.run("redis-cli", "config", "set", "maxmemory", "50mb")
        redis.run("redis-cli", "config", "set", "maxmemory-policy", "allkeys-lru")
        small = {**both, "DATABASE_URL": postgres.url.replace("//app:", "//small:")}
        code, told = run("--ask", "database,redis", **small)
        assert said(told) == {"database": "connect.database-role", "redis": "connect.redis-policy"}
        assert "migrations cannot make a table" in json.dumps(told)

        redis.run("redis-cli", "acl", "setuser", "reader", "on", f">{PASSWORD}", "~*", "+@read", "+@connection")
        reader = {"REDIS_URL": redis.url.replace("//", f"//reader:{PASSWORD}@")}
        code, told = run("--ask", "redis", **reader)
        assert code == 1
        assert "does not let this user do" in json.dumps(told)

        for server in (postgres, redis):
            server.pause()
        try:
            code, told = run("--ask", "database,redis", "--seconds", "2", **both)
        finally:
            for server in (postgres, redis):
                server.unpause()
        assert code == 1
        assert set(said(told)) == {"database", "redis"}
        assert told["seconds"] < 6
