"""What a client of the conformance server goes through. A situation returns a note on it, or raises Unmet."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import Any, Awaitable, Callable, Dict, List, Optional, Union

import golden
from assistant.v1.assistant_pb2 import (
    ChatRequest,
    ClassifyIntentRequest,
    GenerateRequest,
    ProcessRequest,
    TranscribeRequest,
)
from assistant.v1.assistant_pb2_grpc import AssistantStub
from clients import Asyncio, Ended, Grpcio
from google.protobuf.empty_pb2 import Empty

from recourse_errors import CallError, DegradedKind, Outcome, Verdict, Why, read_degraded, read_error

# What anybody writes who wants grpcio to repeat calls: the delay, and whether at all, is the server's.
RETRY = json.dumps(
    {
        "methodConfig": [
            {
                "name": [{}],
                "retryPolicy": {
                    "maxAttempts": 4,
                    "initialBackoff": "0.01s",
                    "maxBackoff": "0.1s",
                    "backoffMultiplier": 2,
                    "retryableStatusCodes": ["UNAVAILABLE"],
                },
            }
        ]
    }
)
DELAY = 300  # milliseconds, that the server names


class Unmet(Exception):
    """Something is not what it should be."""


def same(what: str, got: Any, want: Any) -> None:
    if got != want:
        raise Unmet(f"{what} is {got!r}, want {want!r}")


class Visit:
    """One situation at the live server, which counts its attempts."""

    def __init__(self, client: Union[Grpcio, Asyncio], stub: AssistantStub):
        self.client = client
        self.stub = stub
        self.id = str(uuid.uuid4())
        self.metadata = (("x-visit", self.id),)

    async def process(self, query: str) -> Ended:
        return await self.client.unary(self.stub.Process, ProcessRequest(query=query), self.metadata)

    async def generate(self, prompt: str) -> Ended:
        return await self.client.stream(self.stub.Generate, GenerateRequest(prompt=prompt), self.metadata)

    async def came(self, attempts: int, wait: int = 0) -> Optional[str]:
        """Asks the server how often the call came, and how long the second attempt waited."""
        told = await self.client.unary(self.stub.ClassifyIntent, ClassifyIntentRequest(query=self.id))
        answered(told)
        same("attempts", int(told.replies[0].intent), attempts)
        waited = int(told.replies[0].confidence)
        if waited < wait:
            raise Unmet(f"the second attempt came after {waited} ms, want {wait}")
        return f"{attempts} attempts, {waited} ms between" if wait else None


def answered(call: Ended, replies: int = 1) -> None:
    same("error", call.error, None)
    same("replies", len(call.replies), replies)


def failed(call: Ended, error_code: str) -> CallError:
    if call.error is None:
        raise Unmet(f"answered {call.replies}, want {error_code}")
    error = read_error(call.error)
    same("error code", error.error_code, error_code)
    return error


def fields_to_fix(error: CallError) -> List[str]:
    return [fix.field for a in error.recovery_actions for fix in a.fix_fields.fixes]


def check_degraded(call: Ended) -> None:
    mark = read_degraded(call.trailers)
    if mark is None:
        raise Unmet("the answer has no mark")
    same("kind", mark.kind, DegradedKind.STALE)
    same("error code", mark.error_code, "MODEL_BUSY")
    same("suggestion", mark.suggestion, "This may be out of date.")


Situation = Callable[[Visit], Awaitable[Optional[str]]]
SITUATIONS: Dict[str, Situation] = {}


def situation(name: str) -> Callable[[Situation], Situation]:
    def add(run: Situation) -> Situation:
        SITUATIONS[name] = run
        return run

    return add


@situation("retry/waits")
async def _(visit: Visit) -> Optional[str]:
    answered(await visit.process("waits"))
    return await visit.came(2, DELAY)


@situation("retry/never")
async def _(visit: Visit) -> Optional[str]:
    error = failed(await visit.process("never"), "MODEL_OVERLOADED")
    same("verdict", error.verdict, Verdict.NEVER)
    same("why", error.why, Why.OVERLOADED)
    return await visit.came(1)


@situation("retry/later")
async def _(visit: Visit) -> Optional[str]:
    error = failed(await visit.process("later"), "MODEL_AWAY")
    same("delay", error.retry_delay, timedelta(minutes=1))
    return await visit.came(1)


@situation("retry/busy")
async def _(visit: Visit) -> Optional[str]:
    answered(await visit.process("busy"))
    return await visit.came(3)


@situation("retry/fields")
async def _(visit: Visit) -> Optional[str]:
    error = failed(await visit.process("fields"), "FIELDS_INVALID")
    same("fields to fix", fields_to_fix(error), ["query"])
    return await visit.came(1)


@situation("retry/stream-waits")
async def _(visit: Visit) -> Optional[str]:
    answered(await visit.generate("waits"), 3)
    return await visit.came(2, DELAY)


@situation("retry/stream-never")
async def _(visit: Visit) -> Optional[str]:
    failed(await visit.generate("never"), "MODEL_OVERLOADED")
    return await visit.came(1)


@situation("error/no-headers")
async def _(visit: Visit) -> Optional[str]:
    call = await visit.process("never")
    failed(call, "MODEL_OVERLOADED")
    same("initial metadata", list(call.headers), [])
    return None


@situation("error/largest")
async def _(visit: Visit) -> Optional[str]:
    error = failed(await visit.process("largest"), "ROWS_INVALID")
    same("suggestion", error.suggestion, "Correct the rows and send them again.")
    same("outcome", error.outcome, Outcome.NOT_APPLIED)
    return None


@situation("error/bug")
async def _(visit: Visit) -> Optional[str]:
    call = await visit.process("bug")
    error = failed(call, "ASYNC_UNEXPECTED_FAILED")
    same("code", error.code.name, "INTERNAL")
    if not error.request_id:
        raise Unmet("no request id")
    if "hunter2" in f"{call} {error}":
        raise Unmet("the password arrived")
    return None


@situation("error/stream-breaks-off")
async def _(visit: Visit) -> Optional[str]:
    call = await visit.generate("breaks-off")
    same("pieces", len(call.replies), 3)
    error = failed(call, "TEXT_BROKE_OFF")
    same("next position", error.metadata.get("nextPosition"), "3")
    return await visit.came(1)


@situation("error/client-stream")
async def _(visit: Visit) -> Optional[str]:
    pieces = iter([TranscribeRequest(text="hello"), TranscribeRequest(text="fields")])
    error = failed(await visit.client.unary(visit.stub.Transcribe, pieces, visit.metadata), "FIELDS_INVALID")
    same("fields to fix", fields_to_fix(error), ["query"])
    return None


@situation("error/bidi")
async def _(visit: Visit) -> Optional[str]:
    turns = [ChatRequest(message="hello"), ChatRequest(message="fields")]
    call = await visit.client.talk(visit.stub.Chat, turns, visit.metadata)
    same("answers", [r.message for r in call.replies], ["hello"])
    failed(call, "FIELDS_INVALID")
    return None


@situation("answer/degraded")
async def _(visit: Visit) -> Optional[str]:
    call = await visit.process("degraded")
    answered(call)
    check_degraded(call)
    return None


@situation("answer/stream-degraded")
async def _(visit: Visit) -> Optional[str]:
    call = await visit.generate("degraded")
    answered(call, 3)
    check_degraded(call)
    return None


@situation("answer/real")
async def _(visit: Visit) -> Optional[str]:
    call = await visit.process("hello")
    answered(call)
    same("mark", read_degraded(call.trailers), None)
    return None


async def wire(client: Union[Grpcio, Asyncio], channel: Any, case: golden.Case) -> Optional[str]:
    """Receives a golden error, and reads what the client returned."""
    method = channel.unary_unary(
        f"/recourse.conformance.Golden/{case.name}",
        request_serializer=Empty.SerializeToString,
        response_deserializer=Empty.FromString,
    )
    call = await client.unary(method, Empty())
    got = golden.of_error(call.error) if call.error is not None else golden.of_answer(call.trailers)
    compare(got, case.report)
    return None


def compare(got: dict, want: dict) -> None:
    for key in {**want, **got}:
        same(key, got.get(key), want.get(key))
