"""Effective values: references in place, as rules over whole settings see them."""

from pathlib import Path

import pytest

from slipway.checks.effective import is_laid, setting, text
from slipway.checks.stores import image_major
from slipway.config.config import load_config
from slipway.config.workspace import Workspace


def test_references_are_put_in_place_and_unknown_ones_are_no_value(root: Path, workspace: Workspace) -> None:
    lines = "BASE_URL=${service.api.public_url}/x\nEMAIL_HOST=mail.${nothing}\nDB_POOL_SIZE=many\n"
    with (root / "env" / "production.env").open("a") as file:
        file.write(lines)
    config = load_config(root, "production", workspace)
    assert text(config, "BASE_URL", "api") == "https://api.zamio.com/x"
    assert text(config, "EMAIL_HOST", "api") == ""
    assert setting(config, "DB_POOL_SIZE", "api") is None
    assert text(config, "NOT_IN_THE_SCHEMA") == ""


def test_a_subject_is_laid_where_no_service_leaves_it_out(root: Path, workspace: Workspace) -> None:
    (root / "env" / "production.worker.env").write_text("SLIPWAY_OVERLAY_OFF=database\n")
    config = load_config(root, "production", workspace)
    assert is_laid(config, "database", ["api"])
    assert not is_laid(config, "database", ["api", "worker"])
    assert is_laid(config, "security", ["api", "worker"])


@pytest.mark.parametrize(
    ("image", "major"),
    [
        ("postgres:15", "15"),
        ("postgres:15.4-alpine3.20@sha256:ab", "15"),
        ("registry:5000/library/postgres:16-bookworm", "16"),
        ("pgvector/pgvector:pg15", "15"),
        ("timescale/timescaledb:2.17.2-pg15", "15"),
        ("postgis/postgis:15-3.4", "15"),
        ("redis:v7", "7"),
        ("redis:alpine3.19", ""),
        ("postgres:latest", ""),
        ("registry:5000/redis", ""),
        ("redis", ""),
        ("postgres@sha256:15ab", ""),
        ("postgres:15ab", ""),
    ],
)
def test_a_version_is_read_from_the_tag_alone(image: str, major: str) -> None:
    assert image_major(image) == major
