"""Images of one engine, built by its BuildKit through the Docker SDK; no docker program is called.

`APIClient.params` is merged into every request, and `version=2` there selects BuildKit (docker-py's `build` has no
option for it). Those parameters belong to a session, so every call makes its own client: builds may run in parallel
threads.
"""

import contextlib
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from slipway.engines.images import errors as say_why
from slipway.engines.images.context import context_entries, tar_stream
from slipway.engines.images.trace import BuildProgress, TraceError, decode_trace
from slipway.errors import Refused, SlipwayError, Unreachable, UsageError
from slipway.ports import BuildEvent, BuiltImage, ImageBuild, Say
from slipway.secret import Mask

if TYPE_CHECKING:
    from docker import APIClient
    from docker.tls import TLSConfig
    from requests import Response

Message = Mapping[str, Any]


class BuildKitImages:
    """The port `Images` over one engine. `url` is the engine's (`unix://...`), None its usual socket.

    `mask` hides known secrets in what builds print, `tls` is the certificate that a remote engine is asked with,
    `arguments` are what every build of this machine gets besides its own. Every method raises `Unreachable` when no
    engine answers.
    """

    def __init__(
        self,
        url: str | None = None,
        mask: Mask | None = None,
        tls: "TLSConfig | None" = None,
        arguments: Mapping[str, str] | None = None,
    ) -> None:
        self._url = url
        self._tls = tls
        self._arguments = dict(arguments or {})
        self._mask = mask or Mask()
        self._running: set[str] = set()
        self._lock = threading.Lock()

    def build(self, build: ImageBuild, tell: Callable[[BuildEvent], None]) -> BuiltImage:
        """Build one image, tag it with every tag, return it.

        Raises `Refused` when a step fails (name, exit code and last lines are told), `UsageError` when the Dockerfile
        or the context is wrong, `Unreachable` when the engine is lost, its disk is full or the base's registry does
        not answer. An interrupt cancels the build in the engine and is raised again.
        """
        entries = context_entries(build.context)
        if build.dockerfile not in {entry.name for entry in entries}:
            roots = ", ".join(str(part.root) for part in build.context)
            raise UsageError(f"there is no {build.dockerfile} in the build context", where=roots)
        ticket = uuid.uuid4().hex
        with self._lock:
            self._running.add(ticket)
        try:
            with self._client() as client:
                client.params = {"version": "2", "buildid": ticket}
                stream = client.build(
                    fileobj=tar_stream(entries),  # type: ignore[arg-type]  # requests sends an iterator in chunks
                    custom_context=True,
                    dockerfile=build.dockerfile,
                    tag=build.tags[0] if build.tags else None,
                    target=build.target or "",
                    buildargs={**self._arguments, **build.arguments},
                    labels=dict(build.labels),
                    rm=True,
                    decode=True,
                )
                image = self._follow(build, stream, tell)
            for tag in build.tags[1:]:
                self.tag(image, tag)
        except (KeyboardInterrupt, SystemExit):
            self._cancel(ticket)
            raise
        finally:
            with self._lock:
                self._running.discard(ticket)
        return self._named(build.name, image)

    def build_all(
        self, builds: Sequence[ImageBuild], tell: Callable[[BuildEvent], None], at_once: int = 4
    ) -> tuple[BuiltImage, ...]:
        """Build independent images in parallel, in the order given; the first failure cancels the others and is raised.

        `tell` is called from several threads, never from two at the same time; the last event of an image has the
        step `BuildEvent.WHOLE`, its size and the seconds it took, or `BuildEvent.FAILED`, why, and the seconds.
        """
        turn, is_over = threading.Lock(), threading.Event()

        def build_whole(build: ImageBuild) -> BuiltImage:
            begin = time.monotonic()
            try:
                image = self.build(build, tell_in_turn)
            except SlipwayError as error:
                if not is_over.is_set():
                    tell_in_turn(BuildEvent(build.name, BuildEvent.FAILED, error.message, time.monotonic() - begin))
                raise
            size = f"{image.size / 1e6:.0f} MB"
            tell_in_turn(BuildEvent(build.name, BuildEvent.WHOLE, size, time.monotonic() - begin))
            return image

        def tell_in_turn(event: BuildEvent) -> None:
            with turn:
                tell(event)

        with ThreadPoolExecutor(max(1, at_once)) as pool:
            futures = [pool.submit(build_whole, build) for build in builds]
            try:
                wait(futures, return_when=FIRST_EXCEPTION)
            finally:
                failed = [
                    future for future in futures if future.done() and not future.cancelled() and future.exception()
                ]
                if failed or not all(future.done() for future in futures):
                    is_over.set()
                    for future in futures:
                        future.cancel()
                    self.cancel()
            for future in failed:
                future.result()
            return tuple(future.result() for future in futures)

    def cancel(self) -> None:
        """End every build that this object runs; their `build` then raises `Refused`."""
        with self._lock:
            tickets = tuple(self._running)
        for ticket in tickets:
            self._cancel(ticket)

    def inspect(self, reference: str) -> BuiltImage | None:
        """Return the image, None when the engine does not have it."""
        from docker.errors import ImageNotFound

        with self._client() as client:
            try:
                found = client.inspect_image(reference)  # type: ignore[no-untyped-call]  # the stubs leave it out
                history = client.history(found["Id"])  # type: ignore[no-untyped-call]  # the stubs leave it out
            except ImageNotFound:
                return None
        config = found.get("Config") or {}
        variables = (text.partition("=") for text in config.get("Env") or ())
        return BuiltImage(
            name=reference,
            id=found["Id"],
            tags=tuple(found.get("RepoTags") or ()),
            size=found["Size"],
            labels=config.get("Labels") or {},
            environment={name: value for name, _, value in variables},
            user=config.get("User") or "",
            history=tuple(str(layer.get("CreatedBy") or "") for layer in history),
        )

    def tag(self, reference: str, other: str) -> None:
        """Give an image a further name. Raises `UsageError` when the engine does not have it."""
        from docker.errors import ImageNotFound
        from docker.utils import parse_repository_tag

        repository, tag = parse_repository_tag(other)
        with self._client() as client:
            try:
                client.tag(reference, repository, tag)
            except ImageNotFound as error:
                raise _absent(reference) from error

    def push(self, reference: str, say: Say) -> str:
        """Push and return `repository@sha256:...`, trying again while the registry does not answer (about 15 s).

        Raises `Unreachable` naming the registry, `Refused` when it wants another log-in, `UsageError` when the engine
        does not have the image.
        """
        import stamina

        from slipway.engines.images.errors import RegistryBusy

        try:
            for attempt in stamina.retry_context(
                on=RegistryBusy, attempts=5, timeout=60.0, wait_initial=0.5, wait_max=6.0
            ):
                with attempt:
                    return self._push_once(reference, say)
        except RegistryBusy as busy:
            registry = say_why.registry_of(reference)
            raise Unreachable(
                f"the registry {registry} does not answer: {busy}",
                where=reference,
                hint=f"see that {registry} runs and that this engine may reach it; nothing was deployed",
            ) from busy
        raise AssertionError("a retry ends with a value or an error")

    def answers(self, reference: str, seconds: float = 4.0) -> bool:
        """Whether a registry offers `reference` to this engine; asks the registry, downloads nothing."""
        from docker.errors import APIError
        from requests.exceptions import RequestException

        with self._client(seconds) as client:
            try:
                client.inspect_distribution(reference)  # type: ignore[no-untyped-call]  # the stubs leave it out
            except (APIError, RequestException):
                return False
        return True

    def pull(self, reference: str) -> None:
        """Bring an image from its registry into the engine, with the log-in that Docker's configuration holds."""
        from docker.utils import parse_repository_tag

        repository, tag = parse_repository_tag(reference)
        with self._client(600.0) as client:
            messages = list(client.pull(repository, tag=tag or "latest", stream=True, decode=True))
        if errors := [str(message["error"]) for message in messages if "error" in message]:
            raise say_why.engine_refused(errors[0])

    def import_root(self, tar: Iterator[bytes], reference: str, labels: Mapping[str, str]) -> str:
        """Make an image out of a root file system and return its id; what `tar` raises passes through."""
        from docker.utils import parse_repository_tag

        repository, tag = parse_repository_tag(reference)
        changes = [f'LABEL "{name}"="{value}"' for name, value in labels.items()]
        with self._client(600.0) as client:
            client.import_image_from_stream(tar, repository=repository, tag=tag, changes=changes)
        image = self.inspect(reference)
        if image is None:
            raise Unreachable("the engine did not keep the imported root file system", where=reference)
        return image.id

    def discard(self, image: str) -> None:
        """Remove an image that has no name; one that is named, used or built upon stays."""
        from docker.errors import APIError

        with self._client() as client, contextlib.suppress(APIError):
            found = client.inspect_image(image)  # type: ignore[no-untyped-call]  # the stubs leave it out
            if not found.get("RepoTags"):
                client.remove_image(image)

    @contextlib.contextmanager
    def _client(self, seconds: float = 60.0) -> Iterator["APIClient"]:
        from docker import APIClient
        from docker.errors import APIError, DockerException, StreamParseError
        from requests.exceptions import RequestException
        from urllib3.exceptions import HTTPError

        try:
            client = APIClient(base_url=self._url, timeout=seconds, tls=self._tls or False)  # type: ignore[arg-type]
        except (DockerException, RequestException) as error:
            raise say_why.no_engine(self._url, error) from error
        # A stream that is left in the middle keeps its connection: every response is closed at the end.
        responses: list[Response] = []
        client.hooks["response"].append(lambda response, *_, **__: responses.append(response))
        try:
            yield client
        except APIError as error:
            raise say_why.engine_refused(error.explanation or str(error)) from error
        # docker-py reads streams past requests, so urllib3's own errors come through it.
        except (RequestException, HTTPError, StreamParseError) as error:
            raise say_why.engine_lost(error) from error
        finally:
            for response in responses:
                response.close()
            client.close()

    def _follow(self, build: ImageBuild, stream: Iterator[Message], tell: Callable[[BuildEvent], None]) -> str:
        progress = BuildProgress(build.name, self._mask)
        image = ""
        error = ""
        for message in stream:
            if message.get("id") == "moby.buildkit.trace":
                # A frame that cannot be read costs its lines of the display, never the build.
                with contextlib.suppress(TraceError):
                    for event in progress.take(decode_trace(str(message.get("aux")))):
                        tell(event)
            elif message.get("id") == "moby.image.id":
                image = message["aux"]["ID"]
            elif "error" in message:
                detail = message.get("errorDetail") or {}
                error = str(detail.get("message") or message["error"])
            elif set(message) == {"message"}:  # the engine's answer when it refuses the request itself
                error = str(message["message"])
        if error:
            raise say_why.build_failed(build, self._mask(error), progress.failure())
        if not image:
            raise Unreachable("the engine ended the build without a result", where=f"image {build.name}")
        return image

    def _named(self, name: str, image: str) -> BuiltImage:
        built = self.inspect(image)
        if built is None:
            raise Unreachable("the engine no longer has the image it built", where=f"image {name}", hint="build again")
        return replace(built, name=name)

    def _cancel(self, ticket: str) -> None:
        # The build may have ended meanwhile, or the engine with it: then there is nothing left to end.
        with contextlib.suppress(SlipwayError), self._client() as client:
            client.post(f"{client.base_url}/build/cancel", params={"id": ticket}).close()

    def _push_once(self, reference: str, say: Say) -> str:
        from docker.errors import APIError
        from docker.utils import parse_repository_tag

        repository, tag = parse_repository_tag(reference)
        digest = problem = ""
        shown: dict[str, str] = {}
        # A registry may think for minutes about a big layer before the engine has something to say.
        with self._client(600.0) as client:
            try:
                for message in client.push(repository, tag=tag or "latest", stream=True, decode=True):
                    problem = problem or str(message.get("error") or "")
                    digest = (message.get("aux") or {}).get("Digest") or digest
                    layer, status = str(message.get("id") or ""), str(message.get("status") or "")
                    if layer and status in {"Pushed", "Layer already exists"} and shown.get(layer) != status:
                        shown[layer] = status
                        say(f"{layer} {status.lower()}")
            except APIError as error:
                raise say_why.push_failed(reference, error.explanation or str(error)) from error
        if problem:
            raise say_why.push_failed(reference, problem)
        if not digest:
            raise Refused("the registry took the image but gave no digest", where=reference)
        return f"{repository}@{digest}"


def _absent(reference: str) -> UsageError:
    return UsageError("the engine does not have this image", where=reference, hint="build it first: inv build.all")
