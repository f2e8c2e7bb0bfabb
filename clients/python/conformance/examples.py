"""The example's client, run as a person runs it, and what it shows."""

from __future__ import annotations

import re
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Callable, Dict, List, NamedTuple

from situations import Unmet

FOLDER = Path(__file__).parents[3] / "examples" / "python"

# Users of the example server: one who may do all of this, one who has two calls a minute, and nobody.
ADA, QUINN, NOBODY = "token-of-ada", "token-of-quinn", "token-of-2019"

FAILED, LATER = 1, 75


class Screen(NamedTuple):
    exit: int
    answer: str  # the standard output
    said: str  # the standard error

    def shows(self, exit: int, *words: str) -> None:
        if self.exit != exit:
            raise Unmet(f"exit code {self.exit}, want {exit}: {self.said}")
        for word in words:
            if not re.search(word, self.said):
                raise Unmet(f"{word} is not in {self.said!r}")


Run = Callable[..., Screen]


def runner(script: str, address: str) -> Run:
    def run(token: str, *args: str) -> Screen:
        command = [sys.executable, str(FOLDER / script), "--addr", address, "--token", token, *args]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL)
        return Screen(done.returncode, done.stdout.strip(), done.stderr.strip())

    return run


def answer(run: Run) -> None:
    screen = run(ADA, "process", "Will it rain in Oslo tomorrow?")
    screen.shows(0)
    if "Oslo" not in screen.answer or screen.said:
        raise Unmet(f"the answer is {screen}")


def not_understood(run: Run) -> None:
    run(ADA, "classify", "blue ideas sleep furiously").shows(
        FAILED,
        "INTENT_NOT_UNDERSTOOD",
        "Try rephrasing your request more clearly",
        "Ask the same in other words.*query",
    )


def fields(run: Run) -> None:
    screen = run(ADA, "process", "--id", "42", "")
    screen.shows(FAILED, "FIELDS_INVALID", "Correct the request.*query.*request_id")
    shown = (FOLDER / "README.md").read_text("utf-8").rpartition("The second one shows\n\n```\n")[2].splitlines()
    if len(shown) != 5 or screen.said.splitlines()[:3] != shown[:3]:
        raise Unmet(f"the README shows {shown}, and the example {screen.said!r}")


def token_expired(run: Run) -> None:
    run(NOBODY, "process", "Hello").shows(FAILED, "TOKEN_EXPIRED", "Sign in again")


def quota(run: Run) -> None:
    screens: List[Screen] = []
    while len(screens) < 3 and (not screens or screens[-1].exit == 0):
        screens.append(run(QUINN, "classify", "Where is my order?"))
    screens[-1].shows(
        LATER, "QUOTA_USED_UP", "https://assistant.example.com/plans", r"Try again in ([1-9]|[1-5]\d|60) seconds?"
    )


def breaks_off(run: Run) -> None:
    screen = run(ADA, "generate", f"the sea at night, {secrets.token_hex(4)} demo:break")
    pieces = len(screen.answer.split())
    if pieces == 0:
        raise Unmet(f"no piece came: {screen}")
    screen.shows(LATER, "TEXT_BROKE_OFF", f"Ask for the rest.*start_position = {pieces}")


def sound(run: Run) -> None:
    run(ADA, "transcribe", "where is", f"@{__file__}").shows(
        FAILED, "SOUND_NOT_SUPPORTED", "Send words in place of sound"
    )


def chat_full(run: Run) -> None:
    screen = run(ADA, "chat", "Hello!", "Will it rain in Rome?", "And snow in Rome?", "Where is my order?")
    if len(screen.answer.splitlines()) != 3:
        raise Unmet(f"answers: {screen.answer!r}")
    screen.shows(FAILED, "CHAT_FULL", "Start a new chat")


def bug(run: Run) -> None:
    run(ADA, "process", "Will it rain? demo:panic").shows(
        FAILED, "ASYNC_UNEXPECTED_FAILED", "Please report this issue to support", "(?i)request id [0-9A-Za-z]{8,}"
    )


def degraded(run: Run) -> None:
    screen = run(ADA, "process", "Will it rain in Oslo? demo:down")
    screen.shows(0, "not the real answer", "(?i)substitute", "apology")
    if not screen.answer:
        raise Unmet("no answer")


EXAMPLES: Dict[str, Callable[[Run], None]] = {
    "example/answer": answer,
    "example/not-understood": not_understood,
    "example/fields": fields,
    "example/token-expired": token_expired,
    "example/quota": quota,
    "example/breaks-off": breaks_off,
    "example/sound": sound,
    "example/chat-full": chat_full,
    "example/bug": bug,
    "example/degraded": degraded,
}
