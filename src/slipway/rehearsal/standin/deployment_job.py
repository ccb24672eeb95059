"""One deployment of an image application, step by step as Coolify's job does it."""

import logging
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

from . import compose_file, container_status, deployment_queue, env_file, health_wait, naming, run_options
from .compose_cli import CommandFailed
from .engine import Container
from .site import SERVER_NAME, Site
from .store import Row

logger = logging.getLogger("standin")

P = ParamSpec("P")
T = TypeVar("T")

DEFAULT_GRACE = 30
_NO_CURL = (
    "WARNING: Dockerfile or Docker Image based deployment detected. The healthcheck needs a curl or wget command to "
    "check the health of the application."
)
_README = "This folder is managed by Coolify. Changes are overwritten by the next deployment.\n"


class Cancelled(Exception):
    """The deployment was cancelled; the job ends before its next command, and cleans up nothing."""


class DeploymentFailed(Exception):
    """A step decided that the deployment fails."""


def run(site: Site, uuid: str, container: str) -> None:
    """What a worker does for a deployment."""
    if not _is_running(site, uuid):
        return
    try:
        job = Job(site, uuid, container)
    except (DeploymentFailed, OSError) as error:
        deployment_queue.log(site, uuid, f"Deployment failed: {error}", stderr=True)
        deployment_queue.settle(site, uuid, "failed")
        return
    job.run()


