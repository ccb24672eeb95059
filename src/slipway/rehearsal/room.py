"""Room: whether an engine has room for a rehearsal's ground, and whose stands there."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slipway.errors import UsageError
from slipway.rehearsal.loopback import require_ports
from slipway.rehearsal.owner import Owner

if TYPE_CHECKING:
    from docker import DockerClient


@dataclass(frozen=True, slots=True)
class Room:
    """What one engine shows of the grounds that bear `label` (`key=value`), looked at by `owner`."""

    client: "DockerClient"
    label: str
    owner: Owner

    def refuse_foreign(self, *, unless_left: bool = False) -> None:
        """Raise `UsageError` naming checkout and process where the ground is another checkout's.

        Not so for one whose process and checkout are both gone: nobody could take it away any more. With `unless_left`
        only where that process is seen to run.
        """
        for owner in self._owners():
            if owner.is_same_checkout(self.owner) or owner.is_gone():
                continue
            runs = owner.runs()
            if unless_left and not runs:
                continue
            whose = f"{owner.checkout} on {owner.machine}" if runs is None else owner.checkout
            if runs:
                message, hint = "is under way", f"wait for its end, or end it: kill -INT {owner.pid}"
            else:
                message = "was left standing" if runs is False else "stands"
                hint = "`inv rehearse.down` there takes it away, `inv rehearse.down --yes` does so from here"
            raise UsageError(
                f"a rehearsal of {whose} (process {owner.pid}) {message}, and this engine has room for one",
                where=self.label,
                hint=hint,
            )

    def require_ports(self, *ports: int) -> None:
        """Raise `UsageError` naming the ports that something else than this ground has on 127.0.0.1."""
        require_ports(ports, self._holder)

    def _owners(self) -> set[Owner]:
        mine: dict[str, str] = {"label": self.label}
        things = (*self.client.api.containers(all=True, filters=mine), *self.client.api.networks(filters=mine))
        owners = (Owner.of(thing.get("Labels") or {}) for thing in things)
        return {owner for owner in owners if owner is not None}

    def _holder(self, port: int) -> str | None:
        """Return the container that publishes a port; "" for this ground's own, None where none does."""
        key, _, name = self.label.partition("=")
        for found in self.client.api.containers(filters={"publish": str(port)}):
            own = (found.get("Labels") or {}).get(key) == name
            return "" if own else str(found["Names"][0]).lstrip("/")
        return None
