#!/usr/bin/env bash
# Starts the page with all that is behind it, until it is interrupted. Arguments are for the page's server: -listen, for one.
set -euo pipefail
cd "$(dirname "$0")"
./build.sh
dir=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; rm -rf "$dir"' EXIT
(cd ../.. && go build -o "$dir" ./examples/backend ./examples/server)
go build -o "$dir/web" .
cd ../..

# begin PROGRAM... starts it and sets addr to where it listens.
begin() {
	local out
	exec {out}< <(exec "$@" 2>>"$dir/log")
	pids+=($!)
	read -r _ _ addr <&"$out" || { cat "$dir/log" >&2; exit 1; }
}
begin "$dir/backend" -levers
begin "$dir/server" -levers -backend "$addr"
echo 'open the first of these addresses in a browser; Ctrl-C ends it'
"$dir/web" -assistant "$addr" "$@" &
pids+=($!)
wait $! # in the background, so that a signal ends all of them at once
