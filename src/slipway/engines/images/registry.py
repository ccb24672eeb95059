"""Registries as the engine reaches them: asked, pulled from, pushed to.

The engine talks to the registry; docker-py hands it the log-in that Docker's own configuration keeps for that registry
(`~/.docker/config.json` and its credential helpers) in a header, so a password is in no command line and no layer.
"""

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from slipway.engines.images import errors as say_why
from slipway.errors import Refused, Unreachable, UsageError
from slipway.ports import Pushed, Say

if TYPE_CHECKING:
    from docker import APIClient
    from requests import Response

    from slipway.engines.images.client import Engine

_THERE = frozenset({"Layer already exists", "Mounted from"})
_TELL_EVERY = 1.0
_FIRST_WORD = 30.0


@dataclass(slots=True)
class Registries:
    """The registries that one engine can reach.

    `silence` is how many seconds the engine may say nothing during a push: it tells every bit of progress, so nothing
    means that the registry took the bytes and does not answer.
    """

    engine: "Engine"
    silence: float = 120.0
    _moving: "set[Response]" = field(default_factory=set)
    _cancels: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def cancel(self) -> None:
        """End every push and pull that runs, also one that waits for its registry; it then raises `Refused`."""
        with self._lock:
            self._cancels += 1
            streams = tuple(self._moving)
        for response in streams:
            _close(response)

    def answers(self, reference: str, seconds: float = 4.0) -> bool:
        """Whether a registry offers `reference` to this engine; asks the registry, downloads nothing."""
        try:
            return self.offers(reference, seconds)
        except UsageError:
            return False

    def offers(self, reference: str, seconds: float = 4.0) -> bool:
        """Return what `answers` does. Raises `UsageError` where the registry wants another log-in."""
        from docker.errors import APIError
        from requests.exceptions import RequestException

        with self.engine.client(seconds) as client:
            try:
                client.inspect_distribution(reference)  # type: ignore[no-untyped-call]  # the stubs leave it out
            except APIError as error:
                why = say_why.pull_failed(reference, error.explanation or str(error))
                if isinstance(why, UsageError):
                    raise why from error
                return False
            except RequestException:
                return False
        return True

    def pull(self, reference: str) -> None:
        """Bring an image into the engine.

        Raises `UsageError` when the registry wants another log-in, `Refused` with the engine's words for the rest.
        """
        begun = self._cancels
        try:
            errors = self._pull(reference, begun)
        except Unreachable:
            self._refuse_cancelled(reference, begun)  # the stream was closed under it
            raise
        self._refuse_cancelled(reference, begun)
        if errors:
            raise say_why.pull_failed(reference, errors[0])

    def _pull(self, reference: str, begun: int) -> list[str]:
        from docker.errors import APIError
        from docker.utils import parse_repository_tag

        repository, tag = parse_repository_tag(reference)
        with self.engine.client(600.0) as client, self._remembered(client, begun):
            try:
                messages = list(client.pull(repository, tag=tag or "latest", stream=True, decode=True))
            except APIError as error:
                raise say_why.pull_failed(reference, error.explanation or str(error)) from error
        return [str(message["error"]) for message in messages if "error" in message]

    def push(self, reference: str, say: Say) -> Pushed:
        """Push, trying again while the registry is busy (five times, for a minute at most), and return what was sent.

        Raises `Unreachable` naming the registry when it does not answer, `UsageError` when it wants another log-in or
        the engine does not have the image, `Refused` when it says no.
        """
        import logging

        import stamina

        # Attempts are told by `say`; stamina would tell them again through Python's logging of last resort.
        logging.getLogger("stamina").addHandler(logging.NullHandler())
        begun = self._cancels
        try:
            for attempt in stamina.retry_context(
                on=say_why.RegistryBusy, attempts=5, timeout=60.0, wait_initial=0.5, wait_max=6.0
            ):
                with attempt:
                    if attempt.num > 1:
                        say(f"{say_why.registry_of(reference)} is busy: attempt {attempt.num}")
                    return self._push_once(reference, say, begun)
        except say_why.RegistryBusy as busy:
            raise say_why.registry_silent(reference, str(busy)) from busy
        raise AssertionError("a retry ends with a value or an error")

    def _push_once(self, reference: str, say: Say, begun: int) -> Pushed:
        from docker.errors import APIError
        from docker.utils import parse_repository_tag

        repository, tag = parse_repository_tag(reference)
        progress = _Progress(say)
        doubt = self._doubt(reference)
        self._refuse_cancelled(reference, begun)
        heard = time.monotonic()
        try:
            with self.engine.client(self.silence) as client, self._remembered(client, begun):
                try:
                    for message in client.push(repository, tag=tag or "latest", stream=True, decode=True):
                        progress.take(message)
                        heard = time.monotonic()
                        if progress.retries and doubt is not None:
                            raise doubt
                except APIError as error:
                    raise say_why.push_failed(reference, error.explanation or str(error)) from error
        except Unreachable as error:
            # An engine that is gone breaks off at once; one that waits for the registry is cut off at the limit.
            is_cancelled = self._cancels != begun
            if not is_cancelled and time.monotonic() - heard >= self.silence * 0.9:
                why = f"nothing was heard for {self.silence:.0f} s"
                raise say_why.registry_silent(reference, why) from error
            if not is_cancelled:
                raise
        self._refuse_cancelled(reference, begun)
        if progress.problem:
            raise say_why.push_failed(reference, progress.problem)
        if not progress.digest:
            raise Refused("the registry took the image but gave no digest", where=reference)
        progress.tell()
        return Pushed(f"{repository}@{progress.digest}", *progress.sent)

    def _refuse_cancelled(self, reference: str, begun: int) -> None:
        if self._cancels != begun:
            raise Refused("was cancelled", where=reference)

    def _doubt(self, reference: str) -> Exception | None:
        """Ask for the reference first: a registry that is busy is told apart in a second.

        The engine itself tries for more than a minute, even where a log-in is missing, and says why only at the end. A
        refusal is returned and not raised: some registries refuse to show what does not exist yet, and take it.
        """
        from docker.errors import APIError

        seconds = min(self.silence, _FIRST_WORD)
        begin = time.monotonic()
        try:
            with self.engine.client(seconds) as client:
                try:
                    client.inspect_distribution(reference)  # type: ignore[no-untyped-call]  # the stubs leave it out
                except APIError as error:
                    text = error.explanation or str(error)
                    problem = say_why.push_failed(reference, text)
                    if say_why.is_not_there(text):
                        return None
                    if isinstance(problem, say_why.RegistryBusy):
                        raise problem from error
                    return problem
        except Unreachable as error:
            if time.monotonic() - begin < seconds * 0.9:
                raise
            raise say_why.registry_silent(reference, f"nothing was heard for {seconds:.0f} s") from error
        return None

    @contextlib.contextmanager
    def _remembered(self, client: "APIClient", begun: int) -> Iterator[None]:
        """Keep what the engine answers to `client` where `cancel` finds it; an answer that comes after it is closed."""
        mine: set[Response] = set()

        def remember(response: "Response", *_: object, **__: object) -> None:
            with self._lock:
                mine.add(response)
                self._moving.add(response)
                is_late = self._cancels != begun
            if is_late:
                _close(response)

        client.hooks["response"].append(remember)
        try:
            yield
        finally:
            with self._lock:
                self._moving -= mine


