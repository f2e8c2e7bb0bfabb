#!/usr/bin/env bash
# Runs an example's client as a person runs it, in the situations example/ of conformance/README.md, against the server
# at EXAMPLE_ADDR, and prints a line for each: examples.sh README COMMAND... The README shows one of them.
set -uo pipefail
readme=$1
shift
client=("$@")
# Users of the example server: one who may do all of this, one who has two calls a minute, and nobody.
ada=token-of-ada quinn=token-of-quinn nobody=token-of-2019
failed=1 later=75
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
status=0

# run TOKEN ARGUMENTS...: leaves the exit code, the standard output and the standard error.
run() {
	local token=$1
	shift
	answer=$(timeout 30 "${client[@]}" --addr "$EXAMPLE_ADDR" --token "$token" "$@" 2>"$folder/said" </dev/null)
	code=$?
	said=$(<"$folder/said")
	wrong=
}

# shows EXIT WORDS...: the call ended so, and these extended regular expressions are in what was said.
shows() {
	local exit=$1 words
	shift
	[ "$code" = "$exit" ] || wrong="exit code $code, want $exit"
	for words; do
		grep -Eq -- "$words" "$folder/said" || wrong=${wrong:-"no '$words'"}
	done
}

tell() {
	if [ -z "$wrong" ]; then
		echo "ok example/$1"
	else
		status=1
		echo "not ok example/$1 # $wrong: ${answer//$'\n'/ } | ${said//$'\n'/ }"
	fi
}

run $ada process 'Will it rain in Oslo tomorrow?'
shows 0
[[ $answer == *Oslo* && -z $said ]] || wrong='not the answer'
tell answer

run $ada classify 'blue ideas sleep furiously'
shows $failed INTENT_NOT_UNDERSTOOD 'Try rephrasing your request more clearly' 'Ask the same in other words.*query'
tell not-understood

run $ada process --id 42 ''
shows $failed FIELDS_INVALID 'Correct the request.*query.*request_id'
shown=$(sed -n '/^The second one shows$/,$p' "$readme" | sed -n '4,6p')
[[ -n $shown && $shown == "$(head -n 3 "$folder/said")" ]] || wrong=${wrong:-"$readme shows something else"}
tell fields

run $nobody process Hello
shows $failed TOKEN_EXPIRED 'Sign in again'
tell token-expired

for _ in 1 2 3; do
	run $quinn classify 'Where is my order?'
	[ "$code" = 0 ] || break
done
shows $later QUOTA_USED_UP 'https://assistant.example.com/plans' 'Try again in ([1-9]|[1-5][0-9]|60) seconds?'
tell quota

run $ada generate "the sea at night, $RANDOM$RANDOM demo:break"
pieces=$(wc -w <<<"$answer")
shows $later TEXT_BROKE_OFF "Ask for the rest.*start_position = $pieces"
[ "$pieces" -gt 0 ] || wrong='no piece came'
tell breaks-off

run $ada transcribe 'where is' "@${BASH_SOURCE[0]}"
shows $failed SOUND_NOT_SUPPORTED 'Send words in place of sound'
tell sound

run $ada chat 'Hello!' 'Will it rain in Rome?' 'And snow in Rome?' 'Where is my order?'
shows $failed CHAT_FULL 'Start a new chat'
[ "$(wc -l <<<"$answer")" = 3 ] || wrong='not three answers'
tell chat-full

run $ada process 'Will it rain? demo:panic'
shows $failed ASYNC_UNEXPECTED_FAILED 'Please report this issue to support' 'Request id [0-9A-Za-z]{8,}'
tell bug

run $ada process 'Will it rain in Oslo? demo:down'
shows 0 'not the real answer' substitute apology
[ -n "$answer" ] || wrong='no answer'
tell degraded

exit $status
