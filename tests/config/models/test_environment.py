from pathlib import Path

import pytest
from pydantic import ValidationError

from slipway.config.config import Config, load_config
from slipway.config.models.deployment import deployment_config
from slipway.config.models.environment import environment_config
from slipway.config.models.service import service_config
from slipway.config.workspace import Workspace
from slipway.errors import UsageError
from slipway.plans.desired import desired_databases, desired_services
from slipway.secret import Secret

OBSERVED = {
    "service.postgres.internal_url": Secret("postgresql://app:p%40ss-canary@abc123:5432/app"),
    "service.redis.internal_url": Secret("redis://default:r-canary@def456:6379/0"),
}
GIVEN = {"SLIPWAY_COOLIFY_TOKEN": "1|token-canary-token", "SECRET_KEY": "key-canary" * 6}


def loaded(root: Path, workspace: Workspace, name: str = "production", **more: str) -> Config:
    return load_config(root, name, workspace, {**GIVEN, **more})


@pytest.mark.parametrize("name", ["local", "rehearsal", "staging", "production"])
def test_every_environment_is_one_value_that_shows_no_secret(root: Path, workspace: Workspace, name: str) -> None:
    found = environment_config(loaded(root, workspace, name), OBSERVED)
    assert found.name == name
    assert [one.service.name for one in found.services] == list(workspace.services)
    assert found.database is not None
    assert found.database.password == Secret("p@ss-canary")
    assert found.redis is not None
    assert (found.deployment is None) == (name in {"local", "rehearsal"})
    for text in (found.model_dump_json(), repr(found), str(found.model_dump())):
        assert "canary" not in text


def test_before_the_platform_has_handed_anything_out_the_databases_are_open(root: Path, workspace: Workspace) -> None:
    found = environment_config(loaded(root, workspace))
    assert found.database is None
    assert found.redis is None


def test_what_the_api_trusts_is_read_as_it_is_resolved(root: Path, workspace: Workspace) -> None:
    security = environment_config(loaded(root, workspace)).security
    assert security.allowed_hosts == ("api.zamio.com", "localhost", "127.0.0.1")
    assert security.cors_origins == security.trusted_origins
    assert "https://stations.zamio.com" in security.cors_origins
    assert (security.debug, security.ssl_redirect, security.hsts_seconds) == (False, True, 31536000)
    assert security.session_cookie_samesite == "Lax"


def test_a_service_says_how_it_runs(root: Path, workspace: Workspace) -> None:
    config = loaded(root, workspace, MEDIA_ROOT="/srv/media", CELERY_MAX_TASKS_PER_CHILD="50")
    api, worker, beat, portal = (service_config(config, name) for name in ("api", "worker", "beat", "admin"))
    assert (api.network.public_url, api.network.internal_url) == (
        "https://api.zamio.com",
        "http://zamio-production-api:8000",
    )
    assert (worker.network.public_url, worker.network.internal_url) == (None, None)
    assert [service.update.rolling for service in (api, worker, beat, portal)] == [True, True, False, True]
    assert [(volume.path, volume.persistent) for volume in api.volumes] == [("/app/media", False), ("/srv/media", True)]
    assert portal.volumes == ()
    assert (api.limits.processes, api.limits.connections) == (None, 10)
    assert (worker.limits.processes, worker.limits.tasks_per_process) == (4, 50)
    assert portal.limits.connections is None


def test_a_services_own_file_counts_for_it_alone(root: Path, workspace: Workspace) -> None:
    (root / "env" / "production.worker.env").write_text("CELERY_WORKER_CONCURRENCY=9\nSLIPWAY_DRAIN_SECONDS=30\n")
    config = loaded(root, workspace)
    assert service_config(config, "worker").limits.processes == 9
    assert service_config(config, "worker").update.drain == 30
    assert service_config(config, "api").update.drain == 14


def test_where_to_deploy_to_misses_everything_at_once_with_a_place_each(root: Path, workspace: Workspace) -> None:
    file = root / "env" / "production.env"
    file.write_text("SLIPWAY_DOMAIN=zamio.com\nSLIPWAY_SSH_PORT=ssh\nSLIPWAY_REGISTRY=${nothing}\n")
    with pytest.raises(UsageError, match="where production is deployed to has 5 problems") as caught:
        deployment_config(load_config(root, "production", workspace))
    told = "\n".join(caught.value.details)
    assert "env/production.env:2: SLIPWAY_SSH_PORT is no port: 'ssh'" in told
    assert "env/production.env: SLIPWAY_SSH_HOST has no value" in told
    assert "env/production.secrets.env: SLIPWAY_COOLIFY_TOKEN has no value" in told
    assert "env/production.env:3: SLIPWAY_REGISTRY: no value for something in ${ }" in told


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("WEB_CONCURRENCY", "many", "WEB_CONCURRENCY is no whole number"),
        ("DEBUG", "yes", "DEBUG is neither true nor false"),
        ("SESSION_COOKIE_SAMESITE", "lax", "is none of Strict, Lax, None"),
        ("MEDIA_ROOT", "media", "MEDIA_ROOT is no absolute path"),
        ("DATABASE_URL", "postgresql://u:hunter2#x@h/d", "has a #"),
    ],
)
def test_a_misshapen_value_is_refused_with_its_place_and_not_shown(
    root: Path, workspace: Workspace, name: str, text: str, words: str
) -> None:
    with pytest.raises(UsageError) as caught:
        environment_config(loaded(root, workspace, **{name: text}), OBSERVED)
    assert words in str(caught.value)
    assert "given value" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_the_platform_is_told_what_the_models_say(root: Path, workspace: Workspace) -> None:
    given = {
        "POSTGRES_USER": "zamio",
        "POSTGRES_DB": "songs",
        "POSTGRES_PASSWORD": "x" * 20,
        "REDIS_PASSWORD": "y" * 20,
    }
    config = loaded(root, workspace, **given)
    database = desired_databases(config)[0]
    assert (database.user, database.database) == ("zamio", "songs")
    for desired in desired_services(config, "registry.example"):
        service = service_config(config, desired.name)
        assert (desired.alias, desired.domain, desired.rolling) == (
            service.network.alias,
            service.network.host,
            service.update.rolling,
        )


def test_a_value_cannot_be_changed_and_knows_its_keys(root: Path, workspace: Workspace) -> None:
    service = service_config(loaded(root, workspace), "api")
    with pytest.raises(ValidationError, match="frozen"):
        service.name = "other"  # type: ignore[misc]
    with pytest.raises(ValidationError, match="Extra inputs"):
        type(service.update)(rolling=True, drain=1, grace=2, grase=3)  # type: ignore[call-arg]
