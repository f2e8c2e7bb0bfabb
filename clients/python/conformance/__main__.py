"""Goes through the situations of conformance/README.md with one of grpcio's clients, and prints a line for each."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any, Awaitable, Optional

import golden
from clients import CLIENTS, EXAMPLES as SCRIPTS
from examples import EXAMPLES, runner
from situations import RETRY, SITUATIONS, AssistantStub, Unmet, Visit, compare, wire


class Lines:
    failed = False

    async def tell(self, name: str, run: Awaitable[Optional[str]]) -> None:
        try:
            note = await run
        except Exception as error:  # whatever it was, the others go on
            self.failed = True
            why = str(error) if isinstance(error, Unmet) else repr(error)
            print(f"not ok {name} # {' '.join(why.split())}", flush=True)
        else:
            print(f"ok {name}" + (f" # {note}" if note else ""), flush=True)


async def file(case: golden.Case) -> None:
    compare(golden.read(case), case.report)


async def example(check: Any, script: str) -> None:
    check(runner(script, os.environ["EXAMPLE_ADDR"]))


async def main(name: str) -> int:
    lines = Lines()
    async with CLIENTS[name]() as client:
        print(f"client grpcio {client.version}")
        replay = client.channel(os.environ["GOLDEN_ADDR"])
        for case in golden.load():
            await lines.tell(f"file/{case.name}", file(case))
            if case.crosses:
                await lines.tell(f"wire/{case.name}", wire(client, replay, case))
        live = AssistantStub(client.channel(os.environ["LIVE_ADDR"], [("grpc.service_config", RETRY)]))
        for title, situation in SITUATIONS.items():
            await lines.tell(title, situation(Visit(client, live)))
    for title, check in EXAMPLES.items():
        await lines.tell(title, example(check, SCRIPTS[name]))
    return 1 if lines.failed else 0


if len(sys.argv) != 2 or sys.argv[1] not in CLIENTS:
    sys.exit(f"usage: polyglot.sh {'|'.join(CLIENTS)}")
sys.exit(asyncio.run(main(sys.argv[1])))
