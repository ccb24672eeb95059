"""What the builder, the engine and registries say when something fails, turned into one message with a way out.

The texts come from BuildKit and moby and are matched loosely: what is not recognised is still shown as it is.
"""

import re

from slipway.engines.images.trace import Failure
from slipway.errors import Refused, SlipwayError, Unreachable, UsageError
from slipway.ports import ImageBuild

_NO_SPACE = re.compile(r"no space left on device|disk quota exceeded", re.IGNORECASE)
_EXIT_CODE = re.compile(r"exit code: (\d+)")
_PARSE = re.compile(
    r"(?:dockerfile parse error|failed to parse|parse error)(?: on)? line (\d+): (.*)", re.IGNORECASE | re.DOTALL
)
_DEFINITION = re.compile(r"failed to create LLB definition: (.*)", re.DOTALL)
_STAGE = re.compile(r'target stage "?([^"]+?)"? could not be found')
_COPY = re.compile(r'"([^"]+)": not found|"([^"]+)" not found|lstat ([^:]+): no such file or directory')
_BASE_SILENT = re.compile(
    r"failed to do request|dial tcp|no such host|i/o timeout|TLS handshake|connection refused|server misbehaving",
    re.IGNORECASE,
)
_BASE_ABSENT = re.compile(
    r"pull access denied|repository does not exist|manifest unknown|: not found|insufficient_scope", re.IGNORECASE
)
_NO_LOGIN = re.compile(r"unauthorized|authentication required|no basic auth credentials|\b401\b", re.IGNORECASE)
_SOURCE_SILENT = re.compile(
    # apt, pip and npm, each when where it takes packages from does not answer; not when a package is not there.
    r"Temporary failure (?:in name resolution|resolving)|Could not resolve '|Could not connect to|Unable to connect to"
    r"|Connection (?:failed|refused|timed out)|NewConnectionError|ConnectTimeoutError|ReadTimeoutError"
    r"|Network is unreachable|\b(?:ENOTFOUND|ETIMEDOUT|ECONNREFUSED|ECONNRESET|EAI_AGAIN)\b"
)
_INSTALLS = re.compile(r"\b(?:apt-get|apt|pip|pip3|uv|npm(?! run))\b")
_NOT_THERE = re.compile(r"\b404\b|(?:manifest|name) unknown|not found", re.IGNORECASE)
_DENIED = re.compile(r"denied|403 Forbidden", re.IGNORECASE)
_BUSY = re.compile(
    r"\b5\d\d\b|dial tcp|connection re(fused|set)|no such host|timeout|timed out|EOF|broken pipe|TLS handshake|"
    r"(?:read|write) tcp|closed network|"
    r"server gave HTTP response|x509|toomanyrequests|\b429\b",
    re.IGNORECASE,
)


class RegistryBusy(Exception):
    """A registry did not answer, or with an error of its own: worth another try."""


def no_engine(url: str | None, error: Exception) -> Unreachable:
    """No engine answered at `url`."""
    cause = error.__cause__ or error
    denied = "permission denied" in str(error).lower()
    hint = (
        "add yourself to the group docker, log in again, then repeat"
        if denied
        else "start the Docker engine (systemctl start docker), or install it (apt-get install docker.io)"
    )
    return Unreachable(
        "the Docker engine refuses this user" if denied else "no Docker engine answers",
        where=url or "the engine's usual socket",
        hint=hint,
        details=(str(cause)[:200],),
    )


def engine_lost(error: Exception) -> Unreachable:
    """The engine went away in the middle of an answer."""
    return Unreachable(
        "the connection to the Docker engine was lost",
        hint="see that the engine runs (docker version), then repeat; finished steps are cached",
        details=(str(error)[:200],),
    )


def engine_refused(text: str) -> SlipwayError:
    """The engine answered a request with an error."""
    if _NO_SPACE.search(text):
        return _full((text,))
    return Refused(f"the Docker engine says no: {text[:300]}")


def build_failed(build: ImageBuild, error: str, failure: Failure | None) -> SlipwayError:
    """Say why a build failed: `error` is the engine's last word, `failure` the step that failed, where one did."""
    where = f"image {build.name}"
    lines = failure.lines if failure else ()
    if _NO_SPACE.search(error) or any(_NO_SPACE.search(line) for line in lines):
        return _full((*lines, error[:300]), where)
    if "context canceled" in error or "Canceled" in error:
        return Refused("the build was cancelled", where=where)
    step = failure.step if failure else ""
    if wrong := _wrong_input(build, error, step):
        return wrong
    if not failure:
        return Refused(error[:500], where=where)
    if _INSTALLS.search(failure.step) and any(_SOURCE_SILENT.search(line) for line in lines):
        return Unreachable(
            f"{failure.step} did not reach where its packages come from",
            where=where,
            hint="see that the package mirror or index answers from inside containers, then repeat: it goes on there",
            details=lines,
        )
    code = _EXIT_CODE.search(error) or _EXIT_CODE.search(failure.error)
    ended = f"ended with exit code {code[1]}" if code else f"failed: {error[:300]}"
    return Refused(f"{failure.step} {ended}", where=where, details=lines)


