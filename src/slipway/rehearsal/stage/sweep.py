"""Sweep: takes away the stages that killed processes of this checkout left."""

from typing import TYPE_CHECKING

from slipway.ports import Say
from slipway.rehearsal.engine_says import asking
from slipway.rehearsal.owner import Owner
from slipway.rehearsal.removal import Removal
from slipway.rehearsal.stage.scene import LABEL

if TYPE_CHECKING:
    import docker


def sweep(client: "docker.DockerClient", say: Say) -> int:
    """Remove the stages that killed processes of this checkout left; return how many things went."""
    me, left = Owner.here(), set()
    with asking("image stages"):
        found = (
            *client.api.containers(all=True, filters={"label": LABEL}),
            *client.api.networks(filters={"label": LABEL}),
        )
    for labels in (thing.get("Labels") or {} for thing in found):
        owner = Owner.of(labels)
        if owner is not None and owner.is_same_checkout(me) and not owner.runs():
            left.add(str(labels[LABEL]))
    return sum(Removal(client, (f"{LABEL}={name}",), name).remove(say) for name in sorted(left))
