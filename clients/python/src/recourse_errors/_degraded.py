"""The mark of an answer that is not the real one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from typing import Optional, Tuple, Union

from recourse.v1 import degraded_pb2
from recourse.v1.recovery_action_pb2 import RecoveryAction

from ._actions import read_actions
from ._error import MAX_DOMAIN, MAX_ERROR_CODE, MAX_SUGGESTION, Metadata, known, values
from ._text import clean, text
from ._wire import decode, milliseconds

_MAX_SOURCE = 64
_MAX_BYTES = 8192
_NOT_SAID = "not said"


class DegradedKind(IntEnum):
    """How an answer differs from the real one, as in recourse.v1.Degraded.Kind."""

    STALE = 1  # a real answer from earlier
    DEFAULT = 2  # one that does not depend on the request
    PARTIAL = 3  # a part of the real one
    SUBSTITUTE = 4  # from something simpler


@dataclass(frozen=True, eq=False)
class Degraded:
    """Why an answer is not the real one. Made by read_degraded."""

    kind: Optional[DegradedKind] = None
    """How the answer differs, where that is known."""

    error_code: str = ""
    """The error that the real answer ended with, as in CallError. Empty if the server does not say."""

    domain: str = ""
    """Who defines the error code."""

    suggestion: str = ""
    """What a person may try for a better answer."""

    recovery_actions: Tuple[RecoveryAction, ...] = ()
    """What would bring the real answer back, best first; alternatives."""

    age: Optional[timedelta] = None
    """How old the answer is, where that is known. Never negative."""

    source: str = ""
    """Where the answer came from, such as "cache"."""


def read_degraded(metadata: Optional[Metadata]) -> Optional[Degraded]:
    """Reads the mark of a degraded answer from the trailing metadata of a call that succeeded; None if it is real.

        reply, call = stub.Process.with_call(request)
        mark = read_degraded(call.trailing_metadata())

    With asyncio, read_degraded(await call.trailing_metadata()). The initial metadata may have the same mark early.
    Whatever the server has sent, this does not raise.
    """
    trailers = list(metadata or ())
    encoded, words = values(trailers, "recourse-degraded-bin"), values(trailers, "recourse-degraded")
    if encoded:
        mark = _read(encoded[-1])
        if mark is not None:
            return mark
    elif not words:
        return None
    return _from_words(words[-1] if words else None)


def _read(encoded: Union[str, bytes]) -> Optional[Degraded]:
    if not isinstance(encoded, bytes) or len(encoded) > _MAX_BYTES:
        return None
    said = decode(degraded_pb2.Degraded, encoded)
    if said is None:
        return None
    error_code = clean(said.error_code, MAX_ERROR_CODE)
    kind = known(DegradedKind, said.kind)
    suggestion = clean(said.suggestion, MAX_SUGGESTION)
    recovery_actions = read_actions(action.SerializeToString() for action in said.recovery_actions)
    age = milliseconds(said.age) if said.HasField("age") else None
    if age is not None and age < 0:
        age = None
    source = clean(said.source, _MAX_SOURCE)
    if not (kind or error_code or suggestion or recovery_actions or age is not None or source):
        source = _NOT_SAID
    return Degraded(
        kind=kind,
        error_code=error_code,
        domain=clean(said.domain, MAX_DOMAIN) if error_code else "",
        suggestion=suggestion,
        recovery_actions=recovery_actions,
        age=None if age is None else timedelta(milliseconds=age),
        source=source,
    )


def _from_words(words: Union[str, bytes, None]) -> Degraded:
    """Reads the mark that stands beside the encoded one for logs and gateways, such as stale;age=40."""
    name = text(words).partition(";")[0].strip().upper()
    return Degraded(kind=DegradedKind.__members__.get(name), source=_NOT_SAID)
