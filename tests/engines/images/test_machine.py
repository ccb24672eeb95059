from pathlib import Path

import pytest

from slipway.engines.images.machine import DebianMirror, build_arguments, find_mirror, read_machine
from slipway.errors import UsageError

_DEB822 = """\
# a comment
Types: deb deb-src
URIs: http://mirror.invalid/debian
Suites: trixie trixie-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.invalid/debian-security
Suites: trixie-security
Components: main
"""

_ONE_LINE = """\
deb [arch=amd64 signed-by=/k.gpg] https://m.invalid/debian/ bookworm main
deb-src https://m.invalid/debian/ bookworm main
deb https://m.invalid/sec bookworm-security main # note
"""


@pytest.mark.parametrize(
    ("name", "text", "mirror"),
    [
        ("debian.sources", _DEB822, DebianMirror("http://mirror.invalid/debian", "http://mirror.invalid/debian-security")),
        (
            "sources.list",
            _ONE_LINE,
            DebianMirror("https://m.invalid/debian/", "https://m.invalid/sec"),
        ),
        ("sources.list", "deb http://m.invalid/pool stable main\n", DebianMirror("http://m.invalid/pool")),
        (
            "sources.list",
            "deb http://other.invalid/repo bookworm main\ndeb http://m.invalid/debian bookworm main\n",
            DebianMirror("http://m.invalid/debian"),
        ),
        ("sources.list", "deb http://archive.invalid/ubuntu noble main universe\n", None),
        ("vendor.list", "deb https://v.invalid/linux/debian bookworm stable\n", None),
        ("vendor.list", "deb https://v.invalid/apt bookworm-pgdg main\n", None),
        ("cd.list", "deb cdrom:[Debian]/ bookworm main\ndeb file:/srv/debian bookworm main\n", None),
        ("off.sources", "Enabled: no\n" + _DEB822.partition("\n\n")[0].partition("\n")[2], None),
        ("folded.sources", "Types: deb\nURIs:\n http://m.invalid/debian\nSuites:\n bookworm\nComponents: main\n",
         DebianMirror("http://m.invalid/debian")),
        ("broken.sources", "Types deb\n: x\nURIs\n\n\n", None),
        ("sources.list", "deb\ndeb x\n\0deb [ [ ]\n", None),
        ("empty.list", "", None),
    ],
)  # fmt: skip
def test_debians_own_archive_is_found_whatever_the_machine_runs(
    name: str, text: str, mirror: DebianMirror | None
) -> None:
    assert find_mirror({name: text}) == mirror


def test_a_password_in_an_address_never_enters_an_image() -> None:
    with pytest.raises(UsageError, match=r"sources\.list: .*holds a password") as caught:
        find_mirror({"sources.list": "deb https://me:hunter22@m.invalid/debian bookworm main\n"})
    assert "hunter22" not in str(caught.value)


def test_the_text_for_images_names_debian_12_with_its_security_updates() -> None:
    text = DebianMirror("http://m.invalid/debian", "http://m.invalid/debian-security").deb822()
    assert find_mirror({"x.sources": text}) == DebianMirror(
        "http://m.invalid/debian", "http://m.invalid/debian-security"
    )
    assert "Suites: bookworm bookworm-updates\n" in text
    assert "trixie" not in text


def test_the_machine_is_read_from_its_files(tmp_path: Path) -> None:
    files = {
        "etc/apt/sources.list.d/debian.sources": _DEB822,
        "etc/apt/apt.conf.d/99": 'Acquire::Check-Date "false";\n// Acquire::Check-Valid-Until "true";\nAPT::x "y";\n',
        "usr/local/share/ca-certificates/ours/root.crt": "PEM",
        "usr/local/share/ca-certificates/README": "no certificate",
        "etc/pip.conf": "[global]\nindex-url = https://index.invalid/simple\n",
        "home/.config/pip/pip.conf": "this is no configuration",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    machine = read_machine(tmp_path, tmp_path / "home")
    assert machine.certificates == {"root.crt": b"PEM"}
    assert machine.apt_options == 'Acquire::Check-Date "false";\n'
    assert machine.pip_index == "https://index.invalid/simple"
    assert sorted(machine.files()) == ["apt/machine.conf", "apt/machine.sources", "ca/root.crt"]


def test_a_machine_that_has_nothing_gives_nothing(tmp_path: Path) -> None:
    assert read_machine(tmp_path).files() == {}


@pytest.mark.parametrize(
    ("index", "arguments"),
    [
        ("https://mirror.invalid/simple", {"PIP_INDEX_URL": "https://mirror.invalid/simple"}),
        ("https://name:secret@mirror.invalid/simple", {}),
        ("https://token@mirror.invalid/simple", {}),
        ("https://[mirror.invalid/simple", {}),
        ("", {}),
    ],
)
def test_every_build_gets_pips_index_unless_it_holds_a_log_in(
    tmp_path: Path, index: str, arguments: dict[str, str]
) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "pip.conf").write_text(f"[global]\nindex-url = {index}\n" if index else "[install]\n")
    assert build_arguments(tmp_path) == arguments
