from slipway.config.health import HealthContract
from slipway.config.workspace import Engine, Role
from slipway.release.desired import DesiredDatabase, DesiredService, release_variables
from slipway.release.image import Version
from slipway.release.observed import Observed, ObservedDatabase, ObservedPlatform, ObservedService
from slipway.secret import Secret

API = DesiredService("api", Role.WEB, "registry/zamio/backend", 8000, "api.zamio.localhost", rolling=True)
BEAT = DesiredService("beat", Role.BEAT, "registry/zamio/backend", None, None, rolling=False)


def test_settings_are_texts_that_compare() -> None:
    assert API.settings == DesiredService(**{f: getattr(API, f) for f in API.__slots__}).settings
    assert all(isinstance(value, str) for value in (*API.settings.values(), *BEAT.settings.values()))
    assert API.alias == "api"
    changed = [key for key, value in API.settings.items() if BEAT.settings[key] != value]
    assert {"port", "domain", "alias"} <= set(changed)


def test_another_health_contract_is_another_setting() -> None:
    slow = DesiredService(
        "api", Role.WEB, API.repository, 8000, API.domain, rolling=True, health=HealthContract(interval=5)
    )
    assert slow.settings != API.settings


def test_values_with_secrets_do_not_show_them() -> None:
    database = DesiredDatabase("postgres", Engine.POSTGRESQL, "postgres:15", Secret("hidden-password"))
    seen = ObservedDatabase("postgres", "u", "running:healthy", Secret("postgres://a:hidden-password@u/app"))
    service = ObservedService("api", "u", "1", "running", variables={"KEY": "hidden-password"})
    platform = ObservedPlatform("p", {"postgres": seen}, {"api": service})
    assert "hidden-password" not in repr((database, Observed(platform)))
    assert seen.is_running
    assert not ObservedDatabase("postgres", "u", "exited", Secret("x")).is_running


def test_a_process_learns_its_release_from_its_deployment_and_a_portal_needs_none() -> None:
    version = Version("1.2.0", "0123456789ab", dirty=True)
    for role in (Role.WEB, Role.WORKER, Role.BEAT):
        assert release_variables(role, version) == {"SLIPWAY_VERSION": "1.2.0", "SLIPWAY_REVISION": "0123456789ab"}
    assert release_variables(Role.STATIC, version) == {}
