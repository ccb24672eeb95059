"""The POSIX shell scripts of the host state, and what their exit codes mean.

Why nothing is ever half there: every change happens under `flock` on `.mutex`, which the kernel lets go when its
process dies, so a read, a decision and a write are one act; every file is written beside its place, counted, synced
and renamed over it, and a rename is atomic. A script that fails or is ended removes its unfinished file.
A payload (it may be secret) comes by standard input, never as a word; its length is a word, so that a connection that
breaks in the middle is noticed.
"""

from slipway.command import Command, Result
from slipway.errors import PersonNeeded, Refused, SlipwayError, Unreachable, UsageError
from slipway.ports import Shell

HELD, LOST, CUT, CORRUPT = 10, 11, 21, 22

_BEGIN = r"""
set -eu
LC_ALL=C; export LC_ALL
umask 077
folder=$1; shift
unfinished=
trap '[ -z "$unfinished" ] || rm -f -- "$unfinished"' EXIT
trap 'exit 129' HUP INT TERM PIPE
enter() {
  mkdir -p -- "$folder"
  exec 9>"$folder/.mutex"
  flock -w 20 9 || { echo "another command has kept $folder/.mutex for 20 s" >&2; exit 20; }
}
# begin FILE: names the unfinished file that will take FILE's place
begin() { file=$1; mkdir -p -- "$(dirname -- "$file")"; unfinished=$(mktemp "$file.XXXXXX"); }
# take BYTES: adds standard input to the unfinished file
take() {
  had=$(wc -c < "$unfinished")
  cat >> "$unfinished"
  [ "$(($(wc -c < "$unfinished") - had))" -eq "$1" ] || { echo "the input was cut" >&2; exit 21; }
}
finish() {
  sync -- "$unfinished"
  mv -f -- "$unfinished" "$file"
  unfinished=
  sync -- "$(dirname -- "$file")"
}
# lock file: "<token> <expires> <since> <owner>", times in seconds by the host's own clock
read_lock() {
  token=; expires=; since=; owner=
  [ -e "$folder/lock" ] || return 1
  read -r token expires since owner < "$folder/lock" || true
  [ -n "$token" ] && [ -n "$expires" ] && [ -n "$since" ] || { echo "$folder/lock is damaged" >&2; exit 22; }
  case "$token$expires$since" in *[!0-9]*) echo "$folder/lock is damaged" >&2; exit 22 ;; esac
}
# ours TOKEN SECONDS: proves that the lock is ours, and begins its lease anew
ours() {
  read_lock || { echo "nobody" >&2; exit 11; }
  [ "$token" = "$1" ] || { echo "$owner" >&2; exit 11; }
  begin "$folder/lock"
  printf '%s %s %s %s\n' "$token" "$(($(date +%s) + $2))" "$since" "$owner" > "$unfinished"
  finish
}
"""

READ = r"""
cat -- "$folder/$1"
"""

WRITE = r"""
enter
begin "$folder/$1"; take "$2"; finish
"""

APPEND = r"""
enter
begin "$folder/$1"
if [ -s "$folder/$1" ]; then
  cat -- "$folder/$1" >> "$unfinished"
  [ -z "$(tail -c 1 -- "$unfinished")" ] || echo >> "$unfinished"
fi
take "$2"; finish
"""

ACQUIRE = r"""
enter
now=$(date +%s)
if read_lock && [ "$expires" -gt "$now" ]; then
  printf '%s %s\n' "$since" "$owner"
  exit 10
fi
last=0
[ ! -e "$folder/lock.token" ] || read -r last < "$folder/lock.token" || true
case "$last" in ''|*[!0-9]*) echo "$folder/lock.token is damaged" >&2; exit 22 ;; esac
next=$((last + 1))
begin "$folder/lock.token"; echo "$next" > "$unfinished"; finish
begin "$folder/lock"; printf '%s %s %s %s\n' "$next" "$((now + $1))" "$now" "$2" > "$unfinished"; finish
echo "$next"
"""

