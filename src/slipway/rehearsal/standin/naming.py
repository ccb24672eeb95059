"""Names Coolify gives: uuids, slugs, image references, containers."""

import re
import secrets
import string
import unicodedata
from datetime import UTC, datetime
from typing import Any

_UUID_LETTERS = string.ascii_lowercase + string.digits
_HEX_DIGEST = re.compile(r"[0-9a-f]{64}\Z")


def new_uuid() -> str:
    """24 random characters of a-z and 0-9; may start with a digit (since 4.2.0)."""
    return "".join(secrets.choice(_UUID_LETTERS) for _ in range(24))


def timestamp(moment: datetime | None = None) -> str:
    """A model's time in Coolify's JSON: `2026-08-22T15:22:50.000000Z`."""
    return (moment or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%S.000000Z")


def slug(text: str) -> str:
    """The text as Laravel's Str::slug writes it into labels."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    plain = plain.replace("@", "-at-").replace("_", "-")
    plain = re.sub(r"[^-a-z0-9\s]", "", plain)
    return re.sub(r"[-\s]+", "-", plain).strip("-")


def container_name(application: dict[str, Any], moment: datetime) -> str:
    """The name of the next container: `<uuid>-<HHMMSSuuuuuu>`, or the fixed one that the settings ask for."""
    settings = application["settings"]
    if settings["custom_internal_name"]:
        return str(settings["custom_internal_name"])
    if settings["is_consistent_container_name_enabled"]:
        return str(application["uuid"])
    return f"{application['uuid']}-{moment.strftime('%H%M%S%f')}"


def has_fixed_name(application: dict[str, Any]) -> bool:
    """Whether every container of the application bears the same name, so that two cannot run side by side."""
    settings = application["settings"]
    return bool(settings["is_consistent_container_name_enabled"] or settings["custom_internal_name"])


def image_reference(name: str, tag: str | None) -> str:
    """What is pulled for a repository and a tag; a tag `sha256-<hex>` or a name ending `@sha256` means a digest."""
    if not tag:
        return f"{name}:latest"
    if tag.startswith("sha256-"):
        return f"{name}@sha256:{tag.removeprefix('sha256-')}"
    return f"{name}:{tag}"


def split_reference(name: str, tag: str | None) -> tuple[str, str | None]:
    """Name and tag as *creating* an application stores them (a PATCH does no such parsing)."""
    if "@sha256:" in name:
        repository, digest = name.split("@sha256:", 1)
        return f"{repository}@sha256", digest
    if tag and _HEX_DIGEST.match(tag) and not name.endswith("@sha256"):
        return f"{name}@sha256", tag
    repository, colon, inline = name.rpartition(":")
    if not tag and colon and "/" not in inline:
        return repository, inline
    return name, tag
