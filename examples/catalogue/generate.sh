#!/usr/bin/env bash
# Generates the Go code of the guide's example into a folder, as docs/catalogue.md tells newcomers to. The generators are
# those that this repository has pinned; BUF says how to call buf.
set -euo pipefail
cd "$(dirname "$0")/../.."
out=$(realpath -m "${1:-examples/catalogue/gen}")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir -p "$dir/bin" "$dir/third_party/recourse"
for plugin in google.golang.org/protobuf/cmd/protoc-gen-go google.golang.org/grpc/cmd/protoc-gen-go-grpc; do
	go build -modfile=tools/protoc/go.mod -o "$dir/bin/" "$plugin"
done
go build -o "$dir/bin/" ./cmd/protoc-gen-recourse-go
cp -r examples/catalogue/{buf.yaml,buf.gen.yaml,proto} "$dir"
cp -r proto/recourse "$dir/third_party/recourse"
PATH="$dir/bin:$PATH" ${BUF:-go tool -modfile=tools/buf/go.mod buf} generate "$dir/proto" --template "$dir/buf.gen.yaml" -o "$dir"
rm -rf "$out"
mkdir -p "$out"
cp -r "$dir/gen/." "$out"
