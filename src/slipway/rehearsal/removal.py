"""Removal: takes everything that bears given labels off the engine, until the engine shows none of it."""

import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from slipway.engines.host.engine import ONE_OFF_LABEL
from slipway.errors import Unreachable
from slipway.ports import Say
from slipway.rehearsal.engine_says import asking

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container
    from docker.models.networks import Network
    from docker.models.volumes import Volume

SECONDS = 30.0
_BUSY = (403, 409)  # in use, or its removal is under way


@dataclass(frozen=True, slots=True)
class Removal:
    """Containers, volumes and networks that bear all of `labels` (`key=value`). `about` is their name in messages.

    A one-off container of a run that was killed, attached to such a network, goes with it; a container of anybody else
    is only taken off it.
    """

    client: "DockerClient"
    labels: tuple[str, ...]
    about: str

    def remove(self, say: Say) -> int:
        """Remove all; return how many things went. Raises `Unreachable` naming what still stands after 30 s."""
        gone: set[str] = set()
        deadline = time.monotonic() + SECONDS
        # Again and again: a deployment that is under way may still create a container after the first look, and the
        # engine refuses a volume or network while it still removes the container that used it.
        while True:
            with asking(self.about):
                refusals = self._round(gone, say)
                left = self.left()
            if not left:
                return len(gone)
            if time.monotonic() > deadline:
                raise Unreachable(
                    f"cannot be removed: {', '.join(left)}",
                    where=self.about,
                    hint="end what uses it (`docker ps -a`), then `inv rehearse.down`",
                    details=refusals,
                )
            time.sleep(0.2)

    def left(self) -> tuple[str, ...]:
        """Return the names of what still stands."""
        return (
            *(str(c.name) for c in self._containers()),
            *(v.name for v in self._volumes()),
            *(str(n.name) for n in self._networks()),
        )

    def _round(self, gone: set[str], say: Say) -> tuple[str, ...]:
        from docker.errors import APIError, NotFound

        networks = self._networks()
        acts: list[tuple[str, Callable[[], object]]] = [
            *((str(c.id), partial(c.remove, force=True, v=True)) for c in self._containers()),
            *(act for network in networks for act in self._guests(network, say)),
            *((f"volume {v.id}", partial(v.remove, force=True)) for v in self._volumes()),
            *((str(n.id), n.remove) for n in networks),
        ]
        refusals = []
        for key, act in acts:
            try:
                act()
            except NotFound:
                continue  # somebody else was faster
            except APIError as error:
                if error.status_code not in _BUSY:
                    raise
                refusals.append(str(error.explanation or error))
            else:
                gone.update({key} - {""})
        return tuple(refusals)

    def _guests(self, network: "Network", say: Say) -> list[tuple[str, Callable[[], object]]]:
        """Return what to do about each container on our network that is none of ours by its labels."""
        mine = {c.id for c in self._containers()}
        acts: list[tuple[str, Callable[[], object]]] = []
        for guest in self.client.containers.list(all=True, filters={"network": str(network.id)}, ignore_removed=True):
            if guest.id in mine:
                continue
            if ONE_OFF_LABEL in guest.labels:
                acts.append((str(guest.id), partial(guest.remove, force=True, v=True)))
            else:
                say(f"container {guest.name} is taken off network {network.name} and left alone")
                acts.append(("", partial(network.disconnect, guest, force=True)))
        return acts

    @property
    def _filter(self) -> dict[str, str | list[str] | bool]:
        return {"label": list(self.labels)}

    def _containers(self) -> "list[Container]":
        return self.client.containers.list(all=True, filters=self._filter, ignore_removed=True)

    def _volumes(self) -> "list[Volume]":
        return self.client.volumes.list(filters=self._filter)

    def _networks(self) -> "list[Network]":
        return self.client.networks.list(filters=self._filter)


def untag(client: "DockerClient", registries: Collection[str]) -> int:
    """Take the names below `registries` from the engine's images and return how many; other names of them stay."""
    from docker.errors import APIError

    begin = tuple(f"{registry}/" for registry in registries if registry)
    taken = 0
    for image in client.api.images() if begin else ():
        names = [*(image.get("RepoTags") or ()), *(image.get("RepoDigests") or ())]
        for name in names:
            # Gone with an earlier name, or in use by somebody's container: then it is not ours alone.
            with suppress(APIError):
                if name.startswith(begin):
                    client.api.remove_image(name)
                    taken += 1
    return taken
