#!/usr/bin/env bash
# Goes through the situations of conformance/README.md with tonic: polyglot.sh tonic. Runs the reader's tests first.
set -euo pipefail
cd "$(dirname "$0")"
[ "${1:-}" = tonic ] || {
	echo 'say which client: tonic' >&2
	exit 2
}

missing() {
	echo "$*" >&2
	exit 77
}

command -v cargo >/dev/null && command -v rustc >/dev/null || missing 'cargo is missing: install Rust, version 1.88 or newer'
rust=$(rustc --version | cut -d ' ' -f 2)
[ "$(printf '%s\n' 1.88 "$rust" | sort -V | head -n 1)" = 1.88 ] || missing "Rust is $rust: install version 1.88 or newer"
command -v cc >/dev/null || missing 'cc is missing: install a C compiler, which Rust links with'

export CARGO_TARGET_DIR=$PWD/target
cargo test --quiet --locked >&2
cargo build --quiet --locked --bins >&2
cargo test --quiet --locked >&2

failed=0
target/debug/recourse-errors-conformance || failed=1
target/debug/assistant-client -check "${EXAMPLE_ADDR:?}" || failed=1
exit "$failed"