class Job:
    """One run. `container` was fixed when the job was dispatched; everything else is read now."""

    def __init__(self, site: Site, uuid: str, container: str) -> None:
        self.site = site
        self.uuid = uuid
        self.container = container
        self.application = configuration(site, uuid)
        self.document: str | None = None
        self.folder = Path(tempfile.mkdtemp(prefix=f"artifacts-{uuid}-"))

    def run(self) -> None:
        """Deploys; whatever goes wrong ends in status `failed`, or stays `cancelled-by-user`."""
        try:
            self._deploy()
        except Cancelled:
            self.log("Deployment was cancelled by user.")
        except Exception as error:  # noqa: BLE001 - anything thrown fails the deployment
            self._fail(error)
        finally:
            self._leave()

    def log(self, text: str, *, hidden: bool = False, stderr: bool = False) -> None:
        """Adds to the deployment's log."""
        deployment_queue.log(self.site, self.uuid, text, hidden=hidden, stderr=stderr)

    def _deploy(self) -> None:
        application = self.application
        self._command(self.site.engine.require_network, self.site.settings.network)
        version = self._command(self.site.engine.version)
        self.log(f"Docker {version} with BuildKit and Buildx detected on deployment server ({SERVER_NAME}).")
        name, tag = application["docker_registry_image_name"], application["docker_registry_image_tag"] or "latest"
        self.log(f"Starting deployment of {name}:{tag} to {SERVER_NAME}.")
        self._before()
        self._write_files()
        if reason := why_not_rolling(application):
            self.log(reason)
            self._replace()
            healthy = True
        else:
            self.log("Rolling update started.")
            healthy = self._roll()
        if healthy:
            deployment_queue.settle(self.site, self.uuid, "finished")
            self._note_success()
        self._refresh_status()
        self._after()

    def _before(self) -> None:
        """The pre-deployment command; it runs in the old container, with the old image."""
        command = self.application["pre_deployment_command"]
        if not command:
            return
        containers = self._command(self._containers)
        if not containers:
            self.log("No running containers found. Skipping pre-deployment command.")
            return
        if len(containers) > 1:
            raise DeploymentFailed("Pre-deployment command: more than one container found, and none is named.")
        self._hook("Pre-deployment", containers[0], command)

    def _after(self) -> None:
        """The post-deployment command; the deployment has ended already, so a failure is only logged."""
        command = self.application["post_deployment_command"]
        if not command:
            return
        try:
            containers = self.site.engine.containers(self._label)
            if len(containers) != 1:
                raise DeploymentFailed(f"{len(containers)} containers found where one is needed.")  # noqa: TRY301
            self._hook("Post-deployment", containers[0], command)
        except (DeploymentFailed, CommandFailed) as error:
            self.log(f"Post-deployment command failed: {error}", stderr=True)

    def _hook(self, kind: str, container: Container, command: str) -> None:
        self.log(f"Executing {kind.lower()} command (see debug log for output/errors).")
        code, output = self.site.engine.execute(container.id, command.replace("\n", " "))
        self.log(output, hidden=True)
        if code != 0:
            raise DeploymentFailed(f"{kind} command ended with {code}.")

    def _write_files(self) -> None:
        """The compose file where it is used, the .env there and on the host."""
        row = self._row()
        variables = self.site.store.where("envs", application_uuid=self.application["uuid"])
        environment = self.site.store.where("environments", id=self.application["environment_id"])[0]
        project = self.site.store.where("projects", id=environment["project_id"])[0]
        labels = {
            **self.site.settings.labels,
            **compose_file.application_labels(self.application, environment, project),
        }
        document = compose_file.for_application(self.application, self.container, labels, self.site.settings.network)
        self.document = compose_file.written(document)
        content = env_file.content(self.application, variables, row["commit"], self.container)
        (self.folder / "docker-compose.yaml").write_text(self.document, encoding="utf-8")
        self._host_folder.mkdir(parents=True, exist_ok=True)
        for folder in (self.folder, self._host_folder):
            target = folder / ".env"
            target.touch(mode=0o600)
            target.write_text(content, encoding="utf-8", newline="")

    def _replace(self) -> None:
        """Not rolling: the old goes first, nothing is waited for."""
        for container in stopped_first(self.application, self._command(self._containers), self.container):
            self._command(self._stop_and_remove, container.id)
        self._pull()
        self._up()

    def _roll(self) -> bool:
        """Starts the new beside the old, waits for its health, then removes the one or the other."""
        self._pull()
        self._up()
        if health_wait.passed(self.application, self._inspect, self.log, time.sleep):
            self.log("Removing old containers.")
            for container in self._command(self._containers):
                if container.name != self.container:
                    self._remove_old(container)
            healthy = True
        else:
            healthy = False
            self.log(self.site.engine.logs(self.container, 100), hidden=True)
            self.log("Removing old containers.")
            self.log(_NO_CURL)
            self.log("New container is not healthy, rolling back to the old container.", stderr=True)
            deployment_queue.settle(self.site, self.uuid, "failed")
            self._stop_and_remove(self.container)
        self.log("Rolling update completed.")
        return healthy

    def _pull(self) -> None:
        self.log("Pulling latest images from the registry.")
        self.log(pull_image(self._compose), hidden=True)

    def _up(self) -> None:
        self.log(self._compose("up", "--build", "-d"), hidden=True)
        self.log("New container started.")

    def _compose(self, *arguments: str) -> str:
        project = self.application["uuid"]
        file = self.folder / "docker-compose.yaml"
        return self._command(self.site.compose.run, self.uuid, project, file, *arguments)

    def _remove_old(self, container: Container) -> None:
        """Errors here do not fail the deployment."""
        try:
            self._stop_and_remove(container.id)
        except CommandFailed as error:
            self.log(f"Could not remove {container.name}: {error}", stderr=True)

    def _stop_and_remove(self, name: str) -> None:
        """`docker stop` with the grace period, then `docker rm -f`. The proxy is told nothing before."""
        self.site.engine.stop(name, grace_period(self.application))
        self.site.engine.remove(name)

    def _fail(self, error: Exception) -> None:
        if self._row()["status"] == "cancelled-by-user":
            self.log("Deployment was cancelled by user.")
            return
        if not isinstance(error, CommandFailed | DeploymentFailed):
            logger.error("deployment %s failed", self.uuid, exc_info=error)
        self.log(f"Deployment failed: {error}", stderr=True)
        deployment_queue.settle(self.site, self.uuid, "failed")
        if naming.has_fixed_name(self.application):
            return
        self.log("Deployment failed. Removing the new version of your application.", stderr=True)
        try:
            self.site.engine.remove(self.container)
        except CommandFailed as left:
            self.log(str(left), stderr=True)

    def _leave(self) -> None:
        """Always: the files on the host, also when they describe what does not run; then `finished_at`."""
        if self.document is not None:
            (self._host_folder / "docker-compose.yaml").write_text(self.document, encoding="utf-8")
            (self._host_folder / "README.md").write_text(_README, encoding="utf-8")
        shutil.rmtree(self.folder, ignore_errors=True)
        with self.site.store.transaction():
            if self.site.store.find("deployments", self.uuid):
                self.site.store.update("deployments", self.uuid, finished_at=naming.timestamp())

    def _note_success(self) -> None:
        """After a deployment with a health check the status is a plain `running` until the next refresh."""
        with self.site.store.transaction():
            if self.site.store.find("applications", self.application["uuid"]):
                row = self._row()
                fields: Row = {"config_hash": row["configuration_hash"]}
                if health_wait.is_needed(self.application):
                    fields["status"] = "running"
                self.site.store.update("applications", self.application["uuid"], **fields)

    def _refresh_status(self) -> None:
        uuid = self.application["uuid"]
        self.site.horizon.dispatch(lambda: container_status.refresh_application(self.site, uuid))

    def _command(self, command: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
        """Runs the next remote command, unless the deployment was cancelled meanwhile. Raises Cancelled."""
        if self._row()["status"] == "cancelled-by-user":
            raise Cancelled
        return command(*arguments, **options)

    def _inspect(self) -> tuple[str, str]:
        return self._command(self.site.engine.health, self.container)

    def _containers(self) -> list[Container]:
        return self.site.engine.containers(self._label)

    def _row(self) -> Row:
        row = self.site.store.find("deployments", self.uuid)
        if row is None:
            raise Cancelled
        return row

    @property
    def _label(self) -> str:
        return f"coolify.applicationId={self.application['id']}"

    @property
    def _host_folder(self) -> Path:
        return self.site.settings.data / "applications" / str(self.application["uuid"])


def configuration(site: Site, deployment_uuid: str) -> Row:
    """The application as it is configured now: image, tag and settings are not those of the moment of the request."""
    deployment = site.store.find("deployments", deployment_uuid)
    application = site.store.find("applications", deployment["application_uuid"]) if deployment else None
    if application is None:
        raise DeploymentFailed("The application is gone.")
    return application


def why_not_rolling(application: Row) -> str | None:
    """Why the old container is stopped before the new one starts, or None for a rolling update."""
    settings = application["settings"]
    if application["ports_mappings"]:
        return "Application has ports mapped to the host system, rolling update is not supported."
    if settings["is_consistent_container_name_enabled"]:
        return "Consistent container name feature enabled, rolling update is not supported."
    if settings["custom_internal_name"]:
        return "Custom internal name is set, rolling update is not supported."
    if run_options.mentions_address(application):
        return "Custom IP address is set, rolling update is not supported."
    return None


def stopped_first(application: Row, containers: list[Container], new_name: str) -> list[Container]:
    """What a non-rolling deployment stops before it pulls: with a fixed name only the container of that name."""
    if naming.has_fixed_name(application):
        return [container for container in containers if container.name == new_name]
    return containers


def grace_period(application: Row) -> int:
    """Seconds between SIGTERM and SIGKILL of an old container."""
    return int(application["settings"]["stop_grace_period"] or DEFAULT_GRACE)


def pull_image(compose: Callable[..., str]) -> str:
    """Pulls, always: an image that only this host has cannot be deployed."""
    return compose("pull")


def _is_running(site: Site, uuid: str) -> bool:
    row = site.store.find("deployments", uuid)
    return row is not None and row["status"] == "in_progress"
