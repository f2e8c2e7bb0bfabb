"""Rules of conformance/README.md in cases that no golden file has."""

import golden
import pytest
from encoded import detail, field, info, status
from recourse.v1 import degraded_pb2, error_detail_pb2
from recourse.v1 import recovery_action_pb2 as pb

from recourse_errors import DegradedKind, Outcome, Verdict, Why, read_degraded, read_error

CASES = {case.name: case for case in golden.load()}
CODE = 9
IDENTITY = {"error_code": "BOOK_ON_LOAN", "domain": "library.example.com"}


def read(*details, code=CODE, message="said in the status", trailers=()):
    encoded = status(code, message, *details)
    failed = golden.Failed(
        CASES["everything"]._replace(
            code=CODE, message="said by the call", trailers=[("grpc-status-details-bin", encoded), *trailers]
        )
    )
    return read_error(failed)


def said(**fields):
    return detail("recourse.v1.ErrorDetail", error_detail_pb2.ErrorDetail(**IDENTITY, **fields))


def advice(**fields):
    return error_detail_pb2.RetryAdvice(**fields)


def test_status_of_another_code_is_not_read():
    error = read(info(), code=5)
    assert (error.error_code, error.message) == ("FAILED_PRECONDITION", "said by the call")


def test_message_is_that_of_the_status():
    assert read(info()).message == "said in the status"
    assert read(message="").message == ""


def test_of_a_field_that_stands_there_twice_the_last_counts():
    error = read(detail("google.rpc.ErrorInfo", field(1, "FIRST_ONE") + field(1, "LAST_ONE")))
    assert error.error_code == "LAST_ONE"


def test_metadata_are_sorted_before_they_are_cut():
    error = read(info(**{f"key{i:02}": "x" for i in reversed(range(70))}))
    assert list(error.metadata) == [f"key{i:02}" for i in range(64)]


def test_metadata_that_stand_for_an_error_detail_are_short():
    error = read(info(recourseOutcome="APPLIED" + " " * 58, recourseRetry="N" * 65))
    assert (dict(error.metadata), error.outcome, error.verdict) == ({}, None, Verdict.AFTER_ACTION)


def test_each_error_detail_says_what_those_before_have_left_empty():
    label = pb.RecoveryAction(label="of the second")
    error = read(
        info(),
        said(
            outcome=1, retry=advice(verdict=1, why=2, attempts=3), recovery_actions=[pb.RecoveryAction(label="first")]
        ),
        said(outcome=2, retry=advice(verdict=4, why=3, attempts=4), recovery_actions=[label], operation="Lend"),
    )
    assert [a.label for a in error.recovery_actions] == ["first"]
    assert (error.outcome, error.verdict, error.why) == (Outcome.NOT_APPLIED, Verdict.SAME_REQUEST, Why.OVERLOADED)
    assert (error.attempts, error.operation) == (3, "Lend")


def test_to_wait_is_no_required_action():
    wait = pb.RecoveryAction(label="wait", required=True, retry_after=pb.RetryAfter())
    renew = pb.RecoveryAction(label="renew", required=True, reauthenticate=pb.Reauthenticate())
    assert read(info(), said(recovery_actions=[wait])).required_action is None
    assert read(info(), said(recovery_actions=[wait, renew])).required_action.label == "renew"


def test_texts_within_lists_of_an_action_are_clean():
    fix = pb.FixFields.Fix(field="a\u202eb", allowed_values=["c\n", "d" * 300] + ["e"] * 30, suggested_value=" f ")
    (action,) = read(
        info(), said(recovery_actions=[pb.RecoveryAction(fix_fields=pb.FixFields(fixes=[fix]))])
    ).recovery_actions
    (fix,) = action.fix_fields.fixes
    assert (fix.field, fix.suggested_value, len(fix.allowed_values)) == ("ab", "f", 25)
    assert (fix.allowed_values[0], len(fix.allowed_values[1])) == ("c", 256)


@pytest.mark.parametrize("length", [80, 81])
def test_label_is_cut(length):
    error = read(info(), said(recovery_actions=[pb.RecoveryAction(label="x" * length)]))
    assert error.recovery_actions[0].label == ("x" * 80 if length == 80 else "x" * 77 + "...")


def test_cause_that_does_not_decode_costs_nothing():
    encoded = error_detail_pb2.ErrorDetail(**IDENTITY, suggestion="Ask at the desk.").SerializeToString()
    error = read(info(), detail("recourse.v1.ErrorDetail", encoded + field(8, b"\xff\xff")))
    assert error.suggestion == "Ask at the desk."


def test_advice_that_does_not_decode_costs_the_error_detail():
    encoded = error_detail_pb2.ErrorDetail(**IDENTITY, suggestion="Ask at the desk.").SerializeToString()
    error = read(info(), detail("recourse.v1.ErrorDetail", encoded + field(6, b"\xff\xff")))
    assert error.suggestion == "Bring the system into the state that the request needs, then send it again."


def test_delay_after_a_retry_info_that_does_not_decode():
    broken = detail("google.rpc.RetryInfo", b"\x0a")
    garbled = detail("google.rpc.RetryInfo", field(1, b"\xff"))
    assert read(broken, garbled, detail("google.rpc.RetryInfo", field(1, field(1, 2)))).retry_delay.total_seconds() == 2


def test_first_request_id_of_the_trailers():
    assert read(trailers=[("x-request-id", "req-1"), ("x-request-id", "req-2")]).request_id == "req-1"


def marked(**fields):
    return ("recourse-degraded-bin", degraded_pb2.Degraded(**fields).SerializeToString())


def test_last_mark_counts():
    assert read_degraded([marked(kind=1), marked(kind=2)]).kind == DegradedKind.DEFAULT
    words = [("recourse-degraded", "stale"), ("recourse-degraded", " partial ;age=1")]
    assert read_degraded(words).kind == DegradedKind.PARTIAL


@pytest.mark.parametrize(("length", "source"), [(8192, "cache"), (8193, "not said")])
def test_mark_is_read_up_to_its_limit(length, source):
    key, value = marked(kind=1, source="cache")
    value += field(99, b"x" * (length - len(value) - 4))
    assert len(value) == length
    mark = read_degraded([(key, value), ("recourse-degraded", "stale")])
    assert (mark.kind, mark.source) == (DegradedKind.STALE, source)


def test_mark_of_which_a_part_does_not_decode_is_none():
    key, value = marked(kind=1, recovery_actions=[pb.RecoveryAction(label="Read it again")])
    mark = read_degraded([(key, value + field(5, b"\xff"))])
    assert (mark.kind, mark.recovery_actions, mark.source) == (None, (), "not said")


def test_mark_without_advice_of_any_code():
    link = pb.RecoveryAction(label="Run", open_link=pb.OpenLink(url="javascript:alert(1)"))
    mark = read_degraded([marked(kind=1, suggestion="\n", recovery_actions=[link], source=" cache ")])
    assert (mark.suggestion, mark.recovery_actions, mark.source) == ("", (), "cache")


def test_unknown_field_in_the_entry_of_a_map():
    entry = field(1, "from") + field(2, "to") + field(9, "?") + field(10, 1)
    action = field(104, field(2, entry))
    encoded = b"".join(field(n, text) for n, text in ((1, "BOOK_ON_LOAN"), (2, "library.example.com")))
    error = read(detail("google.rpc.ErrorInfo", encoded + field(3, entry)), detail("recourse.v1.ErrorDetail", encoded + field(4, action)))
    assert error.metadata == {"from": "to"}
    assert dict(error.recovery_actions[0].call_method.copy_fields) == {"from": "to"}
