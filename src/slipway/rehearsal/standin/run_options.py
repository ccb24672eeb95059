"""How Coolify turns `custom_docker_run_options` into Compose keys: by pattern over the whole text, quotes or not."""

import re
from typing import Any

from .store import Row

_OPTION = re.compile(r"(--\w+(?:-\w+)*)(?:\s|=)?([^\s-][^\s]*)?")
_ENTRYPOINT = re.compile(r"""--entrypoint(?:=|\s+)("(?:\\.|[^"])*"|'(?:\\.|[^'])*'|\S+)""")
_HOSTNAME = re.compile(r"--hostname=(\S+)")
_LISTS = {"--cap-add": "cap_add", "--cap-drop": "cap_drop", "--security-opt": "security_opt", "--sysctl": "sysctls",
          "--device": "devices", "--dns": "dns"}  # fmt: skip
_GPU = {"driver": "nvidia", "capabilities": ["gpu"]}
_SWITCHES = {"--init": "init", "--privileged": "privileged"}
_ADDRESSES = {"--ip": "ipv4_address", "--ip6": "ipv6_address"}


def scanned(options: str) -> str:
    """The part of the text in which options are looked for: all of it, the inside of quotes included."""
    return options


def compose_keys(application: Row) -> dict[str, Any]:
    """The service's extra keys. Options that Coolify does not map (`-v`, `--memory`, `--restart`, …) are dropped."""
    options = application["custom_docker_run_options"] or ""
    text = scanned(options)
    keys: dict[str, Any] = {}
    for found in _OPTION.finditer(text):
        option, value = found[1], (found[2] or "").strip("\"'")
        if option in _LISTS and value:
            listed = keys.setdefault(_LISTS[option], [])
            if value not in listed:
                listed.append(value)
        elif option in _SWITCHES:
            keys[_SWITCHES[option]] = True
        elif option == "--shm-size" and value:
            keys["shm_size"] = value
        elif option == "--ulimit" and value:
            keys.setdefault("ulimits", {}).update(_ulimit(value))
        elif option == "--gpus":
            keys["deploy"] = {"resources": {"reservations": {"devices": [_GPU]}}}
    if hostname := _HOSTNAME.search(text):
        keys["hostname"] = hostname[1].strip("\"'")
    if entrypoint := _ENTRYPOINT.search(options):
        keys["entrypoint"] = _unquoted(entrypoint[1])
    return keys


def addresses(application: Row) -> dict[str, str]:
    """Fixed addresses in the network, from `--ip` and `--ip6`."""
    text = scanned(application["custom_docker_run_options"] or "")
    return {_ADDRESSES[found[1]]: found[2] for found in _OPTION.finditer(text) if found[1] in _ADDRESSES and found[2]}


def mentions_address(application: Row) -> bool:
    """Whether the text `--ip` occurs anywhere, `--ipc` included: no rolling update then."""
    return "--ip" in (application["custom_docker_run_options"] or "")


def _ulimit(value: str) -> dict[str, Any]:
    name, _, limits = value.partition("=")
    soft, colon, hard = limits.partition(":")
    try:
        return {name: {"soft": int(soft), "hard": int(hard)}} if colon else {name: int(soft)}
    except ValueError:
        return {}


def _unquoted(raw: str) -> str:
    if raw.startswith('"'):
        return re.sub(r"\\(.)", r"\1", raw[1:-1])
    return raw[1:-1] if raw.startswith("'") else raw
