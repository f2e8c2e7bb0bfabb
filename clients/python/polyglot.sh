#!/usr/bin/env bash
# Goes through the situations of conformance/README.md with one of grpcio's clients: polyglot.sh grpcio|asyncio.
# Installs the package, and what it is tested with, into .venv, and runs its tests first.
set -euo pipefail
cd "$(dirname "$0")"
python=${PYTHON:-python3}

if ! "$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
	echo "$python is missing or too old: install Python 3.11 or newer, with its module venv" >&2
	exit 77
fi

export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
made=$("$python" --version | cat - requirements.txt)
if [ "$(cat .venv/made 2>/dev/null)" != "$made" ]; then
	rm -rf .venv
	"$python" -m venv .venv >&2
	.venv/bin/python -m pip install --quiet --no-deps --only-binary :all: --require-hashes --requirement requirements.txt >&2
	echo "$made" >.venv/made
fi
# The package as users get it, not the folder it is made of.
.venv/bin/python -m pip install --quiet --no-deps --no-build-isolation . >&2
PYTHONPATH= .venv/bin/python -m pytest >&2

# The example's service is no part of the package.
export PYTHONPATH=$PWD/../../gen/python
exec .venv/bin/python conformance "$@"
