#!/usr/bin/env bash
# Goes through the situations of conformance/README.md with gRPC's client for Ruby: polyglot.sh grpc-ruby. Installs what
# it needs of Debian where it may, and runs the reader's tests first.
set -euo pipefail
cd "$(dirname "$0")"
[ "${1:-}" = grpc-ruby ] || { echo 'usage: polyglot.sh grpc-ruby' >&2 && exit 2; }

bash -c 'source "$0" && debian "$@"' ../../tools/polyglot/lib.sh \
	ruby ruby-grpc ruby-google-protobuf ruby-googleapis-common-protos-types >&2 || exit 77
ruby=(/usr/bin/ruby -E UTF-8) # Debian's, which has those packages
"${ruby[@]}" -I lib -I test test/all.rb >&2

status=0
"${ruby[@]}" -I lib -I test -I ../../gen/ruby test/conformance.rb || status=1
../../tools/polyglot/examples.sh ../../examples/ruby/README.md "${ruby[@]}" ../../examples/ruby/client.rb || status=1
exit $status
