"""What the two clients are told on the command line."""

import argparse
import json
import os
import uuid
from pathlib import Path

from assistant.v1.assistant_pb2 import TranscribeRequest

# Calls are repeated as the server allows: it names the delay, and rules repeats out, in the trailers of its errors.
CHANNEL = [
    (
        "grpc.service_config",
        json.dumps(
            {
                "methodConfig": [
                    {
                        "name": [{"service": "assistant.v1.Assistant"}],
                        "retryPolicy": {
                            "maxAttempts": 3,
                            "initialBackoff": "0.1s",
                            "maxBackoff": "2s",
                            "backoffMultiplier": 2,
                            "retryableStatusCodes": ["UNAVAILABLE"],
                        },
                    }
                ]
            }
        ),
    )
]


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Talks to the assistant of examples/server.")
    parser.add_argument("--addr", default="127.0.0.1:50051", help="address of the assistant")
    parser.add_argument(
        "--token", default=os.environ.get("ASSISTANT_TOKEN", ""), help="bearer token; by default $ASSISTANT_TOKEN"
    )
    parser.add_argument("--timeout", type=float, default=30, help="how many seconds to wait at most")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("classify", help="find out what a text is about").add_argument("text")
    process = commands.add_parser("process", help="answer a question")
    process.add_argument("text")
    process.add_argument("--id", default=str(uuid.uuid4()), help="names the request, so that a repeat is recorded once")
    commands.add_parser("generate", help="write about something, piece by piece").add_argument("text")
    transcribe = commands.add_parser("transcribe", help="join the pieces of a recording; @file is a piece of sound")
    transcribe.add_argument("pieces", nargs="+")
    commands.add_parser("chat", help="talk in turns").add_argument("turns", nargs="+")
    options = parser.parse_args()
    options.call = {"timeout": options.timeout, "metadata": [("authorization", f"Bearer {options.token}")]}
    return options


def piece(arg: str) -> TranscribeRequest:
    if arg.startswith("@"):
        return TranscribeRequest(audio=Path(arg[1:]).read_bytes())
    return TranscribeRequest(text=arg)
