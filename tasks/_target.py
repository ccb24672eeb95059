"""Opens an environment's host and platform: which engine stands behind which port of a `Target`."""

import getpass
import os
import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.errors import SlipwayError, UsageError
from slipway.secret import Mask, Secret

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
    from slipway.engines.host.engine import HostEngine
    from slipway.engines.host.lock import HostJournal, HostLock
    from slipway.engines.host.ssh import Host
    from slipway.engines.host.ssh_connect import Address
    from slipway.engines.host.state import StateFolder
    from slipway.engines.web import WebClient
    from slipway.plans.desired import optional_setting, setting
    from slipway.target import Target
    from slipway.verbs.push import TOOLS

    address = Address(
        host=setting(config, "SLIPWAY_SSH_HOST"),
        user=setting(config, "SLIPWAY_SSH_USER"),
        key_file=_file(config, "SLIPWAY_SSH_KEY_FILE"),
        known_hosts=_file(config, "SLIPWAY_SSH_KNOWN_HOSTS"),
        port=_port(config, "SLIPWAY_SSH_PORT"),
    )
    ca_file = optional_setting(config, "SLIPWAY_CA_FILE")
    registry = setting(config, "SLIPWAY_REGISTRY")
    with ExitStack() as stack:
        platform = stack.enter_context(open_platform(config, mask))
        host = stack.enter_context(Host(address))
        containers = stack.enter_context(HostEngine.over(host, labels))
        state = StateFolder(host, config.environment)
        lock = HostLock(host, state.path, f"{_user()}@{socket.gethostname()}")
        stack.enter_context(giving_back(lock, say))
        target = Target(
            environment=config.environment,
            registry=registry,
            network=setting(config, "SLIPWAY_NETWORK"),
            tools=f"{registry}/{TOOLS}",
            images=images,
            platform=platform,
            shell=host,
            containers=containers,
            state=state,
            lock=lock,
            journal=HostJournal(host, state.path, lock),
            web=WebClient(
                ca_file=Path(ca_file) if ca_file else None,
                address=optional_setting(config, "SLIPWAY_PUBLIC_ADDRESS") or None,
            ),
            labels=dict(labels or {}),
        )
        yield target, state


def open_platform(config: "Config", mask: Mask) -> "Coolify":
    """Return the environment's platform; it is closed as a context."""
    from slipway.engines.coolify.platform import Coolify
    from slipway.plans.desired import optional_setting, setting

    ca_file = optional_setting(config, "SLIPWAY_CA_FILE")
    return Coolify(
        setting(config, "SLIPWAY_COOLIFY_URL"),
        Secret(setting(config, "SLIPWAY_COOLIFY_TOKEN")),
        setting(config, "SLIPWAY_COOLIFY_PROJECT"),
        config.environment,
        token_source=_where(config, "SLIPWAY_COOLIFY_TOKEN"),
        server=optional_setting(config, "SLIPWAY_COOLIFY_SERVER"),
        network=setting(config, "SLIPWAY_NETWORK"),
        ca_file=Path(ca_file) if ca_file else None,
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


def _where(config: "Config", name: str) -> str:
    found = config.setting(name)
    return found.where if found else name


def _port(config: "Config", name: str) -> int:
    from slipway.plans.desired import setting

    text = setting(config, name)
    if not re.fullmatch("[0-9]{1,5}", text) or not 0 < int(text) < 1 << 16:
        raise UsageError(f"{name} is no port: {text[:20]!r}", where=_where(config, name), hint="a number, 1 to 65535")
    return int(text)


def _file(config: "Config", name: str) -> Path:
    from slipway.plans.desired import setting

    try:
        return Path(setting(config, name)).expanduser()
    except RuntimeError as error:
        raise UsageError(
            f"{name}: {error}", where=_where(config, name), hint="give the whole path, without ~"
        ) from error


def _user() -> str:
    """Return this user's name, for who asks who holds the lock; a container's user may have none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # KeyError until Python 3.12
        return f"uid {os.getuid()}"
