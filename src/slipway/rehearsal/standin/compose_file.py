"""The compose documents that Coolify writes, for an application and for a database."""

from collections.abc import Mapping
from typing import Any

import yaml

from . import health_check, naming, proxy_labels, run_options
from .settings import VERSION
from .store import Row


def application_labels(application: Row, environment: Row, project: Row) -> dict[str, str]:
    """The labels that every application container bears. `coolify.applicationId` is the numeric id, not the uuid."""
    return {
        "coolify.managed": "true",
        "coolify.version": VERSION,
        "coolify.applicationId": str(application["id"]),
        "coolify.type": "application",
        "coolify.name": application["uuid"],
        "coolify.resourceName": naming.slug(application["name"]),
        "coolify.projectName": naming.slug(project["name"]),
        "coolify.serviceName": naming.slug(application["name"]),
        "coolify.environmentName": naming.slug(environment["name"]),
        "coolify.pullRequestId": "0",
    }


def aliases(application: Row, container: str) -> list[str]:
    """Names in the network: the container's, which changes with each deployment, and the custom aliases."""
    custom = (application["custom_network_aliases"] or "").split(",")
    return [container, *(alias for name in custom if (alias := name.strip()))]


def for_application(application: Row, container: str, labels: Mapping[str, str], network: str) -> dict[str, Any]:
    """The document of one deployment. `labels` are Coolify's own; the proxy's come from the application.

    The image's command stays: `start_command` is not written for image applications.
    """
    image = naming.image_reference(application["docker_registry_image_name"], application["docker_registry_image_tag"])
    service: dict[str, Any] = {"image": image, "container_name": container, "restart": "unless-stopped"}
    if application["ports_exposes"]:
        service["expose"] = application["ports_exposes"].split(",")
    membership = {"aliases": aliases(application, container), **run_options.addresses(application)}
    service |= {
        "networks": {network: membership},
        "mem_limit": application["limits_memory"],
        "memswap_limit": application["limits_memory_swap"],
        "mem_swappiness": application["limits_memory_swappiness"],
        "mem_reservation": application["limits_memory_reservation"],
        "cpus": float(application["limits_cpus"]),
        "cpu_shares": application["limits_cpu_shares"],
        "env_file": [".env"],
        "labels": {**proxy_labels.in_force(application, network), **labels},
    }
    if check := health_check.for_compose(application):
        service["healthcheck"] = check
    if application["limits_cpuset"]:
        service["cpuset"] = application["limits_cpuset"]
    if application["ports_mappings"]:
        service["ports"] = application["ports_mappings"].split(",")
    service |= run_options.compose_keys(application)
    return {"services": {container: service}, "networks": {network: {"external": True, "name": network}}}


def written(document: Mapping[str, Any]) -> str:
    """The document as YAML, keys in their order."""
    return yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=True, width=10_000)
