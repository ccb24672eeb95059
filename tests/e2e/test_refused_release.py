"""Releases that cannot go live: one message, and everything is as it was before."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import pytest

from tests.e2e.conftest import Standing
from tests.e2e.looks import Looks
from tests.e2e.person import Person

pytestmark = pytest.mark.rehearsal

BROKEN = """\
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("artists", "0002_seed_artists")]
    operations = [migrations.RunSQL("ALTER TABLE artists_artist ADD CONSTRAINT nonsense CHECK (length(name) > 999)")]
"""


@dataclass(frozen=True)
class Seen:
    """What serves: container and image of each service, configured tags, history, applied migrations."""

    containers: dict[str, str]
    images: dict[str, str]
    tags: dict[str, str]
    history: list[dict[str, object]]
    migrations: str

    @classmethod
    def by(cls, looks: Looks) -> "Seen":
        running = looks.running()
        return cls(
            {name: str(container.id) for name, container in running.items()},
            {name: str(container.attrs["Image"]) for name, container in running.items()},
            looks.tags(),
            looks.history(),
            looks.sql("SELECT count(*) FROM django_migrations"),
        )


@contextmanager
def nothing_changes(standing: Standing, looks: Looks) -> Iterator[Seen]:
    """Hold everything that serves against what it was, but for containers that were put back; the source goes back."""
    before = Seen.by(looks)
    try:
        yield before
        looks.settled()
        after = Seen.by(looks)
        assert replace(after, containers={}) == replace(before, containers={})
        assert looks.visitor.asks("api", "/api/artists/").status_code == 200
        assert not looks.is_locked()
    finally:
        standing.source.goes_back()


def test_a_migration_that_fails(standing: Standing, person: Person, looks: Looks) -> None:
    with nothing_changes(standing, looks) as before:
        standing.source.write("zamio_backend/artists/migrations/0003_broken.py", BROKEN).commit()
        person.types("build.all", *standing.words).ended(0)
        checked = person.types("check.images", *standing.words).ended(1)
        assert "the migrations do not apply to an empty database" in checked.out
        assert "migration artists.0003_broken failed: IntegrityError" in checked.out
        assert "Traceback" not in checked.said
        assert looks.client.containers.list(all=True, filters={"label": "slipway.stage"}) == []
        refused = person.types("deploy", *standing.words).ended(1)
        refused.told("the migration failed; the old release still serves", "nonsense", "mend the migration")
        assert looks.ids() == before.containers


def test_an_api_that_never_turns_healthy(standing: Standing, person: Person, looks: Looks) -> None:
    # Nothing before the server imports it: the image builds and the migration passes.
    asgi = "zamio_backend/core/asgi.py"
    with nothing_changes(standing, looks) as before:
        standing.source.edit(asgi, "import os", "import os, nonsense").commit()
        person.types("build.all", *standing.words).ended(0)
        refused = person.types("deploy", *standing.words, "--format", "json").ended(1)
        refused.told("service api: the deployment failed")
        document = refused.document
        assert document["ok"] is False
        outcomes = {step["name"]: step["outcome"] for step in document["steps"] if step["outcome"] != "done"}
        assert outcomes["deploy api"] == "failed"
        assert document["error"]["exit_code"] == 1
        looks.settled()
        assert looks.ids() == before.containers
        person.types("deploy.status", *standing.words).ended(0)


def test_a_person_who_presses_ctrl_c_while_the_api_is_deployed(
    standing: Standing, person: Person, looks: Looks
) -> None:
    with nothing_changes(standing, looks):
        standing.source.edit(
            "zamio_backend/core/urls.py", "from core.views import", "\nfrom core.views import"
        ).commit()
        person.types("build.all", *standing.words).ended(0)
        with person.begins("deploy", *standing.words) as deployment:
            deployment.says("deploy api ...")
            time.sleep(3)
            deployment.presses_ctrl_c()
            interrupted = deployment.result(120).ended(130)
        assert "Traceback" not in interrupted.said
        assert "interrupted" in interrupted.out