PROVE = r"""
enter
ours "$1" "$2"
"""

RELEASE = r"""
enter
read_lock || exit 0
[ "$token" != "$1" ] || rm -f -- "$folder/lock"
"""

UNLOCK = r"""
enter
[ -e "$folder/lock" ] || exit 0
cat -- "$folder/lock"
echo
rm -f -- "$folder/lock"
"""

JOURNAL = r"""
enter
ours "$1" "$2"
begin "$folder/journal/$3"
[ ! -e "$folder/journal/$3" ] || cat -- "$folder/journal/$3" >> "$unfinished"
take "$4"; finish
ls -1r -- "$folder/journal" | grep '^[0-9]*\.jsonl$' | tail -n +41 | while read -r old; do
  rm -f -- "$folder/journal/$old"
done
"""

MANIFESTS = r"""
names=$(ls -1 -- "$folder/backups")
printf '%s\n' "$names" | while read -r id; do
  file="$folder/backups/$id/manifest.json"
  [ -e "$file" ] || continue
  printf '\036%s\n' "$file"
  cat -- "$file"
done
"""

KEEP_BACKUP = r"""
enter
begin "$folder/backups/$1/manifest.json"; take "$2"
if [ -e "$folder/backups/$1/dump.partial" ]; then
  mv -f -- "$folder/backups/$1/dump.partial" "$folder/backups/$1/database.dump"
  mv -f -- "$folder/backups/$1/roles.partial" "$folder/backups/$1/roles.sql"
fi
[ -e "$folder/backups/$1/database.dump" ] || { echo "$folder/backups/$1/database.dump: No such file" >&2; exit 23; }
finish
"""


def run_script(shell: Shell, folder: str, script: str, *words: str, data: bytes | None = None) -> Result:
    """Run one script on the folder; `data` is its standard input, its length the last word.

    Returns the result for the codes `HELD`, `LOST` and 0. Every other one is raised as what it means.
    """
    if data is not None:
        words = (*words, str(len(data)))
    result = shell.run(Command(("sh", "-c", _BEGIN + script, "slipway", folder, *words), stdin=data, seconds=60))
    if result.code in {0, HELD, LOST}:
        return result
    raise meaning(result, shell.place, folder)


def read(shell: Shell, folder: str, script: str, *words: str) -> str:
    """Run a reading script and return what it wrote; empty where there is nothing yet.

    "Nothing yet" is what `cat` and `ls` say, not what `test -e` says: that is also false where looking is forbidden.
    """
    result = shell.run(Command(("sh", "-c", _BEGIN + script, "slipway", folder, *words), seconds=60))
    if "No such file or directory" in result.stderr and "Permission denied" not in result.stderr:
        return result.stdout
    if not result.ok:
        raise meaning(result, shell.place, folder)
    return result.stdout


def meaning(result: Result, place: str, folder: str) -> SlipwayError:
    """Return what a failed script's words mean, as an error that names the place and the way out."""
    said = result.stderr.strip()
    last = said.splitlines()[-1] if said else f"exit code {result.code}"
    where = f"{place}:{folder}"
    if result.code == CORRUPT:
        return PersonNeeded(last, where=where, hint="look at the file; `inv deploy.unlock` removes the lock")
    if result.code == CUT:
        return Unreachable("the connection broke while a file was written; nothing was changed", where=where)
    if "No space left" in said or "Disk quota exceeded" in said:
        return Refused(f"no space left on the host: {last}", where=where, hint="make room (`df -h`), then again")
    if "Permission denied" in said:
        return UsageError(
            f"the host's user may not use the state folder: {last}",
            where=where,
            hint=f'on the host, once: sudo install -d -m 700 -o "$USER" {folder}',
        )
    if "Read-only file system" in said:
        return Refused(
            f"the host's disk is read-only: {last}", where=where, hint="a disk fault does this; look at dmesg"
        )
    return Unreachable(f"the host state could not be used: {last}", where=where, details=tuple(said.splitlines()[-8:]))
