"""Readers that node runs: its own `--env-file`, the package dotenv, and Vite's loadEnv."""

import json
from collections.abc import Sequence
from pathlib import Path

from slipway.config.env_readers import Reader, Reading
from slipway.engines.readers.asking import ask, private_folder, stamp, write
from slipway.errors import Unreachable

# Each gets {"module", "files"} on stdin; a text is read as a file of its own. `--env-file` and `parseEnv` are one
# parser of node (src/node_dotenv.cc); Vite reads the file `.env` of a folder.
_READ = {
    Reader.NODE: """
        import { parseEnv } from 'node:util';
        const version = '', read = (text) => parseEnv(text);
    """,
    Reader.NODE_DOTENV: """
        import { createRequire } from 'node:module';
        const require = createRequire(input.module + '/');
        const version = require(input.module + '/package.json').version;
        const dotenv = require(input.module), read = (text) => dotenv.parse(text);
    """,
    Reader.VITE: """
        import { createRequire } from 'node:module';
        import { pathToFileURL } from 'node:url';
        const version = createRequire(input.module + '/')(input.module + '/package.json').version;
        const { loadEnv } = await import(pathToFileURL(input.module + '/dist/node/index.js'));
        const read = (text, index) => {
            for (const name of Object.keys(process.env)) delete process.env[name];
            const found = loadEnv('slipway', process.cwd() + '/' + index, '');
            delete found.VITE_USER_NODE_ENV; // Vite's own note of a NODE_ENV in the file
            return found;
        };
    """,
}
_AROUND = """
import {{ readFileSync }} from 'node:fs';
const input = JSON.parse(readFileSync(0, 'utf8'));
{read}
const readings = input.files.map((text, index) => {{
    try {{ return {{ ...read(text, index) }}; }} catch (error) {{ return error.name; }}
}});
process.stdout.write(JSON.stringify({{ version, readings }}));
"""


class NodeReader:
    """Port `EnvReader` of what node runs. `module` is the package's folder; node's own reader has none."""

    def __init__(self, reader: Reader, node: Path | None, module: Path | None = None) -> None:
        """Say which node runs which package; None for what is not on this machine."""
        self.reader = reader
        self._node = node
        self._module = module

    @property
    def stamp(self) -> str:
        """What changes when node or the package does."""
        return f"{stamp(self._node)} {stamp(self._module and self._module / 'package.json')}"

    @property
    def program(self) -> str:
        """Return what answers, with its version. Raises `Unreachable` where it is not on this machine."""
        if self._node is None:
            raise Unreachable("there is no node on the PATH", where=str(self.reader))
        if self.reader is Reader.NODE:
            with private_folder() as folder:
                told = ask((str(self._node), "--version"), folder).stdout.decode("ascii", "replace").strip()
            return f"node {told.removeprefix('v')}"
        name = "vite" if self.reader is Reader.VITE else "dotenv"
        if self._module is None:
            raise Unreachable(f"the package {name} is not fetched", where=str(self.reader))
        try:
            version = json.loads((self._module / "package.json").read_text("utf-8"))["version"]
        except (OSError, ValueError, KeyError, TypeError):
            raise Unreachable(f"the package {name} is broken", where=str(self.reader)) from None
        return f"{name} {version}"

    def read(self, files: Sequence[str]) -> list[Reading]:
        """Read each text as a file of its own. Raises `Unreachable` where node or the package does not answer."""
        program = self.program
        with private_folder() as folder:
            if self.reader is Reader.VITE:
                for index, text in enumerate(files):
                    (folder / str(index)).mkdir()
                    write(folder / str(index) / ".env", text)
            source = _AROUND.format(read=_READ[self.reader])
            given = {"module": str(self._module), "files": list(files)}
            done = ask(
                (str(self._node), "--no-warnings", "--input-type=module", "-e", source),
                folder,
                stdin=json.dumps(given).encode(),
            )
        try:
            readings = json.loads(done.stdout)["readings"]
        except (ValueError, KeyError, TypeError):
            readings = []
        if not isinstance(readings, list) or len(readings) != len(files):
            raise Unreachable(f"{program} gave no answer, exit code {done.returncode}", where=program) from None
        return [Reading(found) if isinstance(found, dict) else Reading(None, f"raises {found}") for found in readings]
