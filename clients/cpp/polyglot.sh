#!/usr/bin/env bash
# Goes through the situations of conformance/README.md with gRPC's client for C++: polyglot.sh grpc++. Installs what it
# needs of Debian where it may, builds into a folder build, and runs the reader's tests first.
set -euo pipefail
cd "$(dirname "$0")"
[ "${1:-}" = grpc++ ] || { echo 'usage: polyglot.sh grpc++' >&2 && exit 2; }

bash -c 'source "$0" && debian "$@"' ../../tools/polyglot/lib.sh \
	cmake g++ make pkg-config libgrpc++-dev libprotobuf-dev >&2 || exit 77
cmake -S . -B build >&2
cmake --build build --parallel "$(getconf _NPROCESSORS_ONLN)" >&2
build/reader_test ../../conformance >&2

status=0
build/conformance || status=1
../../tools/polyglot/examples.sh ../../examples/cpp/README.md build/example/client || status=1
exit $status
