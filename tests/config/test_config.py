from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.config.config import Config, fingerprint, load_config
from slipway.config.generated import ALPHABET, generate_secrets
from slipway.config.health import HealthContract
from slipway.config.layers import Placed
from slipway.config.workspace import Configured, Workspace
from slipway.errors import UsageError
from slipway.secret import Secret

OBSERVED: dict[str, str | Secret] = {
    "service.postgres.internal_url": Secret("postgresql://app:pw@abc123:5432/app"),
    "service.redis.internal_url": Secret("redis://default:pw@def456:6379/0"),
}


@pytest.fixture
def config(root: Path, workspace: Workspace) -> Config:
    secrets = generate_secrets(load_config(root, "rehearsal", workspace).schema, {})
    return load_config(root, "rehearsal", workspace, {name: value.reveal() for name, value in secrets.items()})


def write(root: Path, **files: str) -> None:
    for name, text in files.items():
        (root / "env" / f"{name.replace('_', '.')}.env").write_text(text)


def test_the_rehearsal_gives_each_service_what_it_needs(config: Config) -> None:
    api, worker = (config.variables_for(name, OBSERVED) for name in ("api", "worker"))
    assert api["ALLOWED_HOSTS"] == "api.zamio.localhost,localhost,127.0.0.1"
    assert str(api["CORS_ALLOWED_ORIGINS"]).split(",") == [
        f"https://{portal}.zamio.localhost" for portal in ("frontend", "admin", "publisher", "stations")
    ]
    assert api["DATABASE_URL"] == OBSERVED["service.postgres.internal_url"]
    assert api["SECRET_KEY"] == worker["SECRET_KEY"]
    assert isinstance(api["SECRET_KEY"], Secret)
    assert (api["SLIPWAY_ROLE"], worker["SLIPWAY_ROLE"]) == ("web", "worker")
    assert (api["PORT"], api["SLIPWAY_DRAIN_SECONDS"]) == ("8000", "14")
    assert "ALLOWED_HOSTS" not in worker
    assert "DEMO_USER_PASSWORD" not in api


@pytest.mark.parametrize("way", Configured)
def test_a_portal_is_given_its_variables_whichever_image_it_runs(
    root: Path, workspace: Workspace, way: Configured
) -> None:
    config = load_config(root, "rehearsal", workspace.configured(way))
    assert config.variables_for("admin", {})["VITE_API_URL"] == "https://api.zamio.localhost"


def test_what_a_portal_may_read_is_the_same_in_every_environment(root: Path, workspace: Workspace) -> None:
    found = [load_config(root, name, workspace).bundled("admin") for name in ("rehearsal", "production")]
    assert found[0] == found[1]
    assert set(found[0]) == {"VITE_API_URL"}


def test_a_portal_knows_where_media_come_from(root: Path, workspace: Workspace) -> None:
    given = {"AWS_S3_CUSTOM_DOMAIN": "media.example.org"}
    config = load_config(root, "rehearsal", workspace, given)
    assert config.variables_for("admin", {})["SLIPWAY_MEDIA_ORIGINS"] == "https://media.example.org"
    assert "SLIPWAY_MEDIA_ORIGINS" not in load_config(root, "rehearsal", workspace).variables_for("admin", {})


def test_a_portal_gets_no_secret_and_its_build_only_public_addresses(config: Config) -> None:
    run = config.variables_for("admin", {})
    assert not any(isinstance(value, Secret) for value in run.values())
    assert config.build_arguments("admin") == {"VITE_API_URL": "https://api.zamio.localhost"}
    assert config.build_arguments("backend") == {}


TITLE = (
    "  VITE_TITLE: {type: string, services: [static], phase: build, required: [production], description: A title.}\n"
)


def titled(root: Path, **files: str) -> None:
    with (root / "env" / "schema.yaml").open("a") as schema:
        schema.write(TITLE)
    for name, text in files.items():
        with (root / "env" / f"{name}.env").open("a") as file:
            file.write(text)


def test_what_is_read_at_build_is_in_the_bundle_and_in_no_container(root: Path, workspace: Workspace) -> None:
    titled(root, base="VITE_TITLE=ours\n")
    config = load_config(root, "production", workspace)
    assert config.built_in("admin") == {"VITE_TITLE": "ours"}
    assert config.built_in("backend") == {}
    assert "VITE_TITLE" not in config.variables_for("admin", {})
    assert "VITE_TITLE" not in config.bundled("admin")
    assert "VITE_TITLE" not in config.build_arguments("admin")


def test_what_is_read_at_build_is_missed_where_it_is_required(root: Path, workspace: Workspace) -> None:
    titled(root)
    assert load_config(root, "staging", workspace).built_in("admin") == {}
    with pytest.raises(UsageError, match=r"VITE_TITLE has no value \(image admin needs it\)"):
        load_config(root, "production", workspace).built_in("admin")


