#!/usr/bin/env bash
# Goes through the situations of conformance/README.md with a client library: polyglot.sh grpc-js|connect. Runs the reader's
# tests first.
set -euo pipefail
cd "$(dirname "$0")"
library=${1:?say which client: grpc-js or connect}
example=../../examples/typescript

missing() {
	echo "$*" >&2
	exit 77
}

command -v node >/dev/null || missing 'node is missing: install Node, version 20 or newer'
command -v npm >/dev/null || missing 'npm is missing: install it, it comes with Node'
node -e 'process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)' ||
	missing "node is $(node --version): install version 20 or newer"

# build FOLDER: installs what the lock file says, unless it is there, and compiles.
build() {
	local sum
	sum=$(cat "$1/package.json" "$1/package-lock.json" | cksum)
	if [ "$(cat "$1/node_modules/.installed" 2>/dev/null)" != "$sum" ]; then
		npm ci --prefix "$1" --ignore-scripts --silent >&2
		echo "$sum" >"$1/node_modules/.installed"
	fi
	npm run --prefix "$1" --silent build >&2
}

build .
build "$example"
node --test dist/test/*.test.js >&2

failed=0
node dist/conformance/main.js "$library" || failed=1
node "$example/dist/src/main.js" "-$library" -check "${EXAMPLE_ADDR:?}" || failed=1
exit "$failed"