def _wrong_input(build: ImageBuild, error: str, step: str) -> SlipwayError | None:
    """Return the error of a build that could not start to run its steps, None when a step ran and failed."""
    if parse := _PARSE.search(error):
        return UsageError(parse[2].strip(), where=f"{build.dockerfile}:{parse[1]}", hint="mend the Dockerfile")
    if stage := _STAGE.search(error):
        return UsageError(
            f"there is no stage {stage[1]!r}", where=build.dockerfile, hint="name a stage with FROM ... AS"
        )
    if step.startswith(("[internal] load metadata", "resolve image config for", "FROM ")) or "load metadata" in error:
        return _base(build, step.rpartition(" ")[2], error)
    if ("COPY" in step or "ADD" in step or "cache key" in error) and (copied := _COPY.search(error)):
        return _not_there(build, step, copied)
    return None if step else _unread(build, error)


def push_failed(reference: str, text: str) -> Exception:
    """Return `RegistryBusy` where another try may help, else the error for a person."""
    if "does not exist locally" in text or "No such image" in text:
        return UsageError("the engine does not have this image", where=reference, hint="build it first: inv build.all")
    if _NO_LOGIN.search(text):
        return _another_login(reference, text)
    if _DENIED.search(text):
        registry = registry_of(reference)
        return Refused(
            f"the registry {registry} refuses: {text[:300]}", where=reference, hint=f"docker login {registry}"
        )
    if _NO_SPACE.search(text):
        return Unreachable(f"no space is left for the push: {text[:300]}", where=reference)
    if _BUSY.search(text):
        return RegistryBusy(text[:300])
    return Refused(f"the push failed: {text[:300]}", where=reference)


def pull_failed(reference: str, text: str) -> SlipwayError:
    """Say why an image could not be pulled."""
    if _NO_LOGIN.search(text):
        return _another_login(reference, text)
    return engine_refused(text)


def is_not_there(text: str) -> bool:
    """Whether a registry answered that it has no such image: no reason not to push it."""
    return bool(_NOT_THERE.search(text))


def registry_silent(reference: str, why: str) -> Unreachable:
    """A registry gave no answer, or none that helps, for as long as it was given."""
    registry = registry_of(reference)
    return Unreachable(
        f"the registry {registry} does not answer: {why}",
        where=reference,
        hint=f"see that {registry} runs and that this engine may reach it; nothing was deployed, what was sent stays",
    )


def registry_of(reference: str) -> str:
    """Return the registry's part of a reference as Docker reads it; `docker.io` where none is named."""
    first, slash, _ = reference.partition("/")
    return first if slash and ("." in first or ":" in first or first == "localhost") else "docker.io"


def _another_login(reference: str, text: str) -> UsageError:
    registry = registry_of(reference)
    return UsageError(
        f"the registry {registry} wants another log-in: {text[:300]}",
        where=reference,
        hint=f"docker login {registry}, as the user who runs this",
    )


def _full(details: tuple[str, ...], where: str = "") -> Unreachable:
    return Unreachable(
        "the Docker engine has no space left on its disk",
        where=where,
        hint="free some: docker system prune (and docker builder prune), then repeat",
        details=details,
    )


def _unread(build: ImageBuild, error: str) -> SlipwayError | None:
    if _BASE_SILENT.search(error):
        return _base(build, "", error)
    if definition := _DEFINITION.search(error):
        return UsageError(definition[1].strip(), where=build.dockerfile, hint="mend the Dockerfile")
    return None


def _not_there(build: ImageBuild, step: str, copied: re.Match[str]) -> UsageError:
    # From another stage the path is told as the engine's storage has it: .../merged/<path>.
    path = next(filter(None, copied.groups())).rpartition("/merged/")[2].lstrip("/")
    stage = re.search(r"--from=(\S+)", step)
    return UsageError(
        f"{path} is not in {f'the stage {stage[1]}' if stage else 'the build context'} ({step})",
        where=build.dockerfile,
        hint="see whether the path is right" + ("" if stage else " and whether .dockerignore leaves it out"),
    )


def _base(build: ImageBuild, base: str, error: str) -> SlipwayError:
    name = f"the base image {base}" if base else "a base image"
    if _BASE_SILENT.search(error):
        return Unreachable(
            f"{name} is not in the engine and its registry does not answer",
            where=f"image {build.name}",
            hint="make the base images first: inv build.bases",
            details=(error[:300],),
        )
    if _BASE_ABSENT.search(error):
        return UsageError(
            f"{name} does not exist", where=build.dockerfile, hint="inv build.bases", details=(error[:300],)
        )
    return Refused(f"{name} cannot be read: {error[:300]}", where=f"image {build.name}")
