#!/usr/bin/env bash
# Runs the browser test with what it needs. In CI (CI set) what is missing is installed where Debian's packages can be, and is
# a failure otherwise; elsewhere the test is skipped, and says why.
set -euo pipefail
cd "$(dirname "$0")"

browser() {
	[ -n "${CHROMIUM:-}" ] || command -v chromium chromium-browser google-chrome google-chrome-stable chrome >/dev/null ||
		[ -x '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome' ]
}

without() {
	if [ -n "${CI:-}" ]; then
		echo "browser test: $1" >&2
		exit 1
	fi
	echo "browser test: SKIPPED: $1"
	exit 0
}

{ command -v node && command -v npm; } >/dev/null || without 'there is no Node with npm: install version 20 or newer'
if ! browser && [ -n "${CI:-}" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null
fi
browser || without 'there is no Chromium: install one (Debian: apt-get install chromium), or name it in CHROMIUM'


command -v go >/dev/null || without 'there is no Go'
./build.sh
programs=$(mktemp -d)
trap 'rm -rf "$programs"' EXIT
(cd ../.. && go build -o "$programs" ./examples/backend ./examples/server)
go build -o "$programs/web" .
PROGRAMS="$programs" node --test --test-reporter=spec test.mjs
