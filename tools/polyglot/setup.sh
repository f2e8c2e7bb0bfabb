#!/usr/bin/env bash
# Installs what generate.sh writes the languages with, all of them or those given, into bin/polyglot: pinned, and with
# checksums. Nothing happens where it is there already.
source "$(dirname "$0")/lib.sh"

setup_ts() {
	need npm 'Node, version 20 or newer, with npm'
	local folder=$tools/ts
	once "$folder" "$polyglot"/ts/package*.json -- fill_ts "$folder"
}

fill_ts() {
	cp "$polyglot"/ts/package*.json "$1"
	npm ci --silent --ignore-scripts --prefix "$1"
}

# The wheel of google.rpc has its proto files too, which other languages are generated from.
setup_python() {
	need python3 'Python 3.10 or newer, with pip and venv'
	local folder=$tools/python
	once "$folder" "$polyglot/python/requirements.txt" -- fill_python "$folder"
}

fill_python() {
	python3 -m venv "$1"
	"$1/bin/pip" install --disable-pip-version-check --quiet --no-deps --only-binary :all: --require-hashes \
		--requirement "$polyglot/python/requirements.txt"
}

setup_java() {
	need mvn 'Maven, with a JDK, version 17 or newer'
	local folder=$tools/java
	once "$folder" "$polyglot"/java/{pom.xml,plugin.sha256} -- fill_java "$folder"
}

fill_java() {
	local platform
	case "$(uname -sm)" in
	'Linux x86_64') platform=linux-x86_64 ;;
	'Linux aarch64') platform=linux-aarch_64 ;;
	'Darwin '*) platform=osx-aarch_64 ;; # one binary, for both kinds
	*) stop "protoc-gen-grpc-java: no binary for $(uname -sm)" ;;
	esac
	maven -f "$polyglot/java/pom.xml" -Dplatform="$platform" -Dout="$1"
	grep -q "^$(checksum <"$1/protoc-gen-grpc-java")  $platform\$" "$polyglot/java/plugin.sha256" ||
		stop "protoc-gen-grpc-java for $platform is not the one in plugin.sha256"
	chmod +x "$1/protoc-gen-grpc-java"
}

checksum() {
	{ sha256sum 2>/dev/null || shasum -a 256; } | cut -d ' ' -f 1
}

setup_rust() {
	need cargo 'Rust, version 1.88 or newer'
	CARGO_TARGET_DIR=$tools/rust cargo build --quiet --locked --release --manifest-path "$polyglot/rust/Cargo.toml"
}

# What the C++ compiler of protobuf writes goes with the library of that very release and no other. It is Debian's, so that
# a client can be built with nothing but Debian's packages.
setup_cpp() {
	debian protobuf-compiler protobuf-compiler-grpc
	[ "$(/usr/bin/protoc --version)" = "libprotoc $cpp_version" ] ||
		stop "C++ is generated with the protoc $cpp_version of Debian 12, and this is $(/usr/bin/protoc --version)"
}

setup_ruby() {
	debian protobuf-compiler-grpc
}

# protoc alone.
setup_kotlin() { :; }
setup_csharp() { :; }
setup_php() { :; }

if [ $# = 0 ]; then set -- "${languages[@]}"; fi
for language; do
	declare -F "setup_$language" >/dev/null || stop "there is no language $language: there is ${languages[*]}"
	"setup_$language"
done