@pytest.mark.parametrize("files", [{"production": "VITE_TITLE=theirs\n"}, {"base": "VITE_TITLE=${domain}\n"}])
def test_an_environment_of_its_own_cannot_change_an_image_that_serves_all(
    root: Path, workspace: Workspace, files: dict[str, str]
) -> None:
    titled(root, **files)
    with pytest.raises(UsageError, match="which serves every environment"):
        load_config(root, "production", workspace).built_in("admin")
    classic = load_config(root, "production", workspace.configured(Configured.BUILD))
    assert classic.built_in("admin") == {
        "VITE_TITLE": files.get("production", "=zamio.com\n").strip().partition("=")[2]
    }


def test_everything_that_is_missing_or_open_comes_in_one_error(root: Path, workspace: Workspace) -> None:
    config = load_config(root, "rehearsal", workspace)
    with pytest.raises(UsageError) as caught:
        config.variables_for("api", {})
    text = str(caught.value)
    assert "SECRET_KEY has no value" in text
    assert "DATABASE_URL: no value for ${service.postgres.internal_url}" in text
    assert "REDIS_URL: no value for ${service.redis.internal_url}" in text
    assert "env/base.env:" in text


def test_an_empty_required_value_counts_as_missing(root: Path, workspace: Workspace) -> None:
    config = load_config(root, "rehearsal", workspace, {"SECRET_KEY": ""})
    with pytest.raises(UsageError, match="SECRET_KEY has no value"):
        config.variables_for("beat", OBSERVED)


def test_each_layer_wins_over_the_ones_below_and_says_so(root: Path, workspace: Workspace, tmp_path: Path) -> None:
    name = "CELERY_WORKER_CONCURRENCY"

    def setting(process: dict[str, str] | None = None, secrets: Path | None = None) -> tuple[str, str, tuple[str, ...]]:
        found = load_config(root, "rehearsal", workspace, process, secrets).setting(name, "worker")
        assert found is not None
        return found.text.reveal(), found.where, found.overrides

    write(root, base="", rehearsal="")
    assert setting() == ("4", "env/schema.yaml (default)", ())
    write(root, base=f"{name}=1\n")
    write(root, rehearsal=f"\n{name}=2\n")
    write(root, rehearsal_secrets=f"{name}=3\n")
    (tmp_path / "more.env").write_text(f"{name}=5\n")
    below = ("env/base.env:1", "env/rehearsal.env:2", "env/rehearsal.secrets.env:1")
    assert setting() == ("3", below[2], below[:2])
    assert setting(secrets=tmp_path / "more.env") == ("5", "more.env:1", below)
    write(root, rehearsal_worker=f"{name}=6\n", rehearsal_api=f"{name}=7\n")
    assert setting() == ("6", "env/rehearsal.worker.env:1", below)
    assert setting({name: "8"})[:2] == ("8", "given value")
    assert setting({name: Placed("9", "the ground")})[:2] == ("9", "the ground")


def test_names_that_the_schema_does_not_have_reach_no_service(root: Path, workspace: Workspace) -> None:
    config = load_config(root, "rehearsal", workspace, {"SECRET_KEY": "x", "PATH": "/bin", "PORT": "1"})
    variables = config.variables_for("api", OBSERVED)
    assert "PATH" not in variables
    assert variables["PORT"] == "8000"


@pytest.mark.parametrize("name", ["../production", "Production", "", "a/b", "x" * 40, "base.x"])
def test_an_environment_name_stays_in_its_folder(root: Path, workspace: Workspace, name: str) -> None:
    with pytest.raises(UsageError, match="small letters"):
        load_config(root, name, workspace)


def test_an_unknown_environment_gets_a_suggestion(root: Path, workspace: Workspace) -> None:
    with pytest.raises(UsageError, match="did you mean --env production"):
        load_config(root, "prodution", workspace)


def test_unreadable_files_and_strays_come_in_one_error(root: Path, workspace: Workspace, tmp_path: Path) -> None:
    (root / "env" / "base.env").write_bytes(b"A=\xe9\n")
    write(root, rehearsal_aip="DEBUG=true\n")
    with pytest.raises(UsageError) as caught:
        load_config(root, "rehearsal", workspace, {}, tmp_path / "nowhere.env")
    text = str(caught.value)
    assert "env/base.env:1: is not UTF-8" in text
    assert "env/rehearsal.aip.env: belongs to no service" in text
    assert "nowhere.env: there is no such file" in text


def test_public_names_come_from_the_domain(config: Config) -> None:
    assert config.public_url("stations") == "https://stations.zamio.localhost"
    assert config.public_host("worker") is None
    with pytest.raises(UsageError, match="service worker has no subdomain"):
        config.public_url("worker")


