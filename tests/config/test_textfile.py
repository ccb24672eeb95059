"""A file that cannot be had says why at once: nothing is waited for, and no link is passed over."""

import os
import socket
from pathlib import Path

import pytest

from slipway.config.layers import read_layers
from slipway.config.textfile import read_text
from slipway.config.workspace import Workspace


def pipe(file: Path) -> None:
    os.mkfifo(file)


def listener(file: Path) -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(file))


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda _: None, "file.missing: there is no such file"),
        (Path.mkdir, "file.unreadable: is a folder, not a file"),
        (pipe, "file.unreadable: is a pipe, a socket or a device, not a file"),
        (listener, "file.unreadable: cannot be read: No such device or address"),
        (lambda file: file.symlink_to("/dev/zero"), "file.unreadable: is a pipe, a socket or a device, not a file"),
        (lambda file: file.symlink_to("nowhere"), "file.unreadable: is a symbolic link that leads nowhere"),
        (lambda file: file.symlink_to(file), "file.unreadable: cannot be read: Too many levels of symbolic links"),
    ],
    ids=["nothing", "folder", "pipe", "socket", "device", "link", "loop"],
)
def test_what_is_no_file_is_told(tmp_path: Path, make: object, told: str) -> None:
    file = tmp_path / "a.env"
    make(file)  # type: ignore[operator]
    text, faults = read_text(file, "a.env")
    assert (text, [f"{fault.id}: {fault.message}" for fault in faults]) == ("", [told])


@pytest.mark.parametrize("name", ["production.secrets.env", "production.secrets.env.age", "production.api.env"])
def test_a_link_that_leads_nowhere_is_no_missing_layer(root: Path, workspace: Workspace, name: str) -> None:
    (root / "env" / name).symlink_to("nowhere")
    faults = read_layers(root, "production", workspace, {}, None)[1]
    assert ("file.unreadable", f"env/{name}") in [(fault.id, fault.where) for fault in faults]
