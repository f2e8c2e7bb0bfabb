"""A failed call, as its caller sees it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from enum import IntEnum
from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Optional, Tuple, Type, TypeVar, Union

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from recourse.v1.error_detail_pb2 import ErrorDetail
from recourse.v1.recovery_action_pb2 import RecoveryAction

from ._actions import read_actions
from ._codes import Code, Outcome, Verdict, Why, usual
from ._text import clean, text
from ._wire import BYTES, VARINT, Broken, decode, fields, int32, last, milliseconds, strings

Metadata = Iterable[Tuple[str, Union[str, bytes]]]

M = TypeVar("M", bound=Message)
E = TypeVar("E", bound=IntEnum)

MAX_DOMAIN = 253
MAX_ERROR_CODE = 63
MAX_SUGGESTION = 256
_MAX_MESSAGE = 256
_MAX_OPERATION = 256
_MAX_REQUEST_ID = 128
_MAX_DETAILS = 32
_MAX_BYTES = 64 << 10  # of all details
_MAX_ENTRIES = 64  # of the metadata
_MAX_KEY = 64

# Outcome and verdict, where a server could not send an ErrorDetail.
_OUTCOME_KEY = "recourseOutcome"
_VERDICT_KEY = "recourseRetry"


@dataclass(frozen=True, eq=False)
class CallError:
    """What a failed call says, or what its code alone means where it says nothing. Made by read_error."""

    code: Code
    """The gRPC code; of those that this version does not know, UNKNOWN."""

    error_code: str
    """The stable name of the error, such as BOOK_ON_LOAN: what programs compare, together with domain. It is the name
    of the code where the server gives none."""

    domain: str
    """Who defines the error code. Empty if the server does not say."""

    message: str
    """What happened, for developers."""

    metadata: Mapping[str, str]
    """What the message has in it that changes from call to call, by key, in the order of the keys."""

    suggestion: str
    """What a person may do next."""

    recovery_actions: Tuple[RecoveryAction, ...]
    """What can be done, best first; alternatives. action.WhichOneof("action") names the kind, and is None for one that
    this version does not know: show its label, and do nothing."""

    required_action: Optional[RecoveryAction]
    """The action that the server wants done before the request makes sense again; None if there is none such. It is
    never to wait."""

    verdict: Verdict
    """Whether to send the request again."""

    why: Optional[Why]
    """The reason for the verdict, where the server gives one."""

    attempts: int
    """How many calls the service that gave up has made; 0 if it does not say."""

    outcome: Optional[Outcome]
    """Whether the request took effect, where that is known."""

    retry_delay: Optional[timedelta]
    """How long to wait at least before the request is sent again, where the server says so. Never negative, and up to
    centuries: cap it."""

    request_id: str
    """What to quote to support. Empty if there is none."""

    operation: str
    """What failed, where that is not just the method that was called."""

    _details: Tuple[_Detail, ...] = field(default=(), repr=False)

    def detail(self, kind: Type[M]) -> Optional[M]:
        """Returns the first detail of a type, such as google.rpc.error_details_pb2.BadRequest, with its texts as they
        were sent."""
        for data in _of(self._details, kind.DESCRIPTOR.full_name):
            message = decode(kind, data)
            if message is not None:
                return message
        return None


def read_error(error: object) -> CallError:
    """Reads what a failed call says.

    error is what grpcio raises: a grpc.RpcError or a grpc.aio.AioRpcError, or anything else with the methods code,
    details and trailing_metadata. An error without them is UNKNOWN. Whatever the server has sent, this does not raise.
    """
    code = _number(_ask(error, "code"))
    said = _ask(error, "details")
    trailers = list(_ask(error, "trailing_metadata") or ())
    if not callable(getattr(error, "code", None)):
        said = str(error)
    return _Reading(code, said, trailers).report()


def _ask(error: object, name: str) -> Any:
    method = getattr(error, name, None)
    return method() if callable(method) else None


def _number(code: Any) -> int:
    """Returns the number of a grpc.StatusCode, whose value is a pair, or of a code that is a number."""
    value = getattr(code, "value", code)
    if isinstance(value, tuple):
        value = value[0]
    return value if isinstance(value, int) else Code.UNKNOWN


# What grpcio makes of a message beside a code that it does not know.
_unknown_code = re.compile(r'Server sent unknown code .{1,12} and details "(.*)"', re.DOTALL)


class _Detail(NamedTuple):
    type_url: str
    value: bytes


class _Status(NamedTuple):
    code: int
    message: bytes
    details: List[_Detail]


class _Info(NamedTuple):
    error_code: str
    domain: str
    metadata: Dict[str, str]


class _Reading:
    """Collects what the parts of a call say."""

    def __init__(self, code: int, said: Union[str, bytes, None], trailers: List[Tuple[str, Union[str, bytes]]]):
        self.code = Code(code) if code in Code.__members__.values() else Code.UNKNOWN
        said = text(said)
        unknown = _unknown_code.fullmatch(said) if self.code == Code.UNKNOWN else None
        self.message = clean(unknown.group(1) if unknown else said, _MAX_MESSAGE)
        self.details: Tuple[_Detail, ...] = ()
        status = _status(values(trailers, "grpc-status-details-bin"))
        if status is not None and status.code == code:
            self.message = clean(status.message, _MAX_MESSAGE)
            self.details = tuple(_within_limits(status.details))
        self.suggestion = ""
        self.actions: Tuple[RecoveryAction, ...] = ()
        self.verdict: Optional[Verdict] = None
        self.why: Optional[Why] = None
        self.attempts = 0
        self.outcome: Optional[Outcome] = None
        self.operation = ""
        self._read_info()
        self._read_error_details()
        self._read_metadata()
        self.delay = self._read_delay()
        self.request_id = self._read_request_id(trailers)

    def _read_info(self) -> None:
        infos = (_info(data) for data in _of(self.details, "google.rpc.ErrorInfo"))
        info = next((found for found in infos if found is not None), None)
        self.identity = (info.error_code, info.domain) if info else ("", "")
        self.metadata = info.metadata if info else {}

    def _read_error_details(self) -> None:
        advised = False
        for data in _of(self.details, "recourse.v1.ErrorDetail"):
            parts = split(data, ErrorDetail)
            if parts is None:
                continue
            detail, actions = parts
            identity = (clean(detail.error_code, MAX_ERROR_CODE), clean(detail.domain, MAX_DOMAIN))
            if self.identity == ("", ""):
                self.identity = identity
            if self.identity != identity:  # left behind by a server in between that has changed the error
                continue
            self.suggestion = self.suggestion or clean(detail.suggestion, MAX_SUGGESTION)
            self.actions = self.actions or read_actions(actions)
            self.outcome = self.outcome or known(Outcome, detail.outcome)
            self.operation = self.operation or clean(detail.operation, _MAX_OPERATION)
            if detail.HasField("retry") and not advised:
                advised = True
                if detail.retry.verdict != 0:
                    self.verdict = known(Verdict, detail.retry.verdict) or Verdict.NEVER
                self.why = known(Why, detail.retry.why)
                self.attempts = detail.retry.attempts
        self._advised = advised

    def _read_metadata(self) -> None:
        self.outcome = self.outcome or Outcome.__members__.get(self.metadata.get(_OUTCOME_KEY, ""))
        name = self.metadata.get(_VERDICT_KEY, "")
        if name not in ("", "UNSPECIFIED") and not self._advised:
            self.verdict = Verdict.__members__.get(name, Verdict.NEVER)

    def _read_delay(self) -> Optional[int]:
        for data in _of(self.details, "google.rpc.RetryInfo"):
            try:
                delays = strings(data, 1)
            except Broken:
                continue
            duration = decode(Duration, b"".join(delays)) if delays else None
            delay = milliseconds(duration) if duration is not None else None
            if delay is not None:
                return max(delay, 0)
        return None

    def _read_request_id(self, trailers: List[Tuple[str, Union[str, bytes]]]) -> str:
        for data in _of(self.details, "google.rpc.RequestInfo"):
            try:
                found = clean(last(strings(data, 1)), _MAX_REQUEST_ID)
            except Broken:
                continue
            if found:
                return found
        return clean("".join(text(v) for v in values(trailers, "x-request-id")[:1]), _MAX_REQUEST_ID)

    def report(self) -> CallError:
        guidance = usual(self.code, self.verdict)
        actions = self.actions
        if not actions and guidance.action is not None:
            action = RecoveryAction()
            action.CopyFrom(guidance.action)
            actions = (action,)
        if self.verdict == Verdict.NEVER:  # what somebody said before somebody else ruled it out
            actions = tuple(a for a in actions if not (a.HasField("retry_after") and a.actor == a.ACTOR_CLIENT))
        return CallError(
            code=self.code,
            error_code=self.identity[0] or self.code.name,
            domain=self.identity[1],
            message=self.message,
            metadata=self.metadata,
            suggestion=self.suggestion or guidance.suggestion,
            recovery_actions=actions,
            required_action=next((a for a in self.actions if a.required and not a.HasField("retry_after")), None),
            verdict=self._final_verdict(guidance.verdict),
            why=self.why,
            attempts=self.attempts,
            outcome=self.outcome or _usual_outcome.get(self.code),
            retry_delay=None if self.delay is None else timedelta(milliseconds=self.delay),
            request_id=self.request_id,
            operation=self.operation,
            _details=self.details,
        )

    def _final_verdict(self, of_code: Verdict) -> Verdict:
        if self.verdict is not None:
            return self.verdict
        if self.code == Code.RESOURCE_EXHAUSTED and self.delay is not None:
            return Verdict.SAME_REQUEST
        if self.code == Code.DEADLINE_EXCEEDED and self.outcome == Outcome.NOT_APPLIED:
            return Verdict.SAME_REQUEST
        return of_code


_usual_outcome = {Code.CANCELLED: Outcome.INDETERMINATE, Code.DEADLINE_EXCEEDED: Outcome.INDETERMINATE}


def known(kind: Type[E], number: int) -> Optional[E]:
    """Returns the value of an enum, None for 0 and for a number that this version does not know."""
    return kind(number) if number in kind.__members__.values() else None


def values(metadata: Metadata, key: str) -> List[Union[str, bytes]]:
    return [value for name, value in metadata if name == key]


def split(data: bytes, kind: Type[M]) -> Optional[Tuple[M, List[bytes]]]:
    """Decodes an ErrorDetail without its lists, of which one broken entry would spoil the rest, and
    returns the recovery actions encoded."""
    lists = {f.number for f in kind.DESCRIPTOR.fields if f.is_repeated}
    actions = kind.DESCRIPTOR.fields_by_name["recovery_actions"].number
    try:
        rest = b"".join(f.raw for f in fields(data) if f.number not in lists)
        encoded = strings(data, actions)
    except Broken:
        return None
    message = decode(kind, rest)
    return None if message is None else (message, encoded)


def _of(details: Iterable[_Detail], name: str) -> Iterable[bytes]:
    """Yields the details of a type, which is what stands after the last slash."""
    return (d.value for d in details if d.type_url.rpartition("/")[2] == name)


def _status(found: List[Union[str, bytes]]) -> Optional[_Status]:
    """Decodes a google.rpc.Status. Of several nobody knows which counts."""
    if len(found) != 1 or not isinstance(found[0], bytes):
        return None
    code, message, details = 0, b"", []
    try:
        for f in fields(found[0]):
            if f.number == 1 and f.kind == VARINT:
                code = int32(f.value)
            elif f.number == 2 and f.kind == BYTES:
                message = f.value
            elif f.number == 3 and f.kind == BYTES:
                details.append(_Detail(text(last(strings(f.value, 1))), last(strings(f.value, 2))))
    except Broken:
        return None
    return _Status(code, message, details)


def _within_limits(details: List[_Detail]) -> Iterable[_Detail]:
    size = 0
    for detail in details[:_MAX_DETAILS]:
        size += len(detail.type_url.encode()) + len(detail.value)
        if size > _MAX_BYTES:
            return
        yield detail


def _info(data: bytes) -> Optional[_Info]:
    """Decodes a google.rpc.ErrorInfo."""
    entries = {}
    try:
        for entry in strings(data, 3):
            entries[text(last(strings(entry, 1)))] = text(last(strings(entry, 2)))
        error_code, domain = last(strings(data, 1)), last(strings(data, 2))
    except Broken:
        return None
    metadata: Dict[str, str] = {}
    for key, value in sorted(entries.items()):
        if len(metadata) < _MAX_ENTRIES and _is_key(key, value):
            metadata[key] = clean(value, _MAX_BYTES)
    return _Info(clean(error_code, MAX_ERROR_CODE), clean(domain, MAX_DOMAIN), metadata)


def _is_key(key: str, value: str) -> bool:
    if not key or len(key.encode()) > _MAX_KEY or clean(key, _MAX_KEY) != key:
        return False
    return key not in (_OUTCOME_KEY, _VERDICT_KEY) or len(value.encode()) <= _MAX_KEY
