"""Verification of the portals: each shows its page, and a browser on that page may read the API."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from slipway.config.workspace import ApiProbe, LoginProbe
from slipway.errors import Refused
from slipway.ports import Answer, Say, Web
from slipway.steps.look import Look, settled

# What `images/portal/configure` writes.
_ENVIRONMENT = re.compile(r"globalThis\.__ENV=Object\.freeze\((\{.*\})\);", re.DOTALL)


@dataclass(frozen=True, slots=True)
class VerifyPortal(Look):
    """A portal's page, its script and a deep link answer, and they know the variables of this environment.

    `meant` are those variables. A page that loads /env.js finds them there; else they were written into its scripts,
    one of which names the API then.
    """

    web: Web
    portal: str
    url: str
    api_url: str
    meant: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 15
    pause: float = 0.5

    @property
    def name(self) -> str:
        """`verify portal admin`."""
        return f"verify portal {self.portal}"

    def describe(self) -> str:
        """Say what is asked."""
        return f"{self.url} shows its page, which speaks to {self.api_url}"

    def run(self, say: Say) -> str:
        """Ask for page, script and deep link. Raises `Refused` naming what differs."""
        page = settled(lambda: self.web.ask("GET", f"{self.url}/"), 200, self.seconds, self.pause)
        scripts = re.findall(r"""src=["'](/[^"']+\.js)["']""", page.body)
        told = [script for script in scripts if script.endswith("/env.js")]
        own = [script for script in scripts if script not in told]
        if page.status != 200 or not own:
            raise Refused(f"answers {page.status} with {len(own)} scripts", where=self.url)
        code = [self.web.ask("GET", self.url + script) for script in own]
        say(f"{self.url}: {page.status}, {own[0]}")
        # nginx answers a missing file with the page where a portal's routes are caught all.
        missing = [s for s, answer in zip(own, code, strict=True) if answer.status != 200 or answer.body == page.body]
        if missing:
            raise Refused(f"its page names scripts that are not there: {', '.join(missing)}", where=self.url)
        knows = self._is_told(told[0], say) if told else self._was_built_in(code)
        deep = self.web.ask("GET", f"{self.url}/a/deep/link")
        if deep.status != 200 or deep.body != page.body:
            raise Refused(f"a deep link answers {deep.status} and not the page", where=f"{self.url}/a/deep/link")
        return f"page, {len(own)} script(s), {knows}, deep link"

    def _is_told(self, script: str, say: Say) -> str:
        """Hold what /env.js says against what was meant."""
        where = self.url + script
        answer = self.web.ask("GET", where)
        found = _ENVIRONMENT.fullmatch(answer.body.strip())
        if answer.status != 200 or found is None:
            raise Refused(f"answers {answer.status} and does not tell the page its variables", where=where)
        try:
            values = json.loads(found[1])
        except ValueError as error:
            raise Refused(f"cannot be read: {error}", where=where) from error
        say(f"{where}: {', '.join(values) or 'no variables'}")
        if "no-store" not in answer.headers.get("cache-control", ""):
            raise Refused("may be kept, so a change would reach a browser late", where=where)
        if values != self.meant:
            differing = sorted(name for name in {*values, *self.meant} if values.get(name) != self.meant.get(name))
            raise Refused(
                f"says otherwise than was meant: {', '.join(differing)}",
                where=where,
                details=tuple(f"{name}: {values.get(name)!r}, meant {self.meant.get(name)!r}" for name in differing),
                hint="does the container run with this environment's variables?",
            )
        return f"/env.js with {len(values)} variable(s) as meant"

    def _was_built_in(self, entry: list[Answer]) -> str:
        if not any(self.api_url in text for text in self._bundle(entry)):
            raise Refused(f"no script names {self.api_url}", where=self.url, hint="was it built for this environment?")
        return "one naming the API"

    def _bundle(self, entry: list[Answer]) -> list[str]:
        """Return the entry scripts and every chunk they name: Vite splits code that is loaded later."""
        texts = [answer.body for answer in entry]
        chunks = {name for text in texts for name in re.findall(r"assets/[\w.-]+\.js", text)}
        answers = [self.web.ask("GET", f"{self.url}/{chunk}") for chunk in sorted(chunks)]
        return texts + [answer.body for answer in answers if answer.status == 200]


@dataclass(frozen=True, slots=True)
class VerifyCors(Look):
    """A browser on a portal's page may read the API's answers and post JSON to it: the API allows the portal's origin.

    `origin` is the portal's public URL. Without this a release passes whose portals show nothing but errors.
    """

    web: Web
    portal: str
    origin: str
    api_url: str
    api: ApiProbe
    login: LoginProbe

    @property
    def name(self) -> str:
        """`verify cors admin`."""
        return f"verify cors {self.portal}"

    def describe(self) -> str:
        """Say what is asked."""
        return f"{self.api_url} lets a page of {self.origin} read {self.api.path} and post to {self.login.path}"

    def run(self, say: Say) -> str:
        """Ask as a browser does: a read, and the question before a POST. Raises `Refused` where it would stop there."""
        read, post = self.api_url + self.api.path, self.api_url + self.login.path
        self._may(read, self.web.ask("GET", read, headers={"Origin": self.origin}), say)
        asks = {
            "Origin": self.origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type",
        }
        answer = self.web.ask("OPTIONS", post, headers=asks)
        if not 200 <= answer.status < 300:
            raise Refused(f"answers the question before a POST with {answer.status}", where=f"OPTIONS {post}")
        self._may(post, answer, say)
        # POST itself needs no permission (it is a "simple" method); the type application/json does.
        allowed = {word.strip().lower() for word in answer.headers.get("access-control-allow-headers", "").split(",")}
        if not allowed & {"content-type", "*"}:
            raise Refused("a POST may not say that it is JSON", where=f"OPTIONS {post}", hint="see CORS_ALLOW_HEADERS")
        return f"{self.origin} may read {self.api.path} and post JSON to {self.login.path}"

    def _may(self, url: str, answer: Answer, say: Say) -> None:
        allowed = answer.headers.get("access-control-allow-origin", "")
        say(f"{url}: {answer.status}, allows {allowed or 'no origin'}")
        if allowed not in {self.origin, "*"}:
            raise Refused(
                f"a page of {self.origin} may not read the answer: it allows {allowed or 'no origin'}",
                where=url,
                hint="is the portal among CORS_ALLOWED_ORIGINS?",
            )
