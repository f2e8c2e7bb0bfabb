# What the scripts beside this file share. They source it, and are then in the root of the repository.
set -euo pipefail
export LC_ALL=C
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
polyglot=$PWD/tools/polyglot
tools=$PWD/bin/polyglot

# The languages of gen/ but for Go, which buf.gen.yaml has.
languages=(ts python java kotlin rust cpp ruby csharp php)

# protoc of the languages that do not bring their own: protobuf-java is of the same release in grpc-java, and newer
# runtimes accept what it writes.
protoc_version=25.8
cpp_version=3.21.12

stop() {
	echo "$*" >&2
	exit 1
}

# need COMMAND WHAT: fails where a command is missing, and says what to install.
need() {
	command -v "$1" >/dev/null || stop "$1 is missing: install $2"
}

# debian PACKAGES...: has packages of Debian installed where that is possible, and says what is missing where it is not.
debian() {
	local missing=()
	command -v dpkg-query >/dev/null || stop "not Debian: install what its packages $* have"
	for package; do
		dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
	done
	[ ${#missing[@]} != 0 ] || return 0
	[ "$(id -u)" = 0 ] || stop "install ${missing[*]}: sudo apt-get install ${missing[*]}"
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# once FOLDER FILES... -- COMMAND: runs a command that fills a folder, unless it did so from the files as they are now.
once() {
	local folder=$1 files=() sum
	shift
	while [ "$1" != -- ]; do
		files+=("$1")
		shift
	done
	shift
	sum=$(cat "$polyglot/setup.sh" "${files[@]}" | cksum)
	[ "$(cat "$folder/.made" 2>/dev/null)" != "$sum" ] || return 0
	rm -rf "$folder"
	mkdir -p "$folder"
	"$@"
	echo "$sum" >"$folder/.made"
}

# maven ARGUMENTS...: runs Maven, which tells its errors among much else.
maven() {
	local log
	log=$(mktemp)
	mvn -q -B "$@" generate-sources >"$log" 2>&1 || {
		cat "$log" >&2
		exit 1
	}
	rm "$log"
}
