#!/usr/bin/env bash
# Builds the page, and what it reads errors with.
set -euo pipefail
cd "$(dirname "$0")"
(cd ../../clients/typescript && npm ci --silent && npm run --silent build)
npm ci --silent
npm run --silent build
