"""Requirements that install, build and pass /health/ and still leave a release without a worker.

Without a constraint a new kombu comes beside a redis client that it refuses at run time; pip sees no conflict, because
kombu names redis in an extra only. Nothing but starting the worker can tell.
"""

import re
from collections.abc import Iterator

import docker
import pytest

from tests.e2e.checkouts import Checkout, example
from tests.e2e.looks import forget_images
from tests.e2e.person import Person

pytestmark = pytest.mark.rehearsal

REQUIREMENTS = "zamio_backend/requirements.txt"


@pytest.fixture
def unconstrained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    checkout = example(tmp_path_factory.mktemp("unconstrained"))
    checkout.edit(REQUIREMENTS, "celery[redis]>=5.5.0,<6.0", "celery>=5.7,<6.0\nkombu>=5.7")
    checkout.edit(REQUIREMENTS, "redis>=6.1.0,<7.0", "redis>=5.0.1,<6").commit()
    yield checkout
    client = docker.from_env()
    forget_images(client, checkout.tags)
    client.close()


def test_images_whose_worker_dies_are_refused_and_the_reason_is_its_own_last_words(unconstrained: Checkout) -> None:
    person = Person()
    words = ("--source", str(unconstrained.path))
    person.types("build.all", *words).ended(2).told(
        "backend.lock: does not fit the requirements any more",
        "redis<6,>=5.0.1 is asked for, the lock has ",
        f"`inv build.lock --source {unconstrained.path}` makes it anew",
    )
    assert re.search(r"^redis 6\.\S+ -> 5\.", person.types("build.lock", *words).ended(0).out, re.MULTILINE)
    unconstrained.commit()
    person.types("build.all", *words).ended(0)
    document = person.types("check.images", *words, "--format", "json").ended(1).document
    assert document["ok"] is False
    errors = {
        (issue["subject"], issue["id"]): issue["message"]
        for issue in document["issues"]
        if issue["severity"] == "error"
    }
    assert {subject for subject, _ in errors} == {"worker", "beat"}
    assert "the container stopped by itself" in errors["worker", "images.start"]
    assert "Redis transport requires redis-py versions 6.1.0 or later" in errors["worker", "images.start"]
    assert "worker does not run" in errors["worker", "images.task"]
