#!/usr/bin/env bash
# Goes through the situations of conformance/README.md with a gRPC client of Java: grpc-java, over netty-shaded. The
# addresses of the servers are in the environment; `make polyglot` starts them. Runs the reader's tests first.
set -euo pipefail
cd "$(dirname "$0")"

if [ "${1-}" != grpc-java ]; then
	echo "usage: $0 grpc-java" >&2
	exit 2
fi
missing() {
	echo "$1 is missing: install Maven 3.8 or newer and a JDK, 17 or newer (Debian: maven, openjdk-17-jdk-headless)" >&2
	exit 77
}
for tool in mvn java javac; do
	command -v "$tool" >/dev/null || missing "$tool"
done
javac=$(javac -version 2>&1) # javac 17.0.15
javac=${javac#javac }
[ "${javac%%.*}" -ge 17 ] || missing 'a JDK that is new enough'

# The versions are fixed, so that Maven asks no registry for what it has.
mvn -q -B test >&2

java=(java -XX:+UseSerialGC -XX:TieredStopAtLevel=1)
"${java[@]}" -cp "errors/target/test-classes:errors/target/classes:$(<errors/target/test-classpath)" dev.recourse.errors.Conformance
example=../../examples/java/target
RECOURSE_CONFORMANCE=1 "${java[@]}" -cp "$example/classes:$(<"$example/classpath")" \
	dev.recourse.examples.assistant.AssistantClient "$EXAMPLE_ADDR"
