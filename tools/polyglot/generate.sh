#!/usr/bin/env bash
# Writes the code of all languages but Go, or of those given, into the folders of that name in a folder:
# generate.sh [-o FOLDER] [LANGUAGE]... The folder is gen unless given.
source "$(dirname "$0")/lib.sh"
out=$PWD/gen
if [ "${1:-}" = -o ]; then
	out=$2
	shift 2
fi
if [ $# = 0 ]; then set -- "${languages[@]}"; fi

"$polyglot/setup.sh" python "$@"
python=$tools/python/bin/python
protoc=$(tools/protoc/install.sh "$protoc_version")

# google.rpc, for the languages whose registry has no package of it to build on.
google=$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
google_rpc=(google/rpc/code.proto google/rpc/status.proto google/rpc/error_details.proto)

# Sorted: the order of files must not depend on the machine.
mapfile -t recourse < <(cd proto && printf '%s\n' recourse/v1/*.proto)
mapfile -t assistant < <(cd proto && printf '%s\n' assistant/v1/*.proto)
mapfile -t services < <(cd proto && grep -l '^service ' "${assistant[@]}")

generate_ts() {
	"$protoc" -I proto -I "$google" --plugin="$tools/ts/node_modules/.bin/protoc-gen-es" \
		--es_out="$1" --es_opt=target=ts,import_extension=js "${recourse[@]}" "${assistant[@]}" "${google_rpc[@]}"
}

generate_python() {
	"$python" -m grpc_tools.protoc -I proto --python_out="$1" --pyi_out="$1" "${recourse[@]}" "${assistant[@]}"
	"$python" -m grpc_tools.protoc -I proto --grpc_python_out="$1" "${services[@]}"
}

generate_java() {
	"$protoc" -I proto --plugin="$tools/java/protoc-gen-grpc-java" \
		--java_out="$1" --grpc-java_out="$1" "${recourse[@]}" "${assistant[@]}"
}

# Beside gen/java, which it builds on.
generate_kotlin() {
	"$protoc" -I proto --kotlin_out="$1" "${recourse[@]}"
}

generate_rust() {
	"$protoc" -I proto --include_imports --include_source_info -o "$new/set.binpb" "${recourse[@]}" "${assistant[@]}"
	"$tools/rust/release/recourse-generate" "$new/set.binpb" "$1"
}

generate_cpp() {
	/usr/bin/protoc -I proto -I "$google" --cpp_out="$1" "${recourse[@]}" "${assistant[@]}" "${google_rpc[@]}"
	/usr/bin/protoc -I proto --plugin=protoc-gen-grpc=/usr/bin/grpc_cpp_plugin --grpc_out="$1" "${services[@]}"
}

generate_ruby() {
	"$protoc" -I proto --ruby_out="$1" "${recourse[@]}" "${assistant[@]}"
	"$protoc" -I proto --plugin=protoc-gen-grpc=/usr/bin/grpc_ruby_plugin --grpc_out="$1" "${services[@]}"
}

generate_csharp() {
	"$protoc" -I proto --csharp_out="$1" --csharp_opt=base_namespace= "${recourse[@]}"
}

generate_php() {
	"$protoc" -I proto --php_out="$1" "${recourse[@]}"
}

new=$(mktemp -d)
trap 'rm -rf "$new"' EXIT
for language; do
	mkdir "$new/$language"
	"generate_$language" "$new/$language"
done
# Only now, when nothing can fail any more, does what was there go.
mkdir -p "$out"
for language; do
	rm -rf "${out:?}/$language"
	mv "$new/$language" "$out/"
done
