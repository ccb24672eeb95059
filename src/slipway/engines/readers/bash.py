"""bash, which does not read an env file but runs it: asked only about files that hold nothing but assignments."""

import re
import secrets
from collections.abc import Sequence
from pathlib import Path

from slipway.config.env_readers import Reader, Reading
from slipway.engines.readers.asking import ask, private_folder, stamp, write
from slipway.errors import Unreachable

# The shape of what is safe, and nothing else: blank lines, comments, and one assignment a line whose word is made of
# plain characters, escapes and quotes without command substitution, arithmetic or any expansion but of a variable.
_PLAIN = r"[^\s\\'\"`$&|;<>()!#~{}*?\[\]]"
_REFERENCE = r"\$(?:[A-Za-z_]\w*|[0-9$]|\{[A-Za-z_]\w*\}|\{[A-Za-z_]\w*:?-[\w./:@%+,=-]*\})"
_DOLLAR = r"\$(?=[\s\"%+,./:=@^\\]|\Z)"
_QUOTED = rf"\"(?:[^\"\\`$]|\\.|{_REFERENCE}|{_DOLLAR})*+\""
_WORD = rf"(?:{_PLAIN}|[!#~{{}}*?\[\]](?!\()|\\.|'[^']*'|{_QUOTED}|{_REFERENCE}|{_DOLLAR})*+"
# `export` is a command to bash: it expands braces in its words, {1..1000000000} to a billion of them.
_EXPORTED = _WORD.replace("[!#~{}", "[!#~}", 1)
_ASSIGNED = rf"(?:[A-Za-z_]\w*={_WORD}|export[ \t]++[A-Za-z_]\w*={_EXPORTED})"
_LINE = rf"[ \t]*+(?:{_ASSIGNED}[ \t]*+(?:(?<=[ \t])#[^\n]*+)?|#[^\n]*+)?(?:\n|\Z)"
_FILE = re.compile(rf"(?:{_LINE})*+", re.DOTALL | re.ASCII)
# Bash sets these itself, or lets nobody set them while it is restricted: whoever sources the file gets something else.
_ITS_OWN = re.compile(
    r"^[ \t]*(?:export[ \t]+)?(?:BASH\w*|COMP_\w*|FUNCNAME|HISTCMD|HISTFILE|PATH|IFS|ENV|SHELL|SHELLOPTS|E?UID|PPID|_"
    r"|(?:OLD)?PWD|SHLVL|S?RANDOM|SECONDS|LINENO|DIRSTACK|GROUPS|EPOCH\w*|MAPFILE|POSIXLY_CORRECT)=",
    re.MULTILINE | re.ASCII,
)
# Restricted (-r): no command by path, no redirection, no other PATH. The PATH is the folder of the texts, which are no
# programs; `.` finds them there. Nothing that could start, end or read anything is left of the builtins.
_SCRIPT = """
ulimit -v 1000000 -t 30
PATH=$PWD
enable -n kill eval exec command enable trap read mapfile readarray coproc source cd hash type wait bg fg jobs disown \
    suspend ulimit umask times logout fc history bind caller complete compopt dirs popd pushd let test [ 2>/dev/null
set -r
for ((i = 0; i < $1; i++)); do
    (
        printf '%s\\0' "$2 $i"
        set --
        set -a
        . "$i.env"
        set +a
        set -- $(compgen -e)
        while (($#)); do
            case $1 in PATH | PWD | OLDPWD | SHLVL | _) ;; *) printf '%s=%s\\0' "$1" "${!1}" ;; esac
            shift
        done
    )
done
"""


def is_safe(text: str) -> bool:
    """Whether a file holds assignments, comments and blank lines alone, so that sourcing it runs no command.

    Careful on purpose: what is not recognised is not safe.
    """
    return _FILE.fullmatch(text) is not None


def sets_its_own(text: str) -> bool:
    """Whether a file sets a variable that bash does not leave to others."""
    return _ITS_OWN.search(text) is not None


class Bash:
    """Port `EnvReader` of `set -a; source FILE`. Never runs what a file holds."""

    reader = Reader.BASH

    def __init__(self, bash: Path | None) -> None:
        """Say where bash is, None where it is not."""
        self._bash = bash

    @property
    def stamp(self) -> str:
        """What changes when bash does."""
        return stamp(self._bash)

    @property
    def program(self) -> str:
        """Return bash and its version. Raises `Unreachable` where it is not on this machine."""
        if self._bash is None:
            raise Unreachable("there is no bash on the PATH", where="bash")
        with private_folder() as folder:
            argv = (str(self._bash), "--noprofile", "--norc", "-c", 'printf %s "$BASH_VERSION"')
            return f"bash {ask(argv, folder).stdout.decode('ascii', 'replace')}"

    def read(self, files: Sequence[str]) -> list[Reading]:
        """Read each text as a file of its own. Raises `Unreachable` where bash does not answer."""
        refused = {index: why for index, text in enumerate(files) if (why := _refusal(text)) is not None}
        asked = [index for index in range(len(files)) if index not in refused]
        found = {**refused, **dict(zip(asked, self._run([files[index] for index in asked]), strict=True))}
        return [found[index] for index in range(len(files))]

    def _run(self, files: Sequence[str]) -> list[Reading]:
        if self._bash is None:
            raise Unreachable("there is no bash on the PATH", where="bash")
        if not files:
            return []
        with private_folder() as folder:
            for index, text in enumerate(files):
                write(folder / f"{index}.env", text)
            mark = secrets.token_hex(16)  # which no file can know, and so none can print
            argv = (str(self._bash), "--noprofile", "--norc", "-c", _SCRIPT, "bash", str(len(files)), mark)
            answer = ask(argv, folder).stdout
        found: list[dict[str, str]] = []
        for word in answer.decode("utf-8", "surrogateescape").split("\0")[:-1]:
            if word == f"{mark} {len(found)}":
                found.append({})
            elif found:
                name, _, value = word.partition("=")
                found[-1][name] = value
        if len(found) != len(files):
            raise Unreachable("bash gave no whole answer", where="bash")
        return [Reading(values) for values in found]


def _refusal(text: str) -> Reading | None:
    if not is_safe(text):
        return Reading(None, "would run a part of it as a command, or does not end", runs_commands=True)
    if sets_its_own(text):
        return Reading(None, "sets a variable that bash uses itself")
    return None
