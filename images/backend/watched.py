"""Runs a Python program and writes down what its result may follow from.

    watched.py RECORD PROGRAM [WORD ...]

RECORD becomes a JSON object: `opened` are the files that the program and whatever it imported have opened, `beyond`
names what nobody here can follow: other programs that it started, connections that it made.
"""

import json
import os
import runpy
import sys
from pathlib import Path

_BEYOND = {
    *("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty"),
    *("socket.connect", "socket.sendto", "socket.sendmsg"),
}


def main(record: str, program: str, words: list[str]) -> None:
    """Run `program` as `python PROGRAM WORD ...` would; the record is written however it ends."""
    opened: set[str] = set()
    beyond: set[str] = set()

    def hear(event: str, given: tuple[object, ...]) -> None:
        if event == "open" and isinstance(given[0], str | bytes):
            opened.add(str(Path(os.fsdecode(given[0])).absolute()))
        elif event in _BEYOND:
            beyond.add(event)

    sys.addaudithook(hear)
    sys.argv = [program, *words]
    sys.path[0] = str(Path(program).absolute().parent)
    try:
        runpy.run_path(program, run_name="__main__")
    finally:
        Path(record).write_text(json.dumps({"opened": sorted(opened), "beyond": sorted(beyond)}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
