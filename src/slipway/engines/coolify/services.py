"""A service as a Coolify application: the fields to send, the fields to read back, and both in our words.

Coolify calls a service an application; only this file and its neighbours know.
"""

from collections.abc import Mapping
from typing import Any

from slipway.engines.coolify.http import Api, as_object, text_of
from slipway.errors import Refused
from slipway.release.desired import DesiredService, health_words, service_settings
from slipway.release.observed import ObservedService

HEALTH_COMMAND = "/usr/local/bin/healthcheck"
_COOLIFYS_GRACE = 30  # seconds, where `stop_grace_period` is null


def application_fields(desired: DesiredService, current: Mapping[str, Any]) -> dict[str, Any]:
    """Return the PATCH that makes an application what is desired, given its record now.

    `domains` goes along whenever there is or was one: without it Coolify keeps the proxy labels of the old port.
    """
    fields: dict[str, Any] = {
        "docker_registry_image_name": desired.repository,
        "custom_network_aliases": desired.alias,
        "health_check_enabled": True,
        "health_check_type": "cmd",
        "health_check_command": HEALTH_COMMAND,
        "health_check_interval": desired.health.interval,
        "health_check_timeout": desired.health.timeout,
        "health_check_retries": desired.health.retries,
        "health_check_start_period": desired.health.start_period,
        "stop_grace_period": desired.health.grace,
        "is_consistent_container_name_enabled": not desired.rolling,
    }
    if desired.port or text_of(current, "ports_exposes"):
        fields["ports_exposes"] = str(desired.port) if desired.port else None
    if desired.domain or text_of(current, "fqdn"):
        fields["domains"] = f"https://{desired.domain}" if desired.domain else None
    return fields


def differences(fields: Mapping[str, Any], record: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the fields that read back otherwise than they were sent, each with both values."""
    found = []
    for name, wanted in fields.items():
        actual = field_of(record, "fqdn" if name == "domains" else name)
        if _normal(wanted) != _normal(actual):
            found.append(f"{name}: sent {wanted!r}, Coolify has {actual!r}")
    return tuple(found)


def hindrances(desired: DesiredService, record: Mapping[str, Any]) -> tuple[str, ...]:
    """Return settings made elsewhere that would silently stop the old container before the new one is healthy."""
    if not desired.rolling:
        return ()
    found = [
        f"{name} is {field_of(record, name)!r}"
        for name in ("ports_mappings", "custom_internal_name")
        if field_of(record, name)
    ]
    if "--ip" in text_of(record, "custom_docker_run_options"):
        found.append("custom_docker_run_options contains --ip")
    return tuple(found)


def configure(api: Api, uuid: str, desired: DesiredService) -> None:
    """Send the settings and read them back. Raises `Refused` naming each field that did not arrive."""
    fields = application_fields(desired, read_application(api, uuid))
    api.send("PATCH", "applications", uuid, body=fields)
    record = read_application(api, uuid)
    wrong = differences(fields, record)
    if wrong:
        raise Refused(
            "Coolify took the settings and has others",
            where=f"service {desired.name}",
            details=wrong,
            hint="domains are ignored where the server has no proxy: see the server's Proxy page in Coolify",
        )
    stops = hindrances(desired, record)
    if stops:
        raise Refused(
            "a setting made in Coolify turns its rolling update off: the old container would be stopped first",
            where=f"service {desired.name}",
            details=stops,
            hint="clear it on the application's page in Coolify",
        )


def creation_fields(desired: DesiredService, tag: str) -> dict[str, Any]:
    """Return what `POST /applications/dockerimage` needs besides the place; nothing starts, no domain is invented."""
    fields: dict[str, Any] = {
        "name": desired.name,
        "docker_registry_image_name": desired.repository,
        "docker_registry_image_tag": tag,
        "autogenerate_domain": False,
        "instant_deploy": False,
    }
    if desired.port:
        fields["ports_exposes"] = str(desired.port)
    return fields


def read_application(api: Api, uuid: str) -> dict[str, Any]:
    """Return an application's record."""
    return as_object(api.get("applications", uuid), "an application")


def observed_service(name: str, record: Mapping[str, Any], variables: Mapping[str, str]) -> ObservedService:
    """Translate an application's record."""
    domain = _domain(text_of(record, "fqdn"))
    return ObservedService(
        name=name,
        uuid=text_of(record, "uuid"),
        tag=text_of(record, "docker_registry_image_tag"),
        status=text_of(record, "status"),
        domain=domain or None,
        variables=variables,
        settings=service_settings(
            repository=text_of(record, "docker_registry_image_name"),
            port=text_of(record, "ports_exposes"),
            domain=domain,
            alias=text_of(record, "custom_network_aliases"),
            rolling=not _is_true(field_of(record, "is_consistent_container_name_enabled")),
            health=_health(record),
            grace=str(grace_of(record)),
        ),
    )


def field_of(record: Mapping[str, Any], name: str) -> Any:
    """Return a field of the application, or of its `settings`, where Coolify keeps some."""
    if name in record:
        return record[name]
    settings = record.get("settings")
    return settings.get(name) if isinstance(settings, dict) else None


def grace_of(record: Mapping[str, Any]) -> int:
    """Return the seconds that Coolify lets an old container stop in."""
    return number_of(record, "stop_grace_period", _COOLIFYS_GRACE)


def number_of(record: Mapping[str, Any], name: str, otherwise: int) -> int:
    """Return a numeric field, also one written as text; `otherwise` where it is missing or no number."""
    value = field_of(record, name)
    try:
        return int(float(value)) if value is not None else otherwise
    except (TypeError, ValueError, OverflowError):
        return otherwise


def _health(record: Mapping[str, Any]) -> str:
    if not _is_true(record.get("health_check_enabled")):
        return "off"
    if record.get("health_check_type") != "cmd" or record.get("health_check_command") != HEALTH_COMMAND:
        return "another check"
    parts = ("interval", "timeout", "retries", "start_period")
    return health_words(*(number_of(record, f"health_check_{part}", 0) for part in parts))


def _domain(fqdn: str) -> str:
    """Return the host of a single https domain; anything else as it is, so that it shows as a difference."""
    host = fqdn.removeprefix("https://").rstrip("/")
    return host if fqdn.startswith("https://") and not set(host) & set(",:/") else fqdn


def _is_true(value: Any) -> bool:
    return value in (True, 1, "1", "true")


def _normal(value: Any) -> str:
    # Laravel gives booleans as true or 1, numbers as 2 or "2", and "" as null; a domain may gain a slash.
    if value is None or value is False:
        return "" if value is None else "0"
    if value is True:
        return "1"
    if isinstance(value, list):
        return ",".join(str(item) for item in value)
    return str(value).rstrip("/")
