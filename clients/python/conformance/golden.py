"""The golden files of the repository, and a reader's report in their terms. See conformance/README.md there."""

from __future__ import annotations

import base64
import json
import os
from datetime import timedelta
from enum import IntEnum
from pathlib import Path
from typing import Any, Iterable, List, NamedTuple, Optional, Tuple, Union

from google.protobuf import json_format
from recourse.v1.recovery_action_pb2 import RecoveryAction

from recourse_errors import CallError, Degraded, read_degraded, read_error

Pairs = List[Tuple[str, Union[str, bytes]]]

FOLDER = Path(os.environ.get("GOLDEN_DIR") or Path(__file__).parents[3] / "conformance" / "golden")


class Case(NamedTuple):
    name: str
    crosses: bool  # a connection
    code: int
    message: str
    trailers: Pairs
    report: dict


class Failed(Exception):
    """A failed call of a golden file, as a gRPC library would hand it over."""

    def __init__(self, case: Case):
        self.case = case

    def code(self) -> int:
        return self.case.code

    def details(self) -> str:
        return self.case.message

    def trailing_metadata(self) -> Pairs:
        return self.case.trailers


def load() -> List[Case]:
    cases = [_case(path) for path in sorted(FOLDER.glob("*.json"))]
    if not cases:
        raise FileNotFoundError(f"no golden files in {FOLDER}")
    return cases


def _case(path: Path) -> Case:
    file = json.loads(path.read_text("utf-8"))
    call = file["call"]
    trailers: Pairs = [(key, _value(key, value)) for key, value in call.get("trailers", {}).items()]
    if "status" in call:
        trailers.append(("grpc-status-details-bin", base64.b64decode(call["status"])))
    return Case(path.stem, "fileOnly" not in file, call["code"], call.get("message", ""), trailers, file["report"])


def _value(key: str, value: str) -> Union[str, bytes]:
    return base64.b64decode(value + "=" * (-len(value) % 4)) if key.endswith("-bin") else value


def read(case: Case) -> dict:
    """Reads a golden file without a connection."""
    return of_answer(case.trailers) if case.code == 0 else of_error(Failed(case))


def of_answer(trailers: Optional[Iterable[Tuple[str, Union[str, bytes]]]]) -> dict:
    mark = read_degraded(trailers)
    return _short(code="OK", degraded=None if mark is None else _degraded(mark))


def of_error(error: object) -> dict:
    e: CallError = read_error(error)
    return _short(
        code=e.code.name,
        errorCode=e.error_code,
        domain=e.domain,
        message=e.message,
        metadata=dict(e.metadata),
        suggestion=e.suggestion,
        actions=[_action(a) for a in e.recovery_actions],
        actionRequired=e.required_action is not None,
        verdict=_word(e.verdict),
        why=_word(e.why),
        attempts=e.attempts,
        outcome=_word(e.outcome),
        requestId=e.request_id,
        operation=e.operation,
        **_milliseconds("retryDelayMs", e.retry_delay),
    )


def _degraded(mark: Degraded) -> dict:
    return _short(
        kind=_word(mark.kind),
        errorCode=mark.error_code,
        domain=mark.domain,
        suggestion=mark.suggestion,
        actions=[_action(a) for a in mark.recovery_actions],
        source=mark.source,
        **_milliseconds("ageMs", mark.age),
    )


def _action(action: RecoveryAction) -> dict:
    kind = action.WhichOneof("action")
    body: Any = None
    if kind == "custom":
        body = {"type": action.custom.type_url.rpartition("/")[2]}
    elif kind is not None:
        body = json_format.MessageToDict(getattr(action, kind), preserving_proto_field_name=True)
    actors = RecoveryAction.Actor
    actor = actors.Name(action.actor) if action.actor in actors.values() else actors.Name(0)
    return _short(
        type=kind,
        actor="" if actor == actors.Name(0) else actor[len("ACTOR_") :],
        label=action.label,
        thenRetry=action.then_retry,
        required=action.required,
        body=body,
    )


def _word(value: Optional[IntEnum]) -> str:
    return "" if value is None else value.name


def _milliseconds(key: str, delay: Optional[timedelta]) -> dict:
    return {} if delay is None else {key: str(delay // timedelta(milliseconds=1))}


def _short(**report: Any) -> dict:
    """Leaves out what says nothing; a delay of 0, which says something, comes as text."""
    kept = {key: value for key, value in report.items() if value}
    return {key: int(value) if key in ("retryDelayMs", "ageMs") else value for key, value in kept.items()}
