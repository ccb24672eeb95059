"""A host with sshd and the engine's socket, and a connection to it; one of each for the tests of a file."""

from collections.abc import Iterator

import pytest

from slipway.engines.host.ssh import Host
from tests.hosts import SshHost, ssh_host


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshHost]:
    with ssh_host(tmp_path_factory.mktemp("ssh")) as running:
        yield running


@pytest.fixture(scope="module")
def host(machine: SshHost) -> Iterator[Host]:
    with Host(machine.address) as opened:
        yield opened
