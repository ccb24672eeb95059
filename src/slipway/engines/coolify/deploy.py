"""One deployment: tag configured, started, followed to its end, and the previous tag back when it does not succeed.

Coolify records no tag with a deployment and reads the configured one when the job starts; a failed tag stays configured
until somebody changes it. Hence the order here, and the way back on every error and interrupt.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from slipway.engines.coolify.errors import NotFound, Uncertain, clean
from slipway.engines.coolify.http import Api, as_list, as_object, text_of
from slipway.engines.coolify.services import grace_of, number_of, read_application
from slipway.errors import PersonNeeded, Refused, SlipwayError, Unreachable, UsageError
from slipway.ports import Deployment, Say

_FINISHED = "finished"
_FAILED = "failed"
_CANCELLED = "cancelled-by-user"
_ACTIVE = frozenset({"queued", "in_progress"})
_ENDED = frozenset({_FINISHED, _FAILED, _CANCELLED})
_TAIL = 30


@dataclass(slots=True)
class Deploying:
    """Deploys one application; made for one attempt."""

    api: Api
    uuid: str
    say: Say
    _told: int = field(default=0, init=False)
    _running: str = field(default="", init=False)
    _before: frozenset[str] | None = field(default=None, init=False)

    def deploy(self, tag: str) -> Deployment:
        """Deploy `tag` and return the finished deployment.

        Raises `Refused` when it failed or was cancelled, `Unreachable` when it never started, `PersonNeeded` when its
        end is unknown. Whenever it raises, the tag configured before is configured again.
        """
        self._wait_until_idle()
        record = read_application(self.api, self.uuid)
        name = text_of(record, "name") or self.uuid
        previous = text_of(record, "docker_registry_image_tag")
        with self._tag_back_unless_done(name, tag, previous):
            self._configure(name, tag)
            self._before = self._wait_until_idle()
            self._running = self._start(name, self._before)
            return self._follow(name, self._running, self._seconds_allowed(record))

    @contextmanager
    def _tag_back_unless_done(self, name: str, tag: str, previous: str) -> Iterator[None]:
        try:
            yield
        except SlipwayError as error:
            if not self._tag_back(name, tag, previous):
                error.details += (f"the tag {tag} is still configured for {name}; {previous} was before",)
            raise
        except BaseException:
            # An interrupt: the platform would go on without us, with a tag that nobody asked for to the end.
            if not self._interrupted_after_its_end(name):
                self._tag_back(name, tag, previous)
            raise

    def _interrupted_after_its_end(self, name: str) -> bool:
        """Cancel what was started; True where it had finished already, so that the new tag is the true one."""
        started = [self._running] if self._running else self._new_deployments()
        finished = False
        for deployment in started:
            self.say(f"cancelling the deployment of {name}")
            finished |= text_of(self._cancel(deployment), "status") == _FINISHED
        return finished

    def _new_deployments(self) -> list[str]:
        if self._before is None:
            return []
        try:
            return [uuid for uuid in self._uuids(self._deployments()) if uuid not in self._before]
        except SlipwayError as error:
            self.say(f"whether a deployment was started is unknown: {error.message}")
            return []

    def _tag_back(self, name: str, tag: str, previous: str) -> bool:
        if not previous or previous == tag:
            return True
        try:
            self.api.send("PATCH", "applications", self.uuid, body={"docker_registry_image_tag": previous})
        except SlipwayError as error:
            self.say(f"the tag {previous} could not be configured again for {name}: {error.message}")
            return False
        self.say(f"the tag {previous} is configured again for {name}")
        return True

    def _configure(self, name: str, tag: str) -> None:
        self.api.send("PATCH", "applications", self.uuid, body={"docker_registry_image_tag": tag})
        actual = text_of(read_application(self.api, self.uuid), "docker_registry_image_tag")
        if actual != tag:
            raise Refused(f"Coolify took the tag {tag} and has {actual!r}", where=f"service {name}")

    def _wait_until_idle(self) -> frozenset[str]:
        """Wait until no deployment of this application is active: ours would be dropped or take a foreign tag.

        Returns the uuids of the ones before.
        """
        until = self.api.time.now() + self.api.patience.queue
        told = False
        while True:
            deployments = self._deployments()
            busy = [one for one in deployments if text_of(one, "status") in _ACTIVE]
            if not busy:
                return frozenset(self._uuids(deployments))
            if self.api.time.now() >= until:
                raise Refused(
                    f"another deployment of it is {text_of(busy[0], 'status')} since {text_of(busy[0], 'created_at')}",
                    where=f"application {self.uuid}",
                    hint="wait for it, or cancel it on the application's Deployments page in Coolify",
                )
            if not told:
                self.say("another deployment of this service is active, waiting for its end")
                told = True
            self.api.time.sleep(self.api.patience.poll)

    def _deployments(self) -> list[dict[str, Any]]:
        answer = as_object(self.api.get("deployments", "applications", self.uuid, skip=0, take=10), "deployments")
        return as_list(answer.get("deployments") or [], "deployments")

    @staticmethod
    def _uuids(deployments: list[dict[str, Any]]) -> list[str]:
        return [text_of(one, "deployment_uuid") for one in deployments]

    def _start(self, name: str, before: frozenset[str]) -> str:
        try:
            answer = as_object(
                self.api.send("POST", "deploy", body={"uuid": self.uuid, "force": True}, wait=self.api.patience.queue),
                "a deployment",
            )
        except NotFound as error:
            raise Refused("Coolify finds no such application to deploy", where=f"service {name}") from error
        except Uncertain as error:
            return self._started_unanswered(before, error)
        found = as_list(answer.get("deployments") or [], "deployments")
        mine = [one for one in found if text_of(one, "resource_uuid") in {"", self.uuid}]
        said = self.api.caller.show(text_of(mine[0], "message")) if mine else "nothing"
        deployment = text_of(mine[0], "deployment_uuid") if mine else ""
        if not deployment:
            if "nauthorized" in said:
                raise UsageError(
                    f"the token from {self.api.caller.token_source} may not deploy it: {said}", where=f"service {name}"
                )
            raise Unreachable(f"Coolify started no deployment and said: {said}", where=f"service {name}")
        self._require_it_exists(name, deployment, said)
        return deployment

    def _started_unanswered(self, before: frozenset[str], error: Uncertain) -> str:
        """Look whether a deployment appeared although the request was not answered; it is not sent again."""
        self.say("the request to deploy was not answered, looking whether it took effect")
        until = self.api.time.now() + self.api.patience.appear
        while True:
            for one in self._deployments():
                if text_of(one, "deployment_uuid") not in before:
                    return text_of(one, "deployment_uuid")
            if self.api.time.now() >= until:
                raise Unreachable(f"{error.message}; no deployment appeared", where=error.where) from error
            self.api.time.sleep(self.api.patience.poll)

    def _require_it_exists(self, name: str, deployment: str, said: str) -> None:
        until = self.api.time.now() + self.api.patience.appear
        while True:
            try:
                self.api.get("deployments", deployment)
            except NotFound as error:
                if self.api.time.now() >= until:
                    raise Unreachable(
                        f"Coolify handed out a deployment that does not exist and said: {said}",
                        where=f"service {name}",
                        hint="another deployment of it was active; run this again when it is over",
                    ) from error
                self.api.time.sleep(1.0)
            else:
                return

    def _follow(self, name: str, deployment: str, seconds: float) -> Deployment:
        until = self.api.time.now() + seconds
        status = ""
        while self.api.time.now() < until:
            record = self._look(deployment)
            if record and text_of(record, "status") != status:
                status = text_of(record, "status")
                self.say(f"{name}: {status}")
            if status in _ENDED:
                return self._ended(name, deployment, status, self._log(record))
            self.api.time.sleep(self.api.patience.poll)
        self.say(f"cancelling the deployment of {name}: {seconds:.0f} s are over")
        record = self._cancel(deployment)
        status = text_of(record, "status")
        if status in {_FINISHED, _FAILED}:
            return self._ended(name, deployment, status, self._log(record))
        if status != _CANCELLED:
            raise PersonNeeded(
                f"deployment {deployment} has no end after {seconds:.0f} s and could not be cancelled",
                where=f"service {name}",
                details=self._log(record)[-_TAIL:],
                hint="look at the application's Deployments page in Coolify and at the host",
            )
        raise Refused(
            f"deployment {deployment} had no end after {seconds:.0f} s and was cancelled",
            where=f"service {name}",
            details=self._log(record)[-_TAIL:],
            hint="a new container may run beside the old one until the next deployment succeeds",
        )

    def _ended(self, name: str, deployment: str, status: str, log: tuple[str, ...]) -> Deployment:
        if status == _FINISHED:
            return Deployment(deployment, status, log)
        if status == _FAILED:
            hint = "the lines above are Coolify's; a container that never turns healthy says why in its own log"
        else:
            hint = "somebody cancelled it in Coolify; a new container may run beside the old one until the next success"
        raise Refused(
            f"the deployment {'failed' if status == _FAILED else 'was cancelled'} ({deployment})",
            where=f"service {name}",
            details=log[-_TAIL:],
            hint=hint,
        )

    def _look(self, deployment: str) -> Mapping[str, Any]:
        """Read the deployment and tell its new log lines; an outage of Coolify itself is sat out."""
        try:
            record = as_object(self.api.get("deployments", deployment), "a deployment")
        except Unreachable as error:
            self.say(f"Coolify does not answer, asking again: {error.message}")
            return {}
        log = self._log(record)
        for line in log[self._told :]:
            self.say(line)
        self._told = max(self._told, len(log))
        return record

    def _cancel(self, deployment: str) -> Mapping[str, Any]:
        # Up to 4.3.6 a cancel that worked answers 500, and an ended deployment answers 400: only looking tells.
        try:
            self.api.send("POST", "deployments", deployment, "cancel")
        except SlipwayError as error:
            self.say(f"cancel: {error.message}")
        try:
            return self._look(deployment)
        except SlipwayError:
            return {}

    def _seconds_allowed(self, record: Mapping[str, Any]) -> float:
        """Queue, pull, the health wait (start period, then retries times interval and check) and the old one's stop."""
        interval, timeout = number_of(record, "health_check_interval", 5), number_of(record, "health_check_timeout", 5)
        health = number_of(record, "health_check_start_period", 5)
        health += number_of(record, "health_check_retries", 10) * (interval + timeout)
        return self.api.patience.queue + self.api.patience.pull + health + grace_of(record) + 60

    def _log(self, record: Mapping[str, Any]) -> tuple[str, ...]:
        return log_lines(record.get("logs"), self.api)


def log_lines(logs: Any, api: Api) -> tuple[str, ...]:
    """Return the visible lines of a deployment's log, masked. Coolify keeps them as a JSON text inside the JSON.

    A token without `read:sensitive` gets no log: then there are no lines.
    """
    if isinstance(logs, str):
        try:
            logs = json.loads(logs)
        except (ValueError, RecursionError):
            return tuple(clean(api.mask(line)) for line in logs.splitlines())
    if not isinstance(logs, list):
        return ()
    entries = [entry for entry in logs if isinstance(entry, dict) and not entry.get("hidden")]
    lines: list[str] = []
    for entry in entries:
        lines += api.mask(text_of(entry, "output")).splitlines()
    return tuple(clean(line) for line in lines if line.strip())