def _close(response: "Response") -> None:
    """Break a stream off that another thread reads."""
    from docker.types import CancellableStream

    CancellableStream(iter(()), response).close()


@dataclass(slots=True)
class _Progress:
    """The engine's messages of one push, added up: layers by id, with how many bytes of how many were read."""

    say: Say
    digest: str = ""
    problem: str = ""
    retries: int = 0
    _there: set[str] = field(default_factory=set)
    _done: set[str] = field(default_factory=set)
    _bytes: dict[str, tuple[int, int]] = field(default_factory=dict)
    _known: set[str] = field(default_factory=set)
    _waiting: set[str] = field(default_factory=set)
    _told: float = field(default_factory=time.monotonic)

    def take(self, message: dict[str, Any]) -> None:
        """Read one message; one that is not understood costs its part of the display."""
        self.problem = self.problem or str(message.get("error") or "")
        self.digest = (message.get("aux") or {}).get("Digest") or self.digest
        layer, status = str(message.get("id") or ""), str(message.get("status") or "")
        if not layer:
            return
        if status.startswith("Retrying"):
            self.retries += 1
            if layer not in self._waiting:  # the engine counts down
                self.say(f"layer {layer}: {status.lower()}")
            self._waiting.add(layer)
        self._known.add(layer)
        if any(status.startswith(word) for word in _THERE):
            self._there.add(layer)
        elif status == "Pushed":
            self._done.add(layer)
        elif status == "Pushing":
            self._waiting.discard(layer)
            detail = message.get("progressDetail") or {}
            current, total = int(detail.get("current") or 0), int(detail.get("total") or 0)
            before = self._bytes.get(layer, (0, 0))
            self._bytes[layer] = max(before[0], current), max(before[1], total, current)
        if time.monotonic() - self._told >= _TELL_EVERY:
            self.tell()

    def tell(self) -> None:
        """Say how far the push is."""
        self._told = time.monotonic()
        current, total = (sum(pair[place] for pair in self._bytes.values()) for place in (0, 1))
        percent = f" ({100 * current // total} %)" if total else ""
        self.say(
            f"{len(self._there | self._done)} of {len(self._known)} layers there, "
            f"{current / 1e6:.1f} of {total / 1e6:.1f} MB sent{percent}"
        )

    @property
    def sent(self) -> tuple[int, int]:
        """How many layers were sent, and their bytes."""
        return len(self._done - self._there), sum(self._bytes.get(layer, (0, 0))[0] for layer in self._done)
