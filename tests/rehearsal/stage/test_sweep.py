from dataclasses import replace
from pathlib import Path

import docker
import pytest

from slipway.rehearsal.owner import Owner
from slipway.rehearsal.removal import Removal
from slipway.rehearsal.stage.scene import LABEL
from slipway.rehearsal.stage.sweep import sweep
from slipway.testing import Lines
from tests import tiny


@pytest.mark.docker
def test_the_stage_of_a_killed_process_is_swept_and_nobody_elses(
    client: docker.DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This process's own stage is under way, another checkout's is its own; both stay."""
    me = Owner.here(Path("/this/checkout"))
    owners = {"killed": replace(me, began="1"), "under-way": me, "other": replace(me, checkout="/", began="1")}
    stages = {what: f"slipway-test-stage-{what}-{me.pid}" for what in owners}
    monkeypatch.setattr(Owner, "here", lambda: me)
    with tiny.image(client) as reference:
        try:
            for what, owner in owners.items():
                labels = {LABEL: stages[what], **owner.labels()}
                network = client.networks.create(stages[what], labels=labels)
                client.containers.run(reference, detach=True, labels=labels, network=str(network.name))
            assert sweep(client, Lines()) == 2
            left = {what: len(Removal(client, (f"{LABEL}={name}",), "").left()) for what, name in stages.items()}
        finally:
            for name in stages.values():
                Removal(client, (f"{LABEL}={name}",), name).remove(Lines())
    assert left == {"killed": 0, "under-way": 2, "other": 2}
