"""What must not be in an image: keys, env files, histories, and secrets by their known values."""

from collections.abc import Iterable

from slipway.checks.images.stage import APPLICATION, PORTAL_ROOT, Stage
from slipway.checks.issue import Issue
from slipway.secret import Secret, forms

_KEYS_AND_HISTORIES = "-name id_rsa -o -name id_dsa -o -name id_ecdsa -o -name id_ed25519 -o -name '.*history'"
_OURS = f"{APPLICATION} {PORTAL_ROOT}"
_ENV_FILES = "-name .env -o -name '.env.*' -o -name '*.secrets.env' -o -name '*.pem' -o -name '*.key'"
_EXAMPLES = (".example", ".sample", ".template")  # an env file without values
_SHORTEST_SECRET = 6  # a shorter value is found in ordinary words


def keeps_no_secrets(stage: Stage) -> Iterable[Issue]:
    """No key, env file or shell history is in the image, no known secret in its variables, labels or history.

    What its layers hold is searched by `engines/image_layers.py`: once a layer, not once a container.
    """
    if stage.root.run("find / -xdev -maxdepth 0").rc != 0:
        yield stage.issue("secrets", "the image has no `find`, so its files cannot be looked through")
        return
    asked = (
        f"find / -xdev -type f \\( {_KEYS_AND_HISTORIES} \\) 2>/dev/null",
        f"find {_OURS} -xdev -type f \\( {_ENV_FILES} \\) ! -path '*/site-packages/*' 2>/dev/null",
    )
    left = {path for question in asked for path in stage.root.run(question).stdout.splitlines()}
    for path in sorted(left):
        if not path.endswith(_EXAMPLES):
            yield stage.issue("secrets", f"{path} is in the image", "name it in .dockerignore")
    values = recognisable(stage.secrets)
    seen: set[str] = set()
    for name, text in (*stage.image.labels.items(), *stage.image.environment.items()):
        if held := {value for value in values if value in text}:
            seen |= held
            yield stage.issue("secrets", f"a secret's value is baked into {name}", "give it when the container starts")
    # Variables and labels stand in the history, too; here is what only that shows, as a build argument.
    for number, line in enumerate(stage.image.history, 1):
        if any(value in line for value in values if value not in seen):
            told = f"a secret's value is in line {number} of the image's history"
            yield stage.issue("secrets", told, "give it to the build as a secret, never as an argument")


def recognisable(secrets: Iterable[Secret]) -> list[str]:
    """Return how secrets are looked for: their longest line as it is, in base64, hex, a URL, JSON, HTML and a shell.

    One that would be found in ordinary words is left out; none holds a line break.
    """
    lines = {max(secret.reveal().splitlines(), key=len, default="").strip() for secret in secrets}
    return sorted({form for line in lines if len(line) >= _SHORTEST_SECRET for form in forms(Secret(line))})
