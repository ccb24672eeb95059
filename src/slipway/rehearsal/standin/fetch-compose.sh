#!/bin/sh
# Puts Docker Compose 2.26 or newer into the folder given: `fetch-compose.sh DIR` leaves DIR/docker-compose.
#
# Debian 13 has it as the package docker-compose and its binary runs on Debian 12, whose own Compose 1.29 reads .env
# files by other rules. The package is unpacked, not installed, and apt works in a folder of its own, so the machine's
# package lists and sources stay as they are. The mirror is whichever this machine's own apt sources name.
# Needs apt-get, dpkg and a network; does nothing when the folder already holds a good binary.
set -eu

suite=trixie
wanted=2.26

say() { printf 'fetch-compose: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

[ $# -eq 1 ] || { say 'usage: fetch-compose.sh DIR'; exit 2; }
target=$1
binary=$target/docker-compose

# Prints the version of the binary $1 if it is new enough, else fails.
good() {
    [ -x "$1" ] || return 1
    have=$("$1" version --short 2>/dev/null) || return 1
    have=${have#v}
    oldest=$(printf '%s\n%s\n' "$wanted" "$have" | sort -V | head -n 1)
    [ "$oldest" = "$wanted" ] || return 1
    printf '%s\n' "$have"
}

if have=$(good "$binary"); then
    say "$binary is already there ($have)"
    exit 0
fi

sources=${APT_SOURCES_DIR:-/etc/apt}

# The first Debian mirror (not the security one) of the machine's sources, with the key that vouches for it:
# "URI<tab>KEY", KEY may be empty. Both formats of apt are read: deb822 (.sources) and one line (.list).
mirror() {
    for file in "$sources"/sources.list.d/*.sources; do
        [ -f "$file" ] || continue
        awk '
            function flush() {
                if (types ~ /(^| )deb( |$)/ && enabled != "no" && uri != "" && suites ~ /(bookworm|trixie|stable)/ \
                    && suites !~ /security/) { print uri "\t" key; done = 1; exit }
                types = uri = suites = key = ""; enabled = "yes"
            }
            BEGIN { enabled = "yes" }
            /^#/ { next }
            /^[ \t]*$/ { flush(); next }
            tolower($1) == "types:" { $1 = ""; types = $0 }
            tolower($1) == "uris:" { uri = $2 }
            tolower($1) == "suites:" { $1 = ""; suites = $0 }
            tolower($1) == "enabled:" { enabled = $2 }
            tolower($1) == "signed-by:" { key = $2 }
            END { if (!done) flush() }
        ' "$file"
    done
    for file in "$sources"/sources.list "$sources"/sources.list.d/*.list; do
        [ -f "$file" ] || continue
        awk '
            $1 == "deb" {
                key = ""; i = 2
                if ($2 ~ /^\[/) {
                    while (i <= NF) {
                        word = $i; gsub(/[][]/, "", word)
                        if (word ~ /^signed-by=/) key = substr(word, 11)
                        if ($(i++) ~ /\]$/) break
                    }
                }
                if ($(i + 1) ~ /^(bookworm|trixie|stable)$/) print $i "\t" key
            }
        ' "$file"
    done
}

tab=$(printf '\t')
found=$(mirror | head -n 1)
uri=${found%%"$tab"*}
key=${found#*"$tab"}
[ -n "$uri" ] || die "no Debian mirror in $sources (sources.list, sources.list.d): add the machine's own Debian source there"
[ -n "$key" ] || key=/usr/share/keyrings/debian-archive-keyring.gpg
[ -e "$key" ] || die "the key $key of the Debian archive is missing: install the package debian-archive-keyring"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
mkdir -p "$work/etc/preferences.d" "$work/etc/sources.list.d" "$work/lists/partial" "$work/cache/archives/partial" "$work/state"
: > "$work/state/status"
printf 'deb [signed-by=%s] %s %s main\n' "$key" "$uri" "$suite" > "$work/etc/sources.list"

private() {
    apt-get -qq \
        -o Dir::Etc::SourceList="$work/etc/sources.list" -o Dir::Etc::SourceParts="$work/etc/sources.list.d" \
        -o Dir::Etc::PreferencesParts="$work/etc/preferences.d" -o Dir::State="$work/state" \
        -o Dir::State::Lists="$work/lists" -o Dir::State::status="$work/state/status" -o Dir::Cache="$work/cache" \
        -o APT::Sandbox::User=root -o Acquire::Languages=none -o APT::Update::Error-Mode=any "$@"
}

private update || die "the mirror of this machine does not answer for $suite"
(cd "$work" && private download docker-compose) || die "$suite has no package docker-compose on this machine's mirror"
dpkg -x "$work"/docker-compose_*.deb "$work/tree"

plugin=
for place in usr/libexec/docker/cli-plugins/docker-compose usr/bin/docker-compose; do
    [ -f "$work/tree/$place" ] && [ ! -L "$work/tree/$place" ] && { plugin=$work/tree/$place; break; }
done
[ -n "$plugin" ] || die 'the package holds no docker-compose binary'

mkdir -p "$target"
install -m 0755 "$plugin" "$binary.new"
have=$(good "$binary.new") || die "the binary of $suite does not run here or is older than $wanted"
mv "$binary.new" "$binary"
say "$binary ($have)"
