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
from slipway.engines.images.client import Engine
from slipway.engines.images.context import Entry, Walk, context_entries, tar_stream
from slipway.engines.images.from_images import Bases, dockerfile_of
from slipway.engines.images.registry import Registries
from slipway.engines.images.trace import BuildProgress, TraceError, decode_trace
from slipway.errors import SlipwayError, Unreachable, UsageError
from slipway.ports import BuildEvent, BuiltImage, ContextPart, ImageBuild, Pushed, Say
from slipway.release.dockerfile import base_references
from slipway.release.inputs import Inputs, inputs_of
from slipway.secret import Mask

if TYPE_CHECKING:
    from docker.tls import TLSConfig

Message = Mapping[str, Any]


class BuildKitImages:
    """The port `Images` over one engine. `url` is the engine's (`unix://...`), None its usual socket.

    `mask` hides known secrets in what builds print, `tls` is the certificate that a remote engine is asked with,
    `arguments` are what every build of this machine gets besides its own, `silence` the seconds that a registry may
    say nothing during a push. Every method raises `Unreachable` when no engine answers.
    """

    def __init__(
        self,
        url: str | None = None,
        mask: Mask | None = None,
        tls: "TLSConfig | None" = None,
        arguments: Mapping[str, str] | None = None,
        silence: float = 120.0,
    ) -> None:
        self._engine = Engine(url, tls)
        self._registries = Registries(self._engine, silence)
        self._arguments = dict(arguments or {})
        self._mask = mask or Mask()
        self._running: set[str] = set()
        self._read: dict[tuple[ContextPart, ...], tuple[Entry, ...]] = {}
        self._lock = threading.Lock()

    def architecture(self) -> str:
        """Return what the engine builds for and runs (`amd64`)."""
        with self._engine.client() as client:
            return str(client.version(api_version=False)["Arch"])

    def read(self, builds: Sequence[ImageBuild]) -> Mapping[str, Inputs]:
        """Read what `builds` are made from, every file once; return image name -> inputs.

        What was read is what a later `build` sends: a file that is changed in between ends it with `UsageError`. A base
        image that the engine lacks is pulled, with the log-in that Docker's configuration holds (the builder alone has
        none); one that no registry gives stays unknown, and the builder says so. Raises `UsageError` where the context
        cannot be read, and for a base of another architecture.
        """
        walk, bases = Walk(), Bases(self)
        found = {}
        for build in builds:
            entries = walk.digested(build.context)
            text = dockerfile_of(build, entries)
            found[build.name] = inputs_of(
                {entry.name: entry.fingerprint for entry in entries},
                dockerfile=build.dockerfile,
                target=build.target,
                arguments=build.arguments,
                labels=build.labels,
                bases=bases.ids(base_references(text, build.arguments, build.target)),
            )
            self._read[build.context] = entries
        return found

    def build(self, build: ImageBuild, tell: Callable[[BuildEvent], None]) -> BuiltImage:
        """Build one image, tag it with every tag, return it.

        Raises `Refused` when a step fails (name, exit code and last lines are told), `UsageError` when the Dockerfile
        or the context is wrong, `Unreachable` when the engine is lost, its disk is full or the base's registry does
        not answer. An interrupt cancels the build in the engine and is raised again.
        """
        entries = self._read.get(build.context) or context_entries(build.context)
        dockerfile_of(build, entries)
        ticket = uuid.uuid4().hex
        with self._lock:
            self._running.add(ticket)
        try:
            with self._engine.client() as client:
                client.params = {"version": "2", "buildid": ticket}
                stream = client.build(
                    fileobj=tar_stream(entries),  # type: ignore[arg-type]  # requests sends an iterator in chunks
                    custom_context=True,
                    dockerfile=build.dockerfile,
                    tag=build.tags[0] if build.tags else None,
                    target=build.target or "",
                    buildargs={**self._arguments, **build.arguments},
                    labels=dict(build.labels),
                    nocache=build.no_cache,
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
        """End every build and push that this object runs; they then raise `Refused`."""
        self._registries.cancel()
        with self._lock:
            tickets = tuple(self._running)
        for ticket in tickets:
            self._cancel(ticket)

    def inspect(self, reference: str) -> BuiltImage | None:
        """Return the image, None when the engine does not have it."""
        from docker.errors import ImageNotFound

        with self._engine.client() as client:
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
            layers=tuple((found.get("RootFS") or {}).get("Layers") or ()),
            architecture=str(found.get("Architecture") or ""),
        )

    def tag(self, reference: str, other: str) -> None:
        """Give an image a further name. Raises `UsageError` when the engine does not have it."""
        from docker.errors import ImageNotFound
        from docker.utils import parse_repository_tag

        repository, tag = parse_repository_tag(other)
        with self._engine.client() as client:
            try:
                client.tag(reference, repository, tag)
            except ImageNotFound as error:
                raise _absent(reference) from error

    def labelled(self, name: str, value: str, repository: str) -> BuiltImage | None:
        """Return the newest image of `repository` with a label, None when the engine has none.

        What is made from an image inherits its labels; only the repository's tags say that it is one.
        """
        with self._engine.client() as client:
            found = client.images(repository, filters={"label": f"{name}={value}"})
        newest = max(found, key=lambda image: int(image.get("Created") or 0), default=None)
        return self.inspect(newest["Id"]) if newest else None

    def fetch(self, reference: str, say: Say) -> BuiltImage | None:
        """Pull and return the image; None where its registry does not have it or does not answer, which is said.

        Raises `UsageError` where the registry wants another log-in.
        """
        if not self._registries.offers(reference):
            say(f"no registry answers for {reference}")
            return None
        try:
            self.pull(reference)
        except UsageError:
            raise
        except SlipwayError as error:
            say(f"{reference} cannot be pulled: {error.message}")
            return None
        return self.inspect(reference)

    def push(self, reference: str, say: Say) -> Pushed:
        """Push what the registry lacks; see `Registries.push`."""
        return self._registries.push(reference, say)

    def answers(self, reference: str, seconds: float = 4.0) -> bool:
        """Whether a registry offers `reference` to this engine; asks the registry, downloads nothing."""
        return self._registries.answers(reference, seconds)

    def pull(self, reference: str) -> None:
        """Bring an image from its registry into the engine, with the log-in that Docker's configuration holds."""
        self._registries.pull(reference)

    def import_root(self, tar: Iterator[bytes], reference: str, labels: Mapping[str, str]) -> str:
        """Make an image out of a root file system and return its id; what `tar` raises passes through."""
        from docker.utils import parse_repository_tag

        repository, tag = parse_repository_tag(reference)
        changes = [f'LABEL "{name}"="{value}"' for name, value in labels.items()]
        with self._engine.client(600.0) as client:
            client.import_image_from_stream(tar, repository=repository, tag=tag, changes=changes)
        image = self.inspect(reference)
        if image is None:
            raise Unreachable("the engine did not keep the imported root file system", where=reference)
        return image.id

    def discard(self, image: str) -> None:
        """Remove an image that has no name; one that is named, used or built upon stays."""
        from docker.errors import APIError

        with self._engine.client() as client, contextlib.suppress(APIError):
            found = client.inspect_image(image)  # type: ignore[no-untyped-call]  # the stubs leave it out
            if not found.get("RepoTags"):
                client.remove_image(image)

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
        with contextlib.suppress(SlipwayError), self._engine.client() as client:
            client.post(f"{client.base_url}/build/cancel", params={"id": ticket}).close()


def _absent(reference: str) -> UsageError:
    return UsageError("the engine does not have this image", where=reference, hint="build it first: inv build.all")
