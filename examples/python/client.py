"""A client of the assistant in examples/server that tells a person what to do when a call fails."""

import queue
import sys

import explain
import grpc
from assistant.v1.assistant_pb2 import ChatRequest, ClassifyIntentRequest, GenerateRequest, ProcessRequest
from assistant.v1.assistant_pb2_grpc import AssistantStub
from options import CHANNEL, parse, piece

from recourse_errors import read_degraded


def classify(stub, options):
    reply = stub.ClassifyIntent(ClassifyIntentRequest(query=options.text), **options.call)
    print(f"{reply.intent} ({reply.confidence:.0%})")


def process(stub, options):
    request = ProcessRequest(query=options.text, request_id=options.id)
    reply, call = stub.Process.with_call(request, **options.call)
    print(reply.answer)
    degraded = read_degraded(call.trailing_metadata())
    if degraded is not None:
        explain.mark(degraded)


def generate(stub, options):
    try:
        for reply in stub.Generate(GenerateRequest(prompt=options.text), **options.call):
            print(reply.text, end="", flush=True)
    finally:
        print()


def transcribe(stub, options):
    reply = stub.Transcribe(map(piece, options.pieces), **options.call)
    print(reply.transcript)


def chat(stub, options):
    said = queue.SimpleQueue()
    answers = stub.Chat(iter(said.get, None), **options.call)
    try:
        for turn in options.turns:
            said.put(ChatRequest(message=turn))
            print(next(answers).message)
    finally:
        said.put(None)


COMMANDS = {"classify": classify, "process": process, "generate": generate, "transcribe": transcribe, "chat": chat}


def main() -> int:
    options = parse()
    with grpc.insecure_channel(options.addr, CHANNEL) as channel:
        try:
            COMMANDS[options.command](AssistantStub(channel), options)
        except grpc.RpcError as failed:
            return explain.failure(failed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
