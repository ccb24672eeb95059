"""Uploaded files: a bucket where the environment names one, else the folder that the project or MEDIA_ROOT names."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from slipway_runtime.conf.env import Env

BACKEND = "storages.backends.s3.S3Storage"
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


def overlay(settings: Mapping[str, Any], env: Env) -> dict[str, Any]:
    """Return the storage of media."""
    if env.text("AWS_STORAGE_BUCKET_NAME"):
        return _bucket(settings, env)
    for name in ("AWS_S3_ENDPOINT_URL", "AWS_S3_CUSTOM_DOMAIN"):
        if env.text(name):
            message = f"is set, but no AWS_STORAGE_BUCKET_NAME: media stay in a folder of this container ({name})"
            env.problem(name, message, "name the bucket", fatal=False, code="070")
    return _folder(env)


def _folder(env: Env) -> dict[str, Any]:
    root = env.text("MEDIA_ROOT")
    if not root:
        return {}
    # Whether it is shared between containers cannot be seen from here; whether it takes a file can.
    path = Path(root)
    if not path.is_absolute() or not path.is_dir():
        env.problem("MEDIA_ROOT", f"{root} is no folder here", "mount the shared volume there", code="074")
    elif not os.access(path, os.W_OK | os.X_OK):
        env.problem("MEDIA_ROOT", f"{root} cannot be written by user {os.getuid()}", "chown it", code="075")
    return {"MEDIA_ROOT": root}


def _bucket(settings: Mapping[str, Any], env: Env) -> dict[str, Any]:
    bucket = env.text("AWS_STORAGE_BUCKET_NAME")
    if not _BUCKET.fullmatch(bucket):
        env.problem("AWS_STORAGE_BUCKET_NAME", "is no bucket's name: 3 to 63 of a-z 0-9 . -", code="071")
    key, secret = env.text("AWS_ACCESS_KEY_ID"), env.text("AWS_SECRET_ACCESS_KEY")
    if bool(key) != bool(secret):
        missing = "AWS_SECRET_ACCESS_KEY" if key else "AWS_ACCESS_KEY_ID"
        env.problem(missing, "is not set, its other half is", "both, or neither", code="072")
    endpoint = env.text("AWS_S3_ENDPOINT_URL")
    if endpoint and not _is_url(endpoint):
        env.problem("AWS_S3_ENDPOINT_URL", "is no address such as https://s3.example.org", code="073")
    domain = env.text("AWS_S3_CUSTOM_DOMAIN")
    if domain and ("/" in domain or ":" in domain):
        env.problem("AWS_S3_CUSTOM_DOMAIN", "is a host name alone, such as media.example.org", code="073")
    options: dict[str, Any] = {
        "bucket_name": bucket,
        "access_key": key or None,
        "secret_key": secret or None,
        "endpoint_url": endpoint or None,
        "region_name": env.text("AWS_S3_REGION_NAME") or None,
        "custom_domain": domain or None,
        "location": env.text("AWS_LOCATION").strip("/"),
        "signature_version": "s3v4",
        # A server that is not Amazon's rarely has a host name for each bucket.
        "addressing_style": "path" if endpoint else "auto",
        "default_acl": None,
        # Two people upload song.mp3: the second gets a name of its own, as on a disk.
        "file_overwrite": False,
        "querystring_auth": env.boolean("AWS_QUERYSTRING_AUTH", default=True),
        "querystring_expire": int(env.seconds("AWS_QUERYSTRING_EXPIRE", 3600, low=1, high=604800)),
    }
    storages = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
    storages |= settings.get("STORAGES") or {}
    return {"STORAGES": {**storages, "default": {"BACKEND": BACKEND, "OPTIONS": options}}}


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0 and not parts.query
    except ValueError:
        return False
