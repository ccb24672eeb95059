from collections.abc import Iterable

import pytest

from slipway.engines.images.errors import RegistryBusy, build_failed, engine_refused, push_failed, registry_of
from slipway.engines.images.trace import Failure
from slipway.errors import Refused, SlipwayError, Unreachable, UsageError
from slipway.ports import ImageBuild

_BUILD = ImageBuild("web", (), "Dockerfile", ())


def _failure(step: str, error: str = "", lines: Iterable[str] = ()) -> Failure:
    return Failure(step, error, tuple(lines))


@pytest.mark.parametrize(
    ("error", "failure", "kind", "words"),
    [
        (
            "dockerfile parse error line 2: unknown instruction: RUNN",
            None,
            UsageError,
            "Dockerfile:2: unknown instruction",
        ),
        ("failed to solve: target stage nope could not be found", None, UsageError, "no stage 'nope'"),
        (
            'failed to compute cache key: "/nope.txt" not found: not found',
            _failure("[3/3] COPY nope.txt /", '"/nope.txt" not found'),
            UsageError,
            r"nope\.txt is not in the build context",
        ),
        (
            "failed to do request: Head https://registry.invalid/v2/: dial tcp: lookup: no such host",
            _failure("[internal] load metadata for registry.invalid/base:1"),
            Unreachable,
            r"registry\.invalid/base:1 is not in the engine and its registry does not answer",
        ),
        (
            "pull access denied, repository does not exist or may require authorization",
            _failure("[internal] load metadata for docker.io/slipway/none:1"),
            UsageError,
            "slipway/none:1 does not exist",
        ),
        (
            "executor failed running [/bin/sh -c npm run build]: exit code: 7",
            _failure("[build 4/4] RUN npm run build", "", ["src/App.tsx(3,1): error TS1005"]),
            Refused,
            r"(?s)\[build 4/4\] RUN npm run build ended with exit code 7.*TS1005",
        ),
        ("write /x: no space left on device", _failure("RUN x"), Unreachable, "no space left on its disk"),
        (
            "executor failed running [/bin/sh -c x]: exit code: 1",
            _failure("RUN x", "", ["dd: error writing: No space left on device"]),
            Unreachable,
            "docker system prune",
        ),
        (
            "executor failed running [/bin/sh -c pip install -r r.txt]: exit code: 1",
            _failure(
                "RUN pip install -r r.txt", "", ["Retrying: NewConnectionError: [Errno -3] Temporary failure in name"]
            ),
            Unreachable,
            r"(?s)RUN pip install -r r\.txt did not reach where its packages come from.*mirror or index",
        ),
        (
            "executor failed running [/bin/sh -c pip install nope]: exit code: 1",
            _failure("RUN pip install nope", "", ["ERROR: No matching distribution found for nope"]),
            Refused,
            "exit code 1",
        ),
        (
            "executor failed running [/bin/sh -c manage.py check]: exit code: 1",
            _failure("RUN manage.py check", "", ["redis: Connection refused"]),
            Refused,
            "exit code 1",
        ),
        (
            "executor failed running [/bin/sh -c npm run build]: exit code: 1",
            _failure("[build 4/4] RUN npm run build", "", ['Could not resolve "./absent.css" from "src/App.tsx"']),
            Refused,
            "exit code 1",
        ),
        ("context canceled", _failure("RUN x", "context canceled"), Refused, "cancelled"),
        ("something quite new", None, Refused, "something quite new"),
        ("something quite new", _failure("RUN x"), Refused, "RUN x failed: something quite new"),
    ],
)
def test_every_failure_has_one_message_of_its_kind(
    error: str, failure: Failure | None, kind: type[SlipwayError], words: str
) -> None:
    said = build_failed(_BUILD, error, failure)
    assert type(said) is kind
    with pytest.raises(kind, match=words):
        raise said


@pytest.mark.parametrize(
    "text",
    [
        "received unexpected HTTP status: 503 Service Unavailable",
        "Get http://127.0.0.1:1/v2/: dial tcp 127.0.0.1:1: connect: connection refused",
        "net/http: TLS handshake timeout",
        "unexpected EOF",
        "write tcp 127.0.0.1:58340->127.0.0.1:42709: use of closed network connection",
    ],
)
def test_a_registry_that_may_come_back_is_worth_another_try(text: str) -> None:
    assert isinstance(push_failed("r:5000/a:1", text), RegistryBusy)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("denied: requested access to the resource is denied", Refused),
        ("unauthorized: authentication required", UsageError),
        ("no basic auth credentials", UsageError),
        ("An image does not exist locally with the tag: r:5000/a", UsageError),
        ("no space left on device", Unreachable),
    ],
)
def test_a_registry_that_has_decided_is_not_asked_again(text: str, kind: type[SlipwayError]) -> None:
    assert type(push_failed("r:5000/a:1", text)) is kind


@pytest.mark.parametrize(
    ("reference", "registry"),
    [
        ("127.0.0.1:5000/a/b:1", "127.0.0.1:5000"),
        ("localhost/a", "localhost"),
        ("registry.example.org/a@sha256:0", "registry.example.org"),
        ("debian:bookworm", "docker.io"),
        ("slipway/base-debian", "docker.io"),
    ],
)
def test_the_registry_is_read_as_docker_reads_it(reference: str, registry: str) -> None:
    assert registry_of(reference) == registry


def test_a_full_disk_is_told_apart_from_a_refusal() -> None:
    assert isinstance(engine_refused("mkdir: no space left on device"), Unreachable)
    assert isinstance(engine_refused("conflict"), Refused)
