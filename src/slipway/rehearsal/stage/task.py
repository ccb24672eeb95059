"""Task: a Celery task sent from the API's container that must come back from the worker."""

import json

from slipway.checks.issue import Issue
from slipway.config.workspace import Role
from slipway.rehearsal.stage.scene import Scene

_SECONDS = "20"


def comes_back(scene: Scene) -> list[Issue]:
    """Send the workspace's task and wait for the worker's answer."""
    probe = scene.workspace.probes.task
    sender, worker = scene.workspace.services_with(Role.WEB)[0], scene.workspace.services_with(Role.WORKER)[0]
    if not scene.is_running(sender) or not scene.is_running(worker):
        return [scene.issue(worker, "task", f"no {probe.name} can be sent: api or worker does not run")]
    words = ["python", "-m", "slipway_runtime.send_task", probe.name, json.dumps(list(probe.args))]
    code, output = scene.container(sender).exec_run([*words, "--seconds", _SECONDS])
    text = output.decode(errors="replace").strip() if isinstance(output, bytes) else ""
    last = text.splitlines()[-1][:300] if text else "no answer"
    if code == 0:
        scene.say(f"Celery task: {last}")
        return []
    lines = scene.last_words(worker, 4)
    told = f"{probe.name} did not come back: {last}; the worker's last lines: {lines}"
    return [scene.issue(worker, "task", told)]
