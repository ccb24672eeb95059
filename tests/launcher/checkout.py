"""A checkout in miniature: the real launcher, a lock with one small package, and a pip that needs no network for it."""

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]

# What the launcher may rely on: Debian's essential packages.
_TOOLS = (
    *("cat", "cmp", "cp", "date", "dirname", "env", "flock", "id", "mkdir", "mktemp", "mv", "readlink"),
    *("rm", "sed", "setsid", "sh", "sleep", "tail"),
)
_INVOKE = """import os, sys
def main():
    print(os.getcwd(), *sys.argv[1:], sep="|")
    print(f"invoke {VERSION} umask {os.umask(0):03o} pip_user {os.environ.get('PIP_USER')}")
"""
_BACKEND = """import os, time, zipfile
def build_editable(folder, config_settings=None, metadata_directory=None):
    while os.path.exists("slow"):
        time.sleep(0.05)
    name = "slipway-0-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        wheel.writestr("slipway.pth", "src")
        wheel.writestr("slipway-0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: slipway\\nVersion: 0\\n")
        wheel.writestr("slipway-0.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("slipway-0.dist-info/RECORD", "")
    return name
"""


@dataclass(slots=True)
class Checkout:
    """`root` holds inv and its lock; `programs` is all there is on the PATH."""

    root: Path
    programs: Path
    wheels: Path
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def venv(self) -> Path:
        """Where the launcher sets up."""
        return self.root / ".venv"

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the variables the launcher sees: pip is configured as a machine would be, by its own variables."""
        return {
            "PATH": str(self.programs),
            "HOME": str(self.programs.parent),
            "TMPDIR": str(self.programs.parent),
            "PIP_NO_INDEX": "1",
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_FIND_LINKS": str(self.wheels),
            **self.variables,
            **(more or {}),
        }

    def inv(
        self, *words: str, cwd: Path | None = None, more: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run the launcher to its end."""
        return subprocess.run(
            [self.root / "inv", *words],
            cwd=cwd or self.root,
            env=self.environment(more),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start the launcher in a session of its own and do not wait."""
        return subprocess.Popen(
            [self.root / "inv", *words],
            cwd=self.root,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def lock(self, version: str) -> None:
        """Write a lock that asks for this version of the one package."""
        name = _wheel(self.wheels, version)
        digest = hashlib.sha256((self.wheels / name).read_bytes()).hexdigest()
        (self.root / "requirements.lock").write_text(f"invoke=={version} \\\n    --hash=sha256:{digest}\n")

    def program(self, name: str, text: str) -> Path:
        """Put a program on the PATH, in place of what is there."""
        path = self.programs / name
        path.unlink(missing_ok=True)
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return path

    def python_without(self, *modules: str) -> None:
        """Put a Python on the PATH that lacks `modules` until the file `installed` lies beside it."""
        missing = " ".join(f"*'import '*{module}*) exit 1 ;;" for module in modules)
        self.program(
            "python3",
            f"""case $* in *realpath*) echo "$0"; exit 0 ;; esac
if [ ! -e "${{0%/*}}/installed" ]; then case $* in {missing} esac; fi
exec {base_python()} "$@" """,
        )


def checkout(folder: Path) -> Checkout:
    """Make a checkout below `folder`, in a path with a space, on a machine without ensurepip (that way is quicker)."""
    made = Checkout(folder / "a checkout", folder / "bin", folder / "wheels")
    for path in (made.root, made.programs, made.wheels):
        path.mkdir()
    shutil.copy2(REPOSITORY / "inv", made.root / "inv")
    (made.root / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        '[project]\nname = "slipway"\nversion = "0"\n'
    )
    (made.root / "backend.py").write_text(_BACKEND)
    (made.root / "tasks").mkdir()
    (made.root / "tasks" / "_program.py").write_text("from fake_invoke import main\n\nmain()\n")
    made.lock("1.0")
    for tool in _TOOLS:
        found = shutil.which(tool)
        assert found, tool
        (made.programs / tool).symlink_to(found)
    made.python_without("ensurepip")
    return made


def base_python() -> Path:
    """Return the interpreter below this test's environment, which has pip and ensurepip."""
    return Path(sys.base_prefix, "bin", f"python{sys.version_info.major}.{sys.version_info.minor}")


def _wheel(folder: Path, version: str) -> str:
    name = f"invoke-{version}-py3-none-any.whl"
    files = {
        "fake_invoke.py": _INVOKE.replace("{VERSION}", version),
        f"invoke-{version}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: invoke\nVersion: {version}\n",
        f"invoke-{version}.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"invoke-{version}.dist-info/entry_points.txt": "[console_scripts]\ninv = fake_invoke:main\n",
    }
    record = f"invoke-{version}.dist-info/RECORD"
    lines = [f"{path},sha256={_record_hash(text)},{len(text)}" for path, text in files.items()]
    with zipfile.ZipFile(folder / name, "w") as wheel:
        for path, text in {**files, record: "\n".join([*lines, f"{record},,"])}.items():
            wheel.writestr(zipfile.ZipInfo(path, (2024, 1, 1, 0, 0, 0)), text)
    return name


def _record_hash(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
