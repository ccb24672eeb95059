"""The fields of an image application: their defaults, where they are kept, and what the API accepts for them."""

import base64
import binascii
import re
from typing import Any

from .rules import Rule, boolean, number, one_of, text, texts
from .shell_grammar import is_shell_safe

_IMAGE_NAME = (
    r"(?:[a-zA-Z0-9.-]+(?::\d+)?/)?[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*(?:@sha256)?"
)
_IMAGE_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_IMAGE_NAME_ON_CREATE = rf"{_IMAGE_NAME}(?::{_IMAGE_TAG}|:[0-9a-f]{{64}})?"

HEALTH_COMMAND = r"[a-zA-Z0-9 \-_./:=@,+]+"
"""What a command check may be made of: no quotes, no `$`, no pipes."""

DEFAULTS: dict[str, Any] = {
    "description": None,
    "fqdn": None,
    "noindex_domains": None,
    "build_pack": "dockerimage",
    "git_repository": "coollabsio/coolify",
    "git_branch": "main",
    "git_commit_sha": "HEAD",
    "ports_exposes": None,
    "ports_mappings": None,
    "custom_network_aliases": None,
    "custom_labels": None,
    "custom_docker_run_options": None,
    "start_command": None,
    "status": "exited",
    "restart_count": 0,
    "max_restart_count": 10,
    "last_restart_at": None,
    "last_restart_type": None,
    "last_online_at": None,
    "health_check_enabled": False,
    "health_check_type": "http",
    "health_check_command": None,
    "health_check_path": "/",
    "health_check_port": None,
    "health_check_host": "localhost",
    "health_check_method": "GET",
    "health_check_scheme": "http",
    "health_check_return_code": 200,
    "health_check_response_text": None,
    "health_check_interval": 5,
    "health_check_timeout": 5,
    "health_check_retries": 10,
    "health_check_start_period": 5,
    "limits_memory": "0",
    "limits_memory_swap": "0",
    "limits_memory_swappiness": 60,
    "limits_memory_reservation": "0",
    "limits_cpus": "0",
    "limits_cpuset": None,
    "limits_cpu_shares": 1024,
    "pre_deployment_command": None,
    "pre_deployment_command_container": None,
    "post_deployment_command": None,
    "post_deployment_command_container": None,
    "redirect": "both",
    "is_http_basic_auth_enabled": False,
    "http_basic_auth_username": None,
    "http_basic_auth_password": None,
    "destination_type": "App\\Models\\StandaloneDocker",
    "destination_id": 0,
    "config_hash": None,
    "compose_parsing_version": "5",
    "swarm_replicas": 1,
    "additional_servers_count": 0,
    "additional_networks_count": 0,
    "deleted_at": None,
}

SETTINGS_DEFAULTS: dict[str, Any] = {
    "is_force_https_enabled": True,
    "is_gzip_enabled": True,
    "is_stripprefix_enabled": True,
    "is_consistent_container_name_enabled": False,
    "custom_internal_name": None,
    "stop_grace_period": None,
    "docker_images_to_keep": 2,
    "is_env_sorting_enabled": False,
    "is_log_drain_enabled": False,
    "is_container_label_escape_enabled": True,
    "is_auto_deploy_enabled": True,
    "use_build_server": False,
    "connect_to_docker_network": False,
}

HIDDEN = frozenset({"id", "tags"})
SENSITIVE = frozenset({"custom_labels", "http_basic_auth_password"})


def _image_name(pattern: str) -> Rule:
    shape = text(nullable=True, pattern=pattern, most=255)

    def rule(name: str, value: Any) -> str | None:
        if shape(name, value):
            return "The docker registry image name must be a valid Docker image name without a tag."
        return None

    return rule


