"""What the golden files do not have: the objects of grpcio, and misuse of them."""

import re
from pathlib import Path

import golden
import grpc
import grpc.aio
import pytest
from encoded import field
from google.protobuf import struct_pb2
from google.protobuf.duration_pb2 import Duration
from recourse.v1.error_detail_pb2 import ErrorDetail
from recourse.v1.recovery_action_pb2 import FixFields, ReduceBatch

from recourse_errors import Code, Verdict, _text, _wire, read_degraded, read_error

CASES = {case.name: case for case in golden.load()}


class Call(grpc.RpcError):
    """What grpcio raises: an error that is also the call."""

    def __init__(self, code, details="", trailers=()):
        self.answers = code, details, trailers

    def code(self):
        return self.answers[0]

    def details(self):
        return self.answers[1]

    def trailing_metadata(self):
        return self.answers[2]


def test_error_of_the_blocking_client():
    case = CASES["everything"]
    error = read_error(Call(grpc.StatusCode.UNAVAILABLE, case.message, tuple(case.trailers)))
    assert (error.code, error.error_code, error.request_id) == (Code.UNAVAILABLE, "SHELF_UNREACHABLE", "req-42")


def test_error_of_the_asyncio_client():
    case = CASES["everything"]
    trailers = grpc.aio.Metadata(*case.trailers)
    error = grpc.aio.AioRpcError(grpc.StatusCode.UNAVAILABLE, grpc.aio.Metadata(), trailers, details=case.message)
    assert golden.of_error(error) == case.report


@pytest.mark.parametrize("code", [c for c in grpc.StatusCode if c is not grpc.StatusCode.OK], ids=lambda c: c.name)
def test_every_code_of_grpcio(code):
    assert read_error(Call(code)).code.name == code.name == read_error(Call(code)).error_code


@pytest.mark.parametrize("error", [grpc.RpcError("lost"), ValueError("lost"), "lost"], ids=repr)
def test_error_without_a_code(error):
    assert (read_error(error).code, read_error(error).message) == (Code.UNKNOWN, "lost")


def test_call_that_says_nothing():
    error = read_error(Call(None, None, None))
    assert (error.code, error.message, error.verdict) == (Code.UNKNOWN, "", Verdict.NEVER)
    assert read_degraded(None) is None


def test_message_beside_a_code_that_grpcio_does_not_know():
    said = 'Server sent unknown code None and details "it is "late" \n"'
    assert read_error(Call(grpc.StatusCode.UNKNOWN, said)).message == 'it is "late"'
    assert read_error(Call(grpc.StatusCode.NOT_FOUND, said)).message.startswith("Server sent")


def test_status_that_stands_there_twice():
    case = CASES["info-only"]
    assert read_error(Call(case.code, "twice", [*case.trailers, *case.trailers])).error_code == "FAILED_PRECONDITION"


def test_text_of_a_client_that_does_not_decode():
    assert read_error(Call(5, b"a\xff\xfeb", [("x-request-id", b"\xff1")])).message == "a\ufffdb"
    assert read_error(Call(5, "a\udcff", [("x-request-id", b"\xff1")])).request_id == "\ufffd1"


def test_detail():
    case = CASES["everything"]
    error = read_error(Call(case.code, case.message, case.trailers))
    assert error.detail(ErrorDetail).operation == "/library.v1.Library/Lend"
    assert error.detail(struct_pb2.Struct) is None


def test_actions_of_a_code_are_the_callers_own():
    read_error(Call(14)).recovery_actions[0].label = "changed"
    assert read_error(Call(14)).recovery_actions[0].label == "Try again"


def test_required_action():
    case = CASES["action-fix-fields"]
    error = read_error(Call(case.code, case.message, case.trailers))
    assert error.required_action.HasField("fix_fields")
    assert read_error(Call(14)).required_action is None


@pytest.mark.parametrize(
    ("data", "rest"),
    [
        (b"\x0a\x02a\xff", b"\x0a\x04a\xef\xbf\xbd"),
        (b"\x0a\x02\xff\xfe", b"\x0a\x03\xef\xbf\xbd"),
        (b"\x0b\x0a\x01\xff\x13\x14\x0c\x0a\x01\xff", b"\x0b\x0a\x01\xff\x13\x14\x0c\x0a\x03\xef\xbf\xbd"),
        (b"\x09" + bytes(8) + b"\x0d" + bytes(4) + b"\x10\x80\x01", None),
    ],
)
def test_mending_leaves_all_but_texts(data, rest):
    assert _wire._mend(data, ReduceBatch.DESCRIPTOR, 3) == (data if rest is None else rest)


@pytest.mark.parametrize(
    "data",
    [
        b"\x0a", b"\x0a\x05a", b"\x0a\x02a", b"\x08", b"\x08" + b"\xff" * 11, b"\x08" + b"\xff" * 9 + b"\x02", b"\x00",
        b"\x07", b"\x0c", b"\x0b", b"\x0b\x14", b"\x09\x00", b"\x0d\x00",
    ],
)  # fmt: skip
def test_bytes_that_are_no_message(data):
    with pytest.raises(_wire.Broken):
        list(_wire.fields(data))


def test_message_that_cannot_be_mended():
    assert _wire.decode(FixFields, b"\x0a\x05\xff") is None


def test_messages_within_each_other_without_end():
    data = b"\xff"
    for _ in range(5000):
        data = field(1, field(6, data))
    assert _wire.decode(struct_pb2.ListValue, data) is None


@pytest.mark.parametrize(
    ("seconds", "nanos", "want"),
    [(0, -1, -1), (1, 999_999_999, 1999), (0, 10**9, None), (-1, 1, None), (315_576_000_001, 0, None)],
)
def test_milliseconds(seconds, nanos, want):
    assert _wire.milliseconds(Duration(seconds=seconds, nanos=nanos)) == want


def test_text_is_cut_within_its_limit():
    for limit in range(3, 20):
        for said in ("é" * 10, "👩‍🚀" * 3, "a b c d e f g h i j"):
            kept = _text.clean(said, limit)
            assert len(kept.encode()) <= limit
            assert kept == said or kept.endswith("...") and " ..." not in kept


def test_the_example_of_the_readme(capsys):
    case = CASES["everything"]

    class Stub:
        def Process(self, request):
            raise Call(case.code, case.message, case.trailers)

    (example,) = re.findall(
        r"```python\n(.*?)```", (Path(__file__).parents[1] / "README.md").read_text("utf-8"), re.DOTALL
    )
    exec(example, {"stub": Stub(), "request": None})
    shown = capsys.readouterr().out
    assert "Try again in a moment, or ask at the desk." in shown
    assert "Ask at the desk" in shown and "req-42" in shown
