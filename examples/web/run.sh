#!/usr/bin/env bash
# Runs the browser test, with the page and all that is behind it.
set -euo pipefail
cd "$(dirname "$0")"
source ../../tools/browser.sh

./build.sh
programs=$(mktemp -d)
trap 'rm -rf "$programs"' EXIT
(cd ../.. && go build -o "$programs" ./examples/backend ./examples/server)
go build -o "$programs/web" .
PROGRAMS="$programs" node --test --test-reporter=spec test.mjs
