"""The same as client.py, with asyncio."""

import asyncio
import sys

import explain
import grpc
from assistant.v1.assistant_pb2 import ChatRequest, ClassifyIntentRequest, GenerateRequest, ProcessRequest
from assistant.v1.assistant_pb2_grpc import AssistantStub
from options import CHANNEL, parse, piece

from recourse_errors import read_degraded


async def classify(stub, options):
    reply = await stub.ClassifyIntent(ClassifyIntentRequest(query=options.text), **options.call)
    print(f"{reply.intent} ({reply.confidence:.0%})")


async def process(stub, options):
    call = stub.Process(ProcessRequest(query=options.text, request_id=options.id), **options.call)
    print((await call).answer)
    degraded = read_degraded(await call.trailing_metadata())
    if degraded is not None:
        explain.mark(degraded)


async def generate(stub, options):
    try:
        async for reply in stub.Generate(GenerateRequest(prompt=options.text), **options.call):
            print(reply.text, end="", flush=True)
    finally:
        print()


async def transcribe(stub, options):
    reply = await stub.Transcribe(map(piece, options.pieces), **options.call)
    print(reply.transcript)


async def chat(stub, options):
    call = stub.Chat(**options.call)
    for turn in options.turns:
        await call.write(ChatRequest(message=turn))
        print((await call.read()).message)
    await call.done_writing()


COMMANDS = {"classify": classify, "process": process, "generate": generate, "transcribe": transcribe, "chat": chat}


async def main() -> int:
    options = parse()
    async with grpc.aio.insecure_channel(options.addr, CHANNEL) as channel:
        try:
            await COMMANDS[options.command](AssistantStub(channel), options)
        except grpc.aio.AioRpcError as failed:
            return explain.failure(failed)
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
