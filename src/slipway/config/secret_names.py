"""Names and values that promise a secret: what may not reach a browser, whatever the schema says of it. Pure."""

import re
from enum import StrEnum

_SURE = r"SECRET|PASSWORD|PASSWD|PASSPHRASE|PRIVATE|CREDENTIAL|TOKEN(?![A-Z])"
_KEY = r"_KEY$|API_?KEY"
SECRET_WORD = re.compile(rf"{_SURE}|{_KEY}|DATABASE_URL|DSN")
"""A name of the project's sources that stands for a secret, or for an address with one in it."""

_PROMISE = re.compile(rf"{_SURE}|(SIGNING|ENCRYPTION|MASTER|ADMIN|SERVICE|SERVICE_ROLE)_?KEY$")
_ANY_KEY = re.compile(rf"{_KEY}|ACCESS_?KEY|^VITE_KEY$")
# What a vendor hands out for pages: keys of payment, Web Push, CAPTCHA, maps, Firebase, search, analytics.
_PUBLIC = re.compile(
    r"_(PUBLIC|PUBLISHABLE|PUB|SITE|SITEKEY|CLIENT_ID|ANON|BROWSER|VAPID|MAPS|FIREBASE|SENTRY|RECAPTCHA|HCAPTCHA|TURNSTILE"
    r"|GA|GTM|ANALYTICS|POSTHOG|SEGMENT|AMPLITUDE|MIXPANEL|HOTJAR|PLAUSIBLE|ALGOLIA_SEARCH|PUSHER(_APP)?)(_|$)"
)
# A setting about a secret: where it is asked for, how long it may be, under which name it is kept.
_ABOUT = re.compile(
    r"_(URL|URI|PATH|ROUTE|ENDPOINT|HOST|LENGTH|MIN|MAX|SIZE|SECONDS|MINUTES|HOURS|DAYS|MS|TTL|TIMEOUT|EXPIRY|LIFETIME|INTERVAL"
    r"|HEADER|COOKIE|NAME|FIELD|PREFIX|PATTERN|REGEX|TYPE|LABEL|HINT|ENABLED|DISABLED|REQUIRED"
    r"|(STORAGE|CACHE|QUERY|SORT|HOT|I18N|TRANSLATION)_KEY)$"
)
# How vendors mark what only a server may have: OpenAI, Stripe, Mapbox, GitHub, GitLab, Slack, AWS, SendGrid; a PEM key.
_MARKED = re.compile(
    r"(sk|rk)[-_](live|test|proj|ant|svcacct)[-_]|sk-\w{20}|sk\.|gh[pousr]_|github_pat_|glpat-|xox[abeprs]-|whsec_"
    r"|A(KI|SI)A[A-Z0-9]{16}|SG\.|-----BEGIN [A-Z ]{0,20}PRIVATE"
)
# Mapbox, Stripe and Sentry mark what pages may have.
_MARKED_PUBLIC = re.compile(r"pk\.|pk_(live|test)_|https?://")
_PLAIN = re.compile(r"true|false|[\d.,]{0,12}", re.IGNORECASE)


class Promise(StrEnum):
    """How sure it is that a variable holds a secret."""

    SURE = "sure"
    MAYBE = "maybe"
    NONE = "none"


def promise(name: str, text: str) -> Promise:
    """Return whether a variable that browsers get holds a secret, by its name and by how its text begins.

    A name that its vendor means for pages is none, however it is marked; a key is only that, as many are public.
    """
    if _MARKED.match(text):
        return Promise.SURE
    if _PLAIN.fullmatch(text) or _MARKED_PUBLIC.match(text) or _ABOUT.search(name) or name.endswith("_DSN"):
        return Promise.NONE
    sure, key = _PROMISE.search(name), _ANY_KEY.search(name)
    if not (sure or key) or (_PUBLIC.search(name) and not _never_public(name)):
        return Promise.NONE
    return Promise.SURE if sure else Promise.MAYBE


def _never_public(name: str) -> bool:
    """Whether a name that also holds a public word still promises a secret: a site's SECRET, Firebase's PRIVATE key."""
    return re.search(r"SECRET|PASSWORD|PASSWD|PASSPHRASE|PRIVATE|CREDENTIAL", name) is not None
