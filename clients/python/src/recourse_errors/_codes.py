"""What a gRPC code alone tells a caller."""

from __future__ import annotations

from enum import IntEnum
from typing import Any, Dict, NamedTuple, Optional

from recourse.v1 import recovery_action_pb2 as pb


class Code(IntEnum):
    """The code of a failed call, as in google.rpc.Code."""

    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


class Verdict(IntEnum):
    """Whether to send a failed request again, as in recourse.v1.RetryAdvice.Verdict."""

    SAME_REQUEST = 1  # the same bytes may succeed later
    AFTER_ACTION = 2  # once one of the recovery actions was taken
    AT_HIGHER_LEVEL = 3  # not this call, but the larger unit that it belongs to, such as a transaction
    NEVER = 4  # no program sends it again


class Why(IntEnum):
    """The reason for a verdict, as in recourse.v1.RetryAdvice.Why."""

    RETRIES_EXHAUSTED = 1
    OVERLOADED = 2
    BUDGET_SPENT = 3
    NOT_IDEMPOTENT = 4
    CIRCUIT_OPEN = 5


class Outcome(IntEnum):
    """Whether a failed request took effect, as in recourse.v1.Outcome."""

    NOT_APPLIED = 1
    APPLIED = 2
    PARTIALLY_APPLIED = 3
    INDETERMINATE = 4  # the server can not tell: repeat only what may be repeated


class Usual(NamedTuple):
    """What is assumed where the error says nothing itself."""

    verdict: Verdict
    suggestion: str
    action: Optional[pb.RecoveryAction] = None


_LATER = "Try again in a few moments or check system status."
_REPORT = "Please report this issue to support."
NOT_NOW = Usual(Verdict.NEVER, "Repeating the request will not help now.")


def _action(actor: pb.RecoveryAction.Actor, label: str, **body: Any) -> pb.RecoveryAction:
    return pb.RecoveryAction(actor=actor, label=label, **body)


_by_code = pb.RecoveryAction.ACTOR_CALLER_CODE
_by_user = pb.RecoveryAction.ACTOR_END_USER
_support = Usual(Verdict.NEVER, _REPORT, _action(_by_user, "Contact support", contact_support=pb.ContactSupport()))

USUAL: Dict[Code, Usual] = {
    Code.CANCELLED: Usual(Verdict.NEVER, "Nothing to do: the call was cancelled."),
    Code.UNKNOWN: _support,
    Code.INVALID_ARGUMENT: Usual(
        Verdict.AFTER_ACTION,
        "Correct the request and send it again.",
        _action(_by_code, "Correct the request", fix_fields=pb.FixFields()),
    ),
    Code.DEADLINE_EXCEEDED: Usual(Verdict.NEVER, _LATER),
    Code.NOT_FOUND: Usual(Verdict.NEVER, "Check the name or id and try again."),
    Code.ALREADY_EXISTS: Usual(Verdict.NEVER, "Use what exists already, or choose another name."),
    Code.PERMISSION_DENIED: Usual(
        Verdict.AFTER_ACTION,
        "Ask an administrator for access.",
        _action(pb.RecoveryAction.ACTOR_ADMIN, "Request access", request_access=pb.RequestAccess()),
    ),
    Code.RESOURCE_EXHAUSTED: Usual(
        Verdict.NEVER,
        "Wait before you try again, or ask for a higher limit.",
        _action(_by_code, "Wait for the limit to renew", wait_for_quota=pb.WaitForQuota()),
    ),
    Code.FAILED_PRECONDITION: Usual(
        Verdict.AFTER_ACTION,
        "Bring the system into the state that the request needs, then send it again.",
        _action(_by_code, "Read the current state", refresh=pb.Refresh()),
    ),
    Code.ABORTED: Usual(
        Verdict.AT_HIGHER_LEVEL,
        "Start the whole operation again.",
        _action(_by_code, "Restart the transaction", restart_transaction=pb.RestartTransaction()),
    ),
    Code.OUT_OF_RANGE: Usual(
        Verdict.AFTER_ACTION,
        "Correct the value and send the request again.",
        _action(_by_code, "Correct the value", fix_fields=pb.FixFields()),
    ),
    Code.UNIMPLEMENTED: Usual(
        Verdict.NEVER,
        "Check the version of the client and of the server.",
        _action(pb.RecoveryAction.ACTOR_SERVICE_OWNER, "Update the client", upgrade_client=pb.UpgradeClient()),
    ),
    Code.INTERNAL: _support,
    Code.UNAVAILABLE: Usual(
        Verdict.SAME_REQUEST,
        _LATER,
        _action(pb.RecoveryAction.ACTOR_CLIENT, "Try again", retry_after=pb.RetryAfter()),
    ),
    Code.DATA_LOSS: _support,
    Code.UNAUTHENTICATED: Usual(
        Verdict.AFTER_ACTION,
        "Sign in again.",
        _action(_by_user, "Sign in again", reauthenticate=pb.Reauthenticate()),
    ),
}


def usual(code: Code, stated: Optional[Verdict]) -> Usual:
    """Returns what to suggest for an error that suggests nothing. A verdict that it states goes before its code."""
    own = USUAL[code]
    if stated is None or stated == own.verdict:
        return own
    if stated == Verdict.SAME_REQUEST and own.verdict in (Verdict.AFTER_ACTION, Verdict.AT_HIGHER_LEVEL):
        return USUAL[Code.UNAVAILABLE]
    if stated == Verdict.AT_HIGHER_LEVEL:
        return USUAL[Code.ABORTED]
    if stated == Verdict.NEVER:  # that of UNKNOWN, INTERNAL and DATA_LOSS is NEVER anyway
        return NOT_NOW
    return own
