"""The POSIX shell scripts of a backup, run on the host. Each cleans up after itself, also when it is ended.

The database's own client does the work inside its container, so client and server always fit. Nothing is piped: a
pipe's exit code is that of its last command, and a failing pg_dump would go unnoticed.
"""

ABSENT, DAMAGED, NO_SERVER, NO_ROLES, NO_RESTORE, NO_FACTS = 31, 41, 42, 43, 44, 45

_BEGIN = r"""
set -eu
LC_ALL=C; export LC_ALL
umask 077
trap 'exit 129' HUP INT TERM PIPE
"""

# Words: folder, container, user, database, application name. Standard input: the psql script, whose descriptor 3 is the
# dump. Facts leave by standard error. Folders that a killed run left (no manifest, a day old) are swept.
DUMP = (
    _BEGIN  # noqa: S608 - the application name is ours
    + r"""
folder=$1; container=$2; user=$3; database=$4; application=$5
made=
end() {
  code=$?
  trap - EXIT
  if [ "$code" -ne 0 ] && [ -n "$made" ]; then
    rm -rf -- "$folder"
    # Ending `docker exec` does not end what it started; ending its session does.
    docker exec "$container" psql -X -q -U "$user" -d "$database" -c "SELECT pg_terminate_backend(pid)
      FROM pg_stat_activity WHERE application_name = '$application'" >/dev/null 2>&1 </dev/null || :
  fi
  exit "$code"
}
trap end EXIT
seen=$(docker inspect --type container -f '{{.State.Running}} {{.Image}}' "$container")
[ "${seen%% *}" = true ] || { echo "container $container does not run" >&2; exit 31; }
mkdir -p -- "$(dirname -- "$folder")"
for old in "$(dirname -- "$folder")"/*/; do
  [ ! -d "$old" ] || [ -e "$old/manifest.json" ] || find "$old" -maxdepth 0 -mmin +1440 -exec rm -rf -- {} +
done
mkdir -- "$folder"
made=yes
docker exec -i -e PGHOST= -e PGUSER="$user" -e PGDATABASE="$database" -e PGAPPNAME="$application" "$container" \
  sh -c 'exec psql -X -q -At -v ON_ERROR_STOP=1 -f - 3>&1 >&2' > "$folder/dump.partial"
[ -s "$folder/dump.partial" ] || { echo "pg_dump wrote nothing" >&2; exit 1; }
docker exec -e PGHOST= -e PGUSER="$user" -e PGDATABASE="$database" -e PGAPPNAME="$application" "$container" \
  pg_dumpall --globals-only --no-role-passwords --no-tablespaces > "$folder/roles.partial" </dev/null
sync -- "$folder/dump.partial" "$folder/roles.partial" "$folder"
sum=$(sha256sum < "$folder/dump.partial"); roles=$(sha256sum < "$folder/roles.partial")
printf 'image_id %s\nsize %s\nsha256 %s\nroles_sha256 %s\n' \
  "${seen#* }" "$(wc -c < "$folder/dump.partial")" "${sum%% *}" "${roles%% *}"
"""
)

# Words: folder, backup id, image id, sha256 of the dump and of the roles, then `--label`, `key=value` for each further
# label of the server. Standard input: the psql script that asks for the facts. The server is thrown away with its
# volume; it has no network and no port.
PROVE = (
    _BEGIN
    + r"""
folder=$1; id=$2; image=$3; sum=$4; roles=$5; shift 5
user=slipway_proof; database=slipway_proof
container=
end() {
  code=$?
  trap - EXIT
  if [ -n "$container" ]; then
    docker rm -f -v "$container" >/dev/null 2>&1 </dev/null || echo "slipway-left $container" >&2
  fi
  exit "$code"
}
trap end EXIT
exec 3<&0 </dev/null
is=$(sha256sum < "$folder/database.dump")
[ "${is%% *}" = "$sum" ] || { echo "database.dump is not the file that was written" >&2; exit 41; }
is=$(sha256sum < "$folder/roles.sql")
[ "${is%% *}" = "$roles" ] || { echo "roles.sql is not the file that was written" >&2; exit 41; }
left=$(docker ps -aq --filter "label=slipway.proof=$id")
[ -z "$left" ] || docker rm -f -v $left >/dev/null
POSTGRES_PASSWORD=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n'); export POSTGRES_PASSWORD
container="slipway-proof-$id"
docker run -d --name "$container" --network none --restart no "$@" --label "slipway.proof=$id" \
  -e POSTGRES_USER="$user" -e POSTGRES_DB="$database" -e POSTGRES_PASSWORD "$image" >/dev/null || exit 42
tries=0
# By TCP: the server that the image starts for its own set-up listens on the socket only.
until docker exec "$container" pg_isready -q -h 127.0.0.1 -U "$user" -d "$database"; do
  tries=$((tries + 1))
  running=$(docker inspect --type container -f '{{.State.Running}}' "$container")
  if [ "$tries" -gt 120 ] || [ "$running" != true ]; then docker logs --tail 8 "$container" >&2; exit 42; fi
  sleep 0.5
done
docker exec -i "$container" psql -X -q -v ON_ERROR_STOP=1 -U "$user" -d "$database" < "$folder/roles.sql" \
  >/dev/null || exit 43
docker exec -i "$container" pg_restore --exit-on-error --no-tablespaces -U "$user" -d "$database" \
  < "$folder/database.dump" || exit 44
docker exec -i "$container" psql -X -q -At -v ON_ERROR_STOP=1 -U "$user" -d "$database" -f - <&3 || exit 45
"""
)
