"""What an error of a gRPC call tells its caller to do next.

    try:
        reply = stub.Process(request)
    except grpc.RpcError as failed:
        error = read_error(failed)
        print(error.suggestion)

Everything in an error, and in the mark of a degraded answer, comes from the network: it is advice for a program and for
a person, and untrusted. Nothing here acts on it. Texts are clean: one line of valid Unicode without control, invisible
or direction-changing characters, within fixed limits. Texts inside of details are as they were sent.
"""

from ._codes import Code, Outcome, Verdict, Why
from ._degraded import Degraded, DegradedKind, read_degraded
from ._error import CallError, read_error

__all__ = [
    "CallError",
    "Code",
    "Degraded",
    "DegradedKind",
    "Outcome",
    "Verdict",
    "Why",
    "read_degraded",
    "read_error",
]