def _port_mappings(_name: str, value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not re.fullmatch(r"\d{1,5}:\d{1,5}(,\d{1,5}:\d{1,5})*", value, re.ASCII):
        return "The ports mappings field format is invalid."
    hosts = [pair.split(":")[0] for pair in value.split(",")]
    return None if len(set(hosts)) == len(hosts) else "The ports mappings field has a duplicate host port."


def _run_options(_name: str, value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > 2000 or not is_shell_safe(value):
        return "The custom docker run options field format is invalid."
    return None


def _labels(_name: str, value: Any) -> str | None:
    try:
        base64.b64decode(str(value), validate=True).decode()
    except (binascii.Error, ValueError):
        return "The custom_labels should be base64 encoded."
    return None if isinstance(value, str) else "The custom labels field must be a string."


_OPTIONAL_TEXT = text(nullable=True)
_SECONDS = number(least=0, most=86_400)

RULES: dict[str, Rule] = {
    "name": text(least=1, most=255),
    "description": _OPTIONAL_TEXT,
    "docker_registry_image_name": _image_name(_IMAGE_NAME),
    "docker_registry_image_tag": text(nullable=True, pattern=_IMAGE_TAG),
    "git_commit_sha": text(pattern=r"[a-zA-Z0-9][a-zA-Z0-9._\-/]*", most=255),
    "domains": _OPTIONAL_TEXT,
    "noindex_domains": texts(),
    "force_domain_override": boolean(),
    "redirect": one_of("both", "www", "non-www"),
    "ports_exposes": text(pattern=r"\d{1,5}(,\d{1,5})*"),
    "ports_mappings": _port_mappings,
    "custom_network_aliases": text(
        nullable=True, pattern=r"[a-zA-Z0-9][a-zA-Z0-9._-]*(\s*,\s*[a-zA-Z0-9][a-zA-Z0-9._-]*)*"
    ),
    "custom_labels": _labels,
    "custom_docker_run_options": _run_options,
    "health_check_enabled": boolean(),
    "health_check_type": one_of("http", "cmd"),
    "health_check_command": text(nullable=True, pattern=HEALTH_COMMAND, most=1000),
    "health_check_path": text(pattern=r"[a-zA-Z0-9/\-_.~%,;]+"),
    "health_check_port": number(nullable=True, whole=True, least=1, most=65_535),
    "health_check_host": text(pattern=r"[a-zA-Z0-9.\-_]+"),
    "health_check_method": one_of("GET", "HEAD", "POST", "OPTIONS"),
    "health_check_scheme": one_of("http", "https"),
    "health_check_return_code": number(whole=True),
    "health_check_response_text": _OPTIONAL_TEXT,
    "health_check_interval": _SECONDS,
    "health_check_timeout": _SECONDS,
    "health_check_retries": _SECONDS,
    "health_check_start_period": _SECONDS,
    "limits_memory": text(),
    "limits_memory_swap": text(),
    "limits_memory_swappiness": number(least=0, most=100),
    "limits_memory_reservation": text(),
    "limits_cpus": text(),
    "limits_cpuset": _OPTIONAL_TEXT,
    "limits_cpu_shares": number(least=0),
    "pre_deployment_command": _OPTIONAL_TEXT,
    "pre_deployment_command_container": _OPTIONAL_TEXT,
    "post_deployment_command": _OPTIONAL_TEXT,
    "post_deployment_command_container": _OPTIONAL_TEXT,
    "max_restart_count": number(whole=True, least=0),
    "is_http_basic_auth_enabled": boolean(),
    "http_basic_auth_username": _OPTIONAL_TEXT,
    "http_basic_auth_password": _OPTIONAL_TEXT,
    "start_command": _OPTIONAL_TEXT,
    "is_force_https_enabled": boolean(),
    "is_gzip_enabled": boolean(),
    "is_stripprefix_enabled": boolean(),
    "is_consistent_container_name_enabled": boolean(),
    "custom_internal_name": _OPTIONAL_TEXT,
    "stop_grace_period": number(nullable=True, whole=True, least=1, most=3600),
    "docker_images_to_keep": number(whole=True, least=0, most=100),
    "is_env_sorting_enabled": boolean(),
    "is_log_drain_enabled": boolean(),
    "is_container_label_escape_enabled": boolean(),
    "is_auto_deploy_enabled": boolean(),
    "use_build_server": boolean(),
    "connect_to_docker_network": boolean(),
    "instant_deploy": boolean(),
}
"""What a PATCH accepts for an image application."""

CREATE_RULES: dict[str, Rule] = {
    **RULES,
    "docker_registry_image_name": _image_name(_IMAGE_NAME_ON_CREATE),
    "project_uuid": text(),
    "server_uuid": text(),
    "environment_name": _OPTIONAL_TEXT,
    "environment_uuid": _OPTIONAL_TEXT,
    "destination_uuid": text(),
    "autogenerate_domain": boolean(),
    "tags": texts(least=2),
}

BOOLEANS = frozenset(
    name
    for name in (*DEFAULTS, *SETTINGS_DEFAULTS)
    if name.startswith("is_") or name in {"health_check_enabled", "use_build_server", "connect_to_docker_network"}
)


def stored(name: str, value: Any) -> Any:
    """The value as the row keeps it: flags as booleans, whole numbers as integers."""
    if name in BOOLEANS:
        return value in {True, "1"}
    if isinstance(DEFAULTS.get(name, SETTINGS_DEFAULTS.get(name)), int) and value is not None:
        return int(float(value))
    if name in {"stop_grace_period", "health_check_port"} and value is not None:
        return int(value)
    return value
