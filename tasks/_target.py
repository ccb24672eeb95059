"""Opens an environment's host and platform: which engine stands behind which port of a `Target`."""

import getpass
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from slipway.errors import SlipwayError
from slipway.secret import Mask

if TYPE_CHECKING:
    from slipway.config.config import Config
    from slipway.engines.coolify.platform import Coolify
    from slipway.ports import BackupStore, Images, Lock, Say
    from slipway.target import Target


@contextmanager
def open_target(
    config: "Config", images: "Images", mask: Mask, say: "Say", labels: Mapping[str, str] | None = None
) -> Iterator[tuple["Target", "BackupStore"]]:
    """Open the ports; close them afterwards. Containers that Slipway itself starts there bear `labels`."""
    from slipway.config.models.deployment import deployment_config
    from slipway.engines.host.engine import HostEngine
    from slipway.engines.host.lock import HostJournal, HostLock
    from slipway.engines.host.ssh import Host
    from slipway.engines.host.ssh_connect import Address
    from slipway.engines.host.state import StateFolder
    from slipway.engines.web import WebClient
    from slipway.target import Target
    from slipway.verbs.push import TOOLS

    there = deployment_config(config)
    address = Address(
        host=there.ssh_host,
        user=there.ssh_user,
        key_file=there.ssh_key_file,
        known_hosts=there.ssh_known_hosts,
        port=there.ssh_port,
    )
    with ExitStack() as stack:
        platform = stack.enter_context(open_platform(config, mask))
        host = stack.enter_context(Host(address))
        containers = stack.enter_context(HostEngine.over(host, labels))
        state = StateFolder(host, config.environment)
        lock = HostLock(host, state.path, f"{_user()}@{socket.gethostname()}")
        stack.enter_context(giving_back(lock, say))
        target = Target(
            environment=config.environment,
            registry=there.registry,
            network=there.network,
            tools=f"{there.registry}/{TOOLS}",
            images=images,
            platform=platform,
            shell=host,
            containers=containers,
            state=state,
            lock=lock,
            journal=HostJournal(host, state.path, lock),
            web=WebClient(ca_file=there.ca_file, address=there.public_address),
            labels=dict(labels or {}),
        )
        yield target, state


def open_platform(config: "Config", mask: Mask) -> "Coolify":
    """Return the environment's platform; it is closed as a context."""
    from slipway.config.models.deployment import deployment_config
    from slipway.engines.coolify.platform import Coolify

    there = deployment_config(config)
    return Coolify(
        there.platform_url,
        there.platform_token,
        there.project,
        config.environment,
        token_source=there.token_source,
        server=there.server,
        network=there.network,
        ca_file=there.ca_file,
        mask=mask,
    )


@contextmanager
def giving_back(lock: "Lock", say: "Say") -> Iterator[None]:
    """Give the lock back at the end; that this fails never hides why a run ended."""
    try:
        yield
    except BaseException:
        try:
            lock.release()
        except SlipwayError as error:
            say(f"the lock could not be given back ({error.message}); its lease ends by itself")
        raise
    lock.release()


def _user() -> str:
    """Return this user's name, for who asks who holds the lock; a container's user may have none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # KeyError until Python 3.12
        return f"uid {os.getuid()}"