def test_without_a_domain_the_error_says_which_line_to_add(root: Path, workspace: Workspace) -> None:
    write(root, rehearsal="")
    with pytest.raises(UsageError, match="add SLIPWAY_DOMAIN="):
        load_config(root, "rehearsal", workspace).variables_for("api", OBSERVED)


def test_a_probe_gets_its_secret_and_an_unknown_one_is_refused(config: Config) -> None:
    assert config.expand("${secret.DEMO_USER_PASSWORD}") == config.secrets()["DEMO_USER_PASSWORD"]
    assert config.expand("https://${domain}/") == "https://zamio.localhost/"
    with pytest.raises(UsageError, match=r"no value for \$\{secret\.NOBODY\}"):
        config.expand("${secret.NOBODY}")


def test_the_health_contract_takes_what_files_say(root: Path, workspace: Workspace) -> None:
    assert load_config(root, "rehearsal", workspace).health("api") == HealthContract()
    write(root, rehearsal_api="SLIPWAY_HEALTH_START_PERIOD=30\nSLIPWAY_DRAIN_SECONDS=20\n")
    config = load_config(root, "rehearsal", workspace, {"SECRET_KEY": "x"})
    assert config.health("api") == HealthContract(start_period=30, drain=20)
    assert config.health("worker") == HealthContract()
    assert config.variables_for("api", OBSERVED)["SLIPWAY_DRAIN_SECONDS"] == "20"
    write(root, rehearsal_api="SLIPWAY_HEALTH_RETRIES=many\n")
    with pytest.raises(UsageError, match=r"rehearsal\.api\.env:1: SLIPWAY_HEALTH_RETRIES must be a whole number"):
        load_config(root, "rehearsal", workspace).health("api")


def test_portals_that_share_an_image_may_not_disagree(root: Path, workspace: Workspace) -> None:
    twin = workspace.services["admin"].model_copy(update={"subdomain": "twin"})
    both = workspace.model_copy(update={"services": {**workspace.services, "twin": twin}})
    write(root, rehearsal_twin="VITE_API_URL=https://other.zamio.localhost\n")
    with pytest.raises(UsageError, match="VITE_API_URL differs between services"):
        load_config(root, "rehearsal", both).build_arguments("admin")


def test_generated_secrets_fit_their_own_schema_and_keep_what_exists(config: Config) -> None:
    made = generate_secrets(config.schema, {"SECRET_KEY": Secret("kept")})
    assert "SECRET_KEY" not in made
    for name, value in made.items():
        variable = config.schema.variables[name]
        assert len(value.reveal()) == variable.generate
        assert set(value.reveal()) <= set(ALPHABET)
        assert not value.reveal().startswith(("-", "_"))
        assert variable.misfit(value.reveal()) is None
    assert len({value.reveal() for value in made.values()}) == len(made)


def test_generation_is_pure_but_for_its_source(config: Config) -> None:
    first, second = (generate_secrets(config.schema, {}, lambda letters: letters[3]) for _ in range(2))
    assert first == second


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=5), st.binary(min_size=1, max_size=9))
def test_a_fingerprint_tells_equality_and_nothing_else(values: dict[str, str], key: bytes) -> None:
    hidden = {name: Secret(value) for name, value in reversed(values.items())}
    assert fingerprint(values, key) == fingerprint(hidden, key)
    assert fingerprint(values, key) != fingerprint({**values, "more": "x"}, key)
    assert fingerprint(values, key) != fingerprint(values, key + b"x")
    assert len(fingerprint(values, key)) == 32


def test_a_config_shows_no_secret(config: Config) -> None:
    text = repr(config) + repr(config.settings("api")) + repr(config.settings("admin"))
    for secret in config.secrets().values():
        assert secret.reveal() not in text


def test_all_that_may_never_be_shown_has_the_passwords_inside_addresses(root: Path, workspace: Workspace) -> None:
    (root / "env" / "production.secrets.env").write_text(
        "SECRET_KEY=one\nDATABASE_READ_URL=postgresql://u:p%2Fw@${service.postgres.host}/d\n"
        "SENTRY_DSN=https://key@sentry.example.org/1\nNOT_IN_SCHEMA=two\nREDIS_URL=redis://:${service.redis.password}@h\n"
    )
    (root / "env" / "production.api.env").write_text("DEFAULT_FROM_EMAIL=shown@example.org\nNOT_KNOWN=shown\n")
    (root / "env" / "production.worker.env").write_text("AWS_S3_ENDPOINT_URL=https://shown:en%2Fd@h:80/a@b\n")
    found = {one.reveal() for one in load_config(root, "production", workspace).hidden()}
    assert found == {"one", "p%2Fw", "p/w", "key", "https://key@sentry.example.org/1", "two", "en%2Fd", "en/d"}
