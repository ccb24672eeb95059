"""Installs the Debian packages of the image, without those that the workspace leaves out, and that nothing misses.

APT_PACKAGES and APT_WITHOUT are names between blanks; packages of our own making lie in `OWN`. What is left out is said
to be there by one small package that provides it, so apt and dpkg stay content, later security updates install as ever,
and no list of packages names what is not in the image. Every program and library must then still find what it is linked
with; only what is loaded on demand (`dlopen`) may be gone.
"""

import difflib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

_PLANNED = re.compile(r"^Inst (\S+)(?: \[\S+\])? \((\S+)", re.MULTILINE)
_PLACEHOLDER = "slipway-left-out"
OWN = Path("/run/packages/package")
"""Where packages are that were built for the image and not taken from the mirror."""


def main() -> None:
    """Install; end with 1 and a line that says why where something is wrong."""
    wanted, without = os.environ.get("APT_PACKAGES", "").split(), os.environ.get("APT_WITHOUT", "").split()
    if not shutil.which("tini"):
        wanted.append("tini")
    wanted += sorted(str(file) for file in OWN.glob("*.deb"))
    if wanted:
        told("apt-get", "-q", "update")
    planned = plan(wanted) if wanted else {}
    refuse_unfit(wanted, without, planned)
    if without:
        leave_out({name: planned[name] for name in without})
    if wanted:
        told("apt-get", "-qy", "install", "--no-install-recommends", *wanted)
    if without:
        installed = set(planned) & installed_packages()
        absent = set(planned) - installed
        refuse_unlinked(installed, absent)
        print(f"left out: {', '.join(sorted(absent))}")


def plan(packages: list[str]) -> dict[str, str]:
    """Return what apt would install for `packages`, as name -> version."""
    return dict(_PLANNED.findall(asked("apt-get", "-qs", "install", "--no-install-recommends", *packages)))


def refuse_unfit(wanted: list[str], without: list[str], planned: dict[str, str]) -> None:
    """End where a package cannot be left out, because it would not come or was asked for."""
    for name in without:
        if name in wanted:
            end(f"{name} is in backend.apt, too")
        if name not in planned:
            near = difflib.get_close_matches(name, planned, 1)
            end(f"{name} would not be installed" + (f"; did you mean {near[0]}?" if near else ""))


def leave_out(versions: dict[str, str]) -> None:
    """Install the package that stands in for all that is left out."""
    architecture = asked("dpkg", "--print-architecture").strip()
    provides = ", ".join(f"{name} (= {version})" for name, version in sorted(versions.items()))
    control = {
        "Package": _PLACEHOLDER,
        "Version": "1",
        "Architecture": architecture,
        "Maintainer": "Slipway",
        "Provides": provides,
        "Description": "stands in for packages that this image leaves out",
    }
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "root", "DEBIAN", "control")
        file.parent.mkdir(parents=True, mode=0o755)
        file.write_text("".join(f"{key}: {value}\n" for key, value in control.items()))
        told("dpkg-deb", "--build", "--root-owner-group", f"{folder}/root", f"{folder}/left-out.deb")
        told("dpkg", "--install", f"{folder}/left-out.deb")


def installed_packages() -> set[str]:
    """Return the names of the packages that are there."""
    listed = asked("dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\\n").splitlines()
    return {name for name, status in (line.split() for line in listed) if status == "installed"}


def refuse_unlinked(installed: set[str], absent: set[str]) -> None:
    """End where a program or library is linked with something that went with an `absent` package.

    Only packages that depend on an absent one are looked at. By Debian's policy a package depends on what its files are
    linked with; a plugin that misses more than that misses it in a whole installation, too.
    """
    missing = []
    for package, lost in sorted(dependents(installed, absent).items()):
        for file in files_of(package):
            said = subprocess.run(["ldd", str(file)], capture_output=True, text=True, check=False).stdout
            missing += [
                f"{file} of {package} is linked with {library} ({', '.join(sorted(lost))})"
                for library in re.findall(r"(\S+) => not found", said)
            ]
    if missing:
        end("; ".join(missing[:5]))


def dependents(installed: set[str], absent: set[str]) -> dict[str, set[str]]:
    """Return the packages that depend on absent ones, with those that they depend on."""
    shown = asked("dpkg-query", "--show", "--showformat=${Package}\\t${Pre-Depends}, ${Depends}\\n", *sorted(installed))
    found = {}
    for line in shown.splitlines():
        package, _, depends = line.partition("\t")
        named = {re.split(r"[ :(]", part.strip(), maxsplit=1)[0] for part in re.split(r"[,|]", depends)}
        if lost := named & absent:
            found[package] = lost
    return found


def files_of(package: str) -> Iterator[Path]:
    """Yield the programs and libraries of `package`."""
    for line in asked("dpkg-query", "--listfiles", package).splitlines():
        file = Path(line)
        if file.is_file() and not file.is_symlink() and is_elf(file):
            yield file


def is_elf(file: Path) -> bool:
    """Whether a file is a program or a library."""
    with file.open("rb") as opened:
        return opened.read(4) == b"\x7fELF"


def told(*words: str) -> None:
    """Run a command that tells what it does; end with its exit code where it fails."""
    done = subprocess.run(words, check=False, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})
    if done.returncode:
        sys.exit(done.returncode)


def asked(*words: str) -> str:
    """Run a command and return what it says; end with its exit code where it fails."""
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=False, env={**os.environ, "LC_ALL": "C"})
    if done.returncode:
        sys.exit(done.returncode)
    return done.stdout


def end(why: str) -> None:
    """Say why the image cannot be made so, and end."""
    sys.exit(f"backend.apt_without: {why}")


if __name__ == "__main__":
    main()
