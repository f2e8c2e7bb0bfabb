"""Shows a person what became of a call."""

import math
import sys

import grpc
from recourse.v1.recovery_action_pb2 import RecoveryAction

from recourse_errors import Degraded, Verdict, read_error

FAILED = 1
LATER = 75  # scripts may try again later

WHO = {
    RecoveryAction.ACTOR_CLIENT: "program",
    RecoveryAction.ACTOR_CALLER_CODE: "developer",
    RecoveryAction.ACTOR_ADMIN: "your admin",
    RecoveryAction.ACTOR_SERVICE_OWNER: "operator",
}


def failure(failed: grpc.RpcError) -> int:
    """Shows an error and returns the exit code."""
    error = read_error(failed)
    tell(f"{error.message} [{error.error_code}]")
    tell(error.suggestion)
    actions(error.recovery_actions)
    if error.retry_delay is not None:
        tell(f"Try again in {math.ceil(error.retry_delay.total_seconds())} seconds.")
    if error.request_id:
        tell(f"Request id {error.request_id}")
    return LATER if error.verdict == Verdict.SAME_REQUEST else FAILED


def mark(degraded: Degraded) -> None:
    """Says that an answer is not the real one."""
    kind = degraded.kind.name.lower() if degraded.kind else "degraded"
    tell(f"This is not the real answer: {kind}, from {degraded.source or 'an unknown source'}.")
    if degraded.suggestion:
        tell(degraded.suggestion)
    actions(degraded.recovery_actions)


def actions(offered) -> None:
    for action in offered:
        if not action.label:
            continue  # of a later version, without words
        more = details(action)
        tell(f"- {WHO.get(action.actor, 'you')}: {action.label}" + (f" ({more})" if more else ""))


def details(action: RecoveryAction) -> str:
    """Returns what an action says beyond its label. Nothing is carried out: that is for people."""
    kind = action.WhichOneof("action")
    if kind == "fix_fields":
        return ", ".join(
            f.field + (f" = {f.suggested_value}" if f.suggested_value else "") for f in action.fix_fields.fixes
        )
    if kind == "open_link":
        return action.open_link.url
    if kind == "contact_support":
        return " ".join(filter(None, (action.contact_support.channel, action.contact_support.reference)))
    return ""


def tell(line: str) -> None:
    print(line, file=sys.stderr)
