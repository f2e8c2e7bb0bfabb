#!/usr/bin/env bash
# Runs the tests with the proxies. In CI (CI set) those that are missing are installed where Debian's packages can be, and are
# a failure otherwise; elsewhere their tests are skipped, which is said here. Arguments are those of the test: -update writes the
# table in docs/proxies.md anew.
set -euo pipefail
cd "$(dirname "$0")"
PATH=$PATH:/usr/sbin # where Debian has them

missing() {
	local program
	for program in nginx haproxy; do
		command -v "$program" >/dev/null || echo "$program"
	done
}

# install keeps the packages from starting what they bring: the tests run it themselves.
install() (
	policy=/usr/sbin/policy-rc.d
	if [ ! -e "$policy" ]; then
		printf '#!/bin/sh\nexit 101\n' >"$policy"
		chmod +x "$policy"
		trap 'rm -f "$policy"' EXIT
	fi
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
)

if [ -n "$(missing)" ] && [ -n "${CI:-}" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
	install $(missing)
fi
for program in $(missing); do
	echo "proxies: SKIPPED: there is no $program (Debian: apt-get install $program)"
	[ -z "${CI:-}" ] || exit 1
done

race=
[ "$(go env CGO_ENABLED)" = 0 ] || race=-race # without a C compiler there is no race detector
go vet .
go test -count=1 $race . "$@"
