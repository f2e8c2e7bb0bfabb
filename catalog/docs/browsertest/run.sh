#!/usr/bin/env bash
# Runs the browser test, with the site of hostile errors.
set -euo pipefail
cd "$(dirname "$0")"
source ../../../tools/browser.sh

npm ci --silent
site=$(mktemp -d)
trap 'rm -rf "$site"' EXIT
(cd ../../.. && go run ./cmd/recourse docs -format html -o "$site" catalog/docs/testdata/hostile.json >/dev/null)
HOSTILE="$site" node --test --test-reporter=spec site.test.mjs
