"""Verification: what a release that serves must show, each asked by another route than the one that acted."""

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from slipway.command import command
from slipway.config.workspace import ApiProbe, BeatProbe, LoginProbe, TaskProbe, WebSocketProbe
from slipway.errors import Refused, UsageError
from slipway.ports import Answer, Containers, OneOff, Say, Shell, Web
from slipway.release.desired import Variables
from slipway.secret import Secret
from slipway.steps.look import Look, settled

Ask = Callable[[str], str]
"""Takes one SQL query, returns psql's unaligned answer."""

_SECRET = re.compile(r"\$\{secret\.([A-Z][A-Z0-9_]*)\}")


@dataclass(frozen=True, slots=True)
class VerifyRunning(Look):
    """Every service runs exactly the release's image and its container is green, as the host's engine shows it.

    `expected`: service -> (Coolify's uuid, image id `sha256:...`).
    """

    containers: Containers
    expected: Mapping[str, tuple[str, str]]
    name: str = "verify running"

    def describe(self) -> str:
        """Say what is looked at."""
        return f"the engine shows {len(self.expected)} services on the release's images, green"

    def run(self, say: Say) -> str:
        """Compare container by container. Raises `Refused` naming each that differs."""
        wrong = [] if self.expected else ["no service is expected to run"]
        for service, (uuid, image_id) in self.expected.items():
            found = [c for c in self.containers.running(f"coolify.name={uuid}") if c.state == "running"]
            if len(found) != 1:
                wrong.append(f"{service}: {len(found)} containers run, expected 1")
            elif found[0].image_id != image_id:
                wrong.append(f"{service}: runs {found[0].image_id[:19]}, the release has {image_id[:19]}")
            elif found[0].health != "healthy":
                wrong.append(f"{service}: health is {found[0].health or 'unknown'}")
            else:
                say(f"{service}: {found[0].name} {image_id[:19]} healthy")
        if wrong:
            raise Refused("the release does not run as a whole", where="host", details=tuple(wrong))
        return f"{len(self.expected)} containers run the release's image ids and are healthy"


@dataclass(frozen=True, slots=True)
class VerifyApi(Look):
    """The API answers over https through the proxy, and plain http is sent there."""

    web: Web
    url: str
    probe: ApiProbe
    name: str = "verify api"
    seconds: float = 15
    pause: float = 0.5

    def describe(self) -> str:
        """Say what is asked."""
        return f"GET {self.url}{self.probe.path} answers {self.probe.status}, http leads to https"

    def run(self, say: Say) -> str:
        """Ask both. Raises `Refused` on another answer."""
        address = self.url + self.probe.path
        if not address.startswith("https://"):
            raise Refused("the API's address is not https", where=address)
        answer = settled(lambda: self.web.ask("GET", address), self.probe.status, self.seconds, self.pause)
        say(f"{address}: {answer.status}")
        if answer.status != self.probe.status:
            raise Refused(
                f"answers {answer.status}, expected {self.probe.status}", where=address, details=(answer.body[:300],)
            )
        http = address.replace("https://", "http://", 1)
        plain = settled(lambda: self.web.ask("GET", http), 301, self.seconds, self.pause)
        leads = urlsplit(plain.headers.get("location", ""))
        is_same = leads.scheme == "https" and leads.hostname == urlsplit(address).hostname
        if plain.status not in (301, 302, 307, 308) or not is_same:
            told = f" to {leads.geturl()}" if leads.geturl() else ""
            raise Refused(f"http answers {plain.status}{told} and does not lead to its https", where=address)
        return f"{self.probe.path} {answer.status} over https, http {plain.status} to https"


@dataclass(frozen=True, slots=True)
class VerifyLogin(Look):
    """A log-in answers as the workspace says, and its user table was read: PostgreSQL's own counters rise."""

    web: Web
    url: str
    probe: LoginProbe
    secrets: Mapping[str, Secret]
    ask: Ask
    set_up: Callable[[Say], None]
    name: str = "verify log-in"
    # PostgreSQL 15 publishes an idle connection's counters up to 10 s after its transaction (PGSTAT_IDLE_INTERVAL), but
    # with the end of any transaction that comes a second after the last report: so a second log-in nudges it.
    seconds: float = 45
    nudge: float = 1.1
    pause: float = 0.3

    def describe(self) -> str:
        """Say what is asked."""
        return f"POST {self.url}{self.probe.path} answers {self.probe.status}, {self.probe.table} is read"

    def run(self, say: Say) -> str:
        """Log in. Raises `Refused` on another answer or when the table was not touched."""
        body = {key: self._filled_in(key, text) for key, text in self.probe.body.items()}
        if self.probe.setup_command:
            self.set_up(say)
        before = self._reads()
        answer = self._log_in(body, say)
        deadline, again = time.monotonic() + self.seconds, time.monotonic() + self.nudge
        while (after := self._reads()) <= before:
            if time.monotonic() > deadline:
                raise Refused(
                    f"log-in answered {answer.status} without reading {self.probe.table}",
                    where=self.url + self.probe.path,
                    hint="is probes.login.table of the workspace file the table that a log-in reads?",
                )
            if time.monotonic() > again:
                self._log_in(body, say)
                again = deadline
            time.sleep(self.pause)
        return f"log-in {answer.status}, scans of {self.probe.table} {before} -> {after}"

    def _log_in(self, body: Mapping[str, str], say: Say) -> Answer:
        address = self.url + self.probe.path
        answer = self.web.ask("POST", address, json=body)
        say(f"{address}: {answer.status}")
        if answer.status not in self.probe.status:
            raise Refused(
                f"log-in answers {answer.status}, expected {' or '.join(map(str, self.probe.status))}",
                where=address,
                details=(answer.body[:300],),
            )
        return answer

    def _filled_in(self, key: str, text: str) -> str:
        unknown = [name for name in _SECRET.findall(text) if name not in self.secrets]
        if unknown:
            raise UsageError(
                f"no variable {unknown[0]} is a secret of this environment", where=f"probes.login.body.{key}"
            )
        return _SECRET.sub(lambda found: self.secrets[found[1]].reveal(), text)

    def _reads(self) -> int:
        scans = "coalesce(sum(seq_scan + coalesce(idx_scan, 0)), 0)"
        of_table = f"WHERE relname = '{self.probe.table}'"  # the model lets identifiers through only
        rows = self.ask(f"SELECT {scans} FROM pg_stat_user_tables {of_table}")  # noqa: S608 - see above
        return int(_number(rows, "PostgreSQL"))


