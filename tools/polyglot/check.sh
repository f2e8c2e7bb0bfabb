#!/usr/bin/env bash
# Compiles gen/ but for Go in all languages, or in those given, and lets each read an error. C# is left out: its compiler
# and library are in no registry that the others come from.
source "$(dirname "$0")/lib.sh"
if [ $# = 0 ]; then set -- "${languages[@]}"; fi
check=$polyglot/check

"$polyglot/setup.sh" python "$@"
python=$tools/python/bin/python
google=$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# The error, and the ErrorDetail of it alone.
"$(tools/protoc/install.sh "$protoc_version")" -I proto -I "$google" --encode=google.rpc.Status \
	google/rpc/status.proto google/rpc/error_details.proto recourse/v1/error_detail.proto \
	<"$check/status.txtpb" >"$tmp/status"
"$python" -c 'import sys; from google.rpc import status_pb2 as s
sys.stdout.buffer.write(s.Status.FromString(sys.stdin.buffer.read()).details[1].value)' <"$tmp/status" >"$tmp/detail"

want='assistant.example.com 1 1 5500ms Try again later | Später ist mehr frei.'

# expect LINE COMMAND...: a command prints one line, this one.
expect() {
	local line=$1 got
	shift
	got=$("$@") || stop "$language: $* failed"
	[ "$got" = "$line" ] || stop "$language: printed
$got
not
$line"
}

check_ts() {
	mkdir "$tmp/ts"
	cp -r "$check"/{check.ts,tsconfig.json} "$polyglot/ts/package.json" "$tmp/ts"
	cp -r gen/ts "$tmp/ts/gen"
	ln -s "$tools/ts/node_modules" "$tmp/ts/node_modules"
	"$tools/ts/node_modules/.bin/tsc" --project "$tmp/ts"
	expect "14 MODEL_OVERLOADED $want" node "$tmp/ts/js/check.js" "$tmp/status"
}

check_python() {
	PYTHONPATH=gen/python PYTHONDONTWRITEBYTECODE=1 PYTHONIOENCODING=utf-8 \
		expect "14 MODEL_OVERLOADED $want" "$python" -W error "$check/check.py" "$tmp/status"
}

compile_java() {
	need javac 'a JDK, version 17 or newer'
	[ -d "$tmp/java" ] || find gen/java -name '*.java' -exec \
		javac -nowarn -encoding UTF-8 -d "$tmp/java" -cp "$tools/java/jars/*" {} +
}

check_java() {
	compile_java
	javac -Xlint:all -Werror -encoding UTF-8 -d "$tmp/check.java" -cp "$tmp/java:$tools/java/jars/*" "$check/Check.java"
	expect "14 MODEL_OVERLOADED $want" java -cp "$tmp/check.java:$tmp/java:$tools/java/jars/*" Check "$tmp/status"
}

check_kotlin() {
	local jars=$tools/kotlin
	"$polyglot/setup.sh" java
	once "$jars" "$polyglot/kotlin/pom.xml" -- \
		maven -f "$polyglot/kotlin/pom.xml" -Dout="$jars"
	compile_java
	java -cp "$jars/jars/*" org.jetbrains.kotlin.cli.jvm.K2JVMCompiler -no-stdlib -no-reflect -nowarn \
		-cp "$tmp/java:$(printf '%s:' "$jars"/jars/*.jar)" -d "$tmp/kotlin" gen/kotlin "$check/Check.kt"
	expect '' java -cp "$tmp/kotlin:$tmp/java:$jars/jars/*" CheckKt "$tmp/detail"
}

check_rust() {
	CARGO_TARGET_DIR=$tools/rust cargo build --quiet --locked --release --example check --manifest-path "$polyglot/rust/Cargo.toml"
	expect "14 MODEL_OVERLOADED $want" "$tools/rust/release/examples/check" "$tmp/status"
}

check_cpp() {
	debian g++ pkg-config libprotobuf-dev libgrpc++-dev
	local flags=(-std=c++17 -Wall -O0 -Igen/cpp) file
	mkdir "$tmp/cpp"
	find gen/cpp "$check" -name '*.cc' | sort |
		xargs -P "$(getconf _NPROCESSORS_ONLN)" -I {} bash -c 'g++ "${@:2}" -c "$1" -o "$0/${1//\//-}.o"' "$tmp/cpp" {} "${flags[@]}"
	g++ -o "$tmp/cpp/check" "$tmp"/cpp/*.o $(pkg-config --libs grpc++ protobuf)
	expect "14 MODEL_OVERLOADED $want" "$tmp/cpp/check" "$tmp/status"
}

check_ruby() {
	debian ruby ruby-grpc ruby-google-protobuf ruby-googleapis-common-protos-types
	expect "14 MODEL_OVERLOADED $want" /usr/bin/ruby -E UTF-8 -I gen/ruby "$check/check.rb" "$tmp/status"
}

check_php() {
	debian php-cli php-google-protobuf
	find gen/php -name '*.php' -exec php -l {} + >/dev/null
	expect "MODEL_OVERLOADED $want" php -d display_errors=stderr -d include_path=gen/php:/usr/share/php "$check/check.php" "$tmp/detail"
}

for language; do
	if [ "$language" = csharp ]; then
		echo 'gen/csharp: not compiled'
		continue
	fi
	"check_$language"
	echo "gen/$language: ok"
done
