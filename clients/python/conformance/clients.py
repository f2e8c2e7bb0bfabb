"""The two clients of grpcio, called alike: what a call ended with, whichever of them made it."""

from __future__ import annotations

import queue
from typing import Any, Iterable, List, NamedTuple, Optional, Sequence, Tuple

import grpc
import grpc.aio

TIMEOUT = 10.0


class Ended(NamedTuple):
    replies: List[Any]
    error: Optional[Exception]
    headers: Sequence[Tuple[str, Any]]
    trailers: Sequence[Tuple[str, Any]]


class Grpcio:
    """Calls that block. None of the methods below waits for anything else."""

    version = grpc.__version__

    async def __aenter__(self) -> Grpcio:
        self._channels: List[grpc.Channel] = []
        return self

    async def __aexit__(self, *_: object) -> None:
        for channel in self._channels:
            channel.close()

    def channel(self, address: str, options: Sequence[Tuple[str, Any]] = ()) -> grpc.Channel:
        self._channels.append(grpc.insecure_channel(address, options=list(options)))
        return self._channels[-1]

    async def unary(self, method: Any, request: Any, metadata: Any = ()) -> Ended:
        """Makes a call with one reply; request may be an iterator."""
        try:
            reply, call = method.with_call(request, timeout=TIMEOUT, metadata=metadata)
        except grpc.RpcError as error:
            return Ended([], error, error.initial_metadata(), error.trailing_metadata())
        return Ended([reply], None, call.initial_metadata(), call.trailing_metadata())

    async def stream(self, method: Any, request: Any, metadata: Any = ()) -> Ended:
        """Makes a call with one request and any number of replies."""
        call = method(request, timeout=TIMEOUT, metadata=metadata)
        replies, error = [], None
        try:
            for reply in call:
                replies.append(reply)
        except grpc.RpcError as failed:
            error = failed
        return Ended(replies, error, call.initial_metadata(), call.trailing_metadata())

    async def talk(self, method: Any, requests: Iterable[Any], metadata: Any = ()) -> Ended:
        """Sends one request after the other, each once the one before was answered."""
        turns: queue.SimpleQueue = queue.SimpleQueue()
        call = method(iter(turns.get, None), timeout=TIMEOUT, metadata=metadata)
        replies, error = [], None
        try:
            for request in requests:
                turns.put(request)
                replies.append(next(call))
        except grpc.RpcError as failed:
            error = failed
        turns.put(None)
        return Ended(replies, error, call.initial_metadata(), call.trailing_metadata())


class Asyncio:
    version = grpc.__version__

    async def __aenter__(self) -> Asyncio:
        self._channels: List[grpc.aio.Channel] = []
        return self

    async def __aexit__(self, *_: object) -> None:
        for channel in self._channels:
            await channel.close()

    def channel(self, address: str, options: Sequence[Tuple[str, Any]] = ()) -> grpc.aio.Channel:
        self._channels.append(grpc.aio.insecure_channel(address, options=list(options)))
        return self._channels[-1]

    async def unary(self, method: Any, request: Any, metadata: Any = ()) -> Ended:
        call = method(request, timeout=TIMEOUT, metadata=metadata)
        try:
            replies, error = [await call], None
        except grpc.aio.AioRpcError as failed:
            replies, error = [], failed
        return await self._ended(call, replies, error)

    async def stream(self, method: Any, request: Any, metadata: Any = ()) -> Ended:
        call = method(request, timeout=TIMEOUT, metadata=metadata)
        replies, error = [], None
        try:
            async for reply in call:
                replies.append(reply)
        except grpc.aio.AioRpcError as failed:
            error = failed
        return await self._ended(call, replies, error)

    async def talk(self, method: Any, requests: Iterable[Any], metadata: Any = ()) -> Ended:
        call = method(timeout=TIMEOUT, metadata=metadata)
        replies, error = [], None
        try:
            for request in requests:
                await call.write(request)
                replies.append(await call.read())
            await call.done_writing()
        except grpc.aio.AioRpcError as failed:
            error = failed
        return await self._ended(call, replies, error)

    async def _ended(self, call: Any, replies: List[Any], error: Optional[grpc.aio.AioRpcError]) -> Ended:
        if error is not None:
            return Ended(replies, error, tuple(error.initial_metadata()), tuple(error.trailing_metadata()))
        return Ended(replies, None, tuple(await call.initial_metadata()), tuple(await call.trailing_metadata() or ()))


CLIENTS = {"grpcio": Grpcio, "asyncio": Asyncio}
EXAMPLES = {"grpcio": "client.py", "asyncio": "client_asyncio.py"}