@dataclass(frozen=True, slots=True)
class VerifyWebSocket(Look):
    """A WebSocket opened through the proxy, as a page of the portal at `origin` opens it, sends its first message."""

    web: Web
    url: str
    probe: WebSocketProbe
    origin: str | None = None
    name: str = "verify websocket"

    def describe(self) -> str:
        """Say what is opened."""
        asker = f"a page of {self.origin}" if self.origin else "anybody"
        return f"{self.url}{self.probe.path} sends {asker} a message"

    def run(self, say: Say) -> str:
        """Open it. Raises `Unreachable` when nothing comes within 15 s, `Refused` when the origin may not open it."""
        address = self.url.replace("https://", "wss://", 1) + self.probe.path
        message = self.web.first_message(address, 15, origin=self.origin)
        say(f"{address}: {message[:100]}")
        return f"{self.probe.path} sent {message[:60]}"


@dataclass(frozen=True, slots=True)
class VerifyTask(Look):
    """A Celery task sent from a one-off container comes back, and the broker's Redis holds its result."""

    containers: Containers
    image: str
    network: str
    variables: Variables
    probe: TaskProbe
    result_state: Callable[[str], str]
    name: str = "verify task"

    def describe(self) -> str:
        """Say what is sent."""
        return f"{self.probe.name} goes through the broker and comes back from the worker"

    def run(self, say: Say) -> str:
        """Send it. Raises `Refused` with the sender's last line when it does not come back within 30 s."""
        words = ("python", "-m", "slipway_runtime.send_task", self.probe.name, json.dumps(list(self.probe.args)))
        sent = self.containers.run_once(
            OneOff("send-task", self.image, words, network=self.network, variables=self.variables), say
        )
        lines = sent.stdout.strip().splitlines()
        if not sent.ok or not lines:
            tail = tuple((sent.stdout + sent.stderr).strip().splitlines()[-6:])
            raise Refused(f"{self.probe.name} did not come back", where="worker", details=tail)
        try:
            answer = json.loads(lines[-1])
            task, seconds = str(answer["id"]), float(answer["seconds"])
            # Only the sender knows its key prefix; the id is still the one that Redis has to hold a result for.
            key = str(answer["key"])
        except (ValueError, KeyError, TypeError) as error:
            raise Refused(
                f"the sender of {self.probe.name} ends with no answer of its own",
                where="worker",
                details=(lines[-1][:300],),
            ) from error
        state = self.result_state(key) if key.endswith(task) else ""
        if state != "SUCCESS":
            raise Refused(f"Redis says {state or 'nothing'} of task {task}", where="worker")
        return f"{self.probe.name} SUCCESS in {seconds:.2f} s, Redis holds its result"


@dataclass(frozen=True, slots=True)
class VerifyBeat(Look):
    """Beat ticks: its heartbeat moves on. Its table is read and told, no more: an entry may run once a month."""

    shell: Shell
    container: Callable[[], str]
    ask: Ask
    probe: BeatProbe
    seconds: float = 30
    pause: float = field(default=1.0)
    name: str = "verify beat"

    def describe(self) -> str:
        """Say what is looked at."""
        return f"beat's heartbeat moves within {self.seconds:.0f} s"

    def run(self, say: Say) -> str:
        """Watch the heartbeat. Raises `Refused` when it stands still."""
        first, deadline = self._heartbeat(), time.monotonic() + self.seconds
        while (last := self._heartbeat()) <= first:
            if time.monotonic() > deadline:
                raise Refused(f"the heartbeat stood still for {self.seconds:.0f} s", where="beat")
            time.sleep(self.pause)
        say(f"heartbeat {first:.1f} -> {last:.1f}")
        query = f"SELECT count(*), max({self.probe.column}) FROM {self.probe.table}"  # noqa: S608 - identifiers only
        entries = self.ask(query).strip()
        count, _, newest = entries.partition("|")
        return f"heartbeat moved {last - first:.1f} s, {count} schedule entries, last run {newest or 'never'}"

    def _heartbeat(self) -> float:
        asked = self.shell.run(
            command("docker", "exec", self.container(), "stat", "-c", "%.Y", "/run/slipway/beat.heartbeat")
        )
        return _number(asked.checked(where="beat", hint="does the beat container run?").stdout, "beat")


def _number(text: str, where: str) -> float:
    try:
        return float(text.strip())
    except ValueError as error:
        raise Refused(f"answers {text.strip()[:80]!r}, expected a number", where=where) from error
