"""Whatever a server sends, a reader reports, and what it reports keeps to the limits."""

import random
from datetime import timedelta

import golden
import pytest
from encoded import field
from google.protobuf.message import Message

from recourse_errors import Code, Outcome, Verdict, Why, _text, _wire, read_degraded, read_error

CASES = golden.load()
ROUNDS = 1500
UNCLEAN = [chr(c) for first, last in (*_text.SPACES, *_text.REMOVED) for c in (first, last)]


def broken(rng, data):
    """Returns data with a few bytes changed, cut out, put in twice, or cut off."""
    out = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at = rng.randint(0, len(out))
        out[at : at + rng.choice((0, 0, 1, 1, 8))] = rng.choice(
            (b"", rng.randbytes(1), rng.randbytes(5), bytes(out[at : at + 9]))
        )
    return bytes(out) if rng.random() < 0.9 else bytes(out[: rng.randint(0, len(out))])


def shaken(rng, data, depth):
    """Breaks parts of a message inside, so that what is around them still decodes."""
    try:
        parts = list(_wire.fields(data))
    except _wire.Broken:
        return broken(rng, data)
    if not parts or depth == 0 or rng.random() < 0.3:
        return broken(rng, data)
    i = rng.randrange(len(parts))
    made = [p.raw for p in parts]
    if parts[i].kind == _wire.BYTES:
        made[i] = field(parts[i].number, shaken(rng, parts[i].value, depth - 1))
    else:
        made[i] = broken(rng, made[i])
    return b"".join(made)


def clean(text, limit):
    assert len(text.encode()) <= limit  # which fails for lone surrogates, too
    assert text == text.strip(" ")
    assert not any(c in text for c in UNCLEAN)


def clean_inside(message):
    for f, value in message.ListFields():
        items = [value]
        if f.message_type is not None and f.message_type.GetOptions().map_entry:
            items = [*value.keys(), *value.values()]
        elif f.is_repeated:
            assert len(value) <= 25
            items = value
        for item in items:
            if isinstance(item, Message):
                clean_inside(item)
            elif isinstance(item, str):
                clean(item, 256)


def check_actions(actions):
    assert len(actions) <= 5
    for action in actions:
        clean(action.label, 80)
        clean_inside(action)
        assert not action.HasField("open_link") or action.open_link.url.startswith("https:")


def check_error(error):
    assert isinstance(error.code, Code) and isinstance(error.verdict, Verdict)
    assert error.why is None or isinstance(error.why, Why)
    assert error.outcome is None or isinstance(error.outcome, Outcome)
    assert error.error_code and error.suggestion
    for text, limit in (
        (error.error_code, 63), (error.domain, 253), (error.message, 256), (error.suggestion, 256),
        (error.request_id, 128), (error.operation, 256),
    ):  # fmt: skip
        clean(text, limit)
    assert len(error.metadata) <= 64 and list(error.metadata) == sorted(error.metadata)
    for key, value in error.metadata.items():
        clean(key, 64)
        clean(value, 1 << 20)
    check_actions(error.recovery_actions)
    assert error.retry_delay is None or timedelta(0) <= error.retry_delay < timedelta(days=300 * 366)
    assert error.required_action is None or error.required_action in error.recovery_actions
    repr(error)


def check_mark(mark):
    if mark is None:
        return
    for text, limit in ((mark.error_code, 63), (mark.domain, 253), (mark.suggestion, 256), (mark.source, 64)):
        clean(text, limit)
    check_actions(mark.recovery_actions)
    assert mark.age is None or mark.age >= timedelta(0)
    assert (
        mark.kind or mark.error_code or mark.suggestion or mark.recovery_actions or mark.age is not None or mark.source
    )


def details_of(case):
    return dict(case.trailers).get("grpc-status-details-bin", b"")


@pytest.mark.parametrize("seed", range(4))
def test_error_of_anything(seed):
    rng = random.Random(seed)
    spoiled = 0
    for _ in range(ROUNDS):
        case = rng.choice(CASES)
        sent = (
            shaken(rng, details_of(case), rng.randint(0, 6))
            if rng.random() < 0.95
            else rng.randbytes(rng.randint(0, 300))
        )
        code = case.code if rng.random() < 0.9 else rng.choice((-1, 0, 1, 16, 17, 1 << 40))
        trailers = [
            ("grpc-status-details-bin", sent),
            ("x-request-id", broken(rng, b"req-1").decode("utf-8", "surrogateescape")),
        ]
        error = read_error(
            golden.Failed(case._replace(code=code, message=sent[:99].decode("latin-1"), trailers=trailers))
        )
        check_error(error)
        spoiled += error.message != case.message
    assert 0 < spoiled < ROUNDS  # what is tried is neither all broken nor all whole


@pytest.mark.parametrize("seed", range(2))
def test_mark_of_anything(seed):
    rng = random.Random(seed)
    marks = [dict(c.trailers).get("recourse-degraded-bin", b"") for c in CASES if c.name.startswith("degraded")]
    kinds = set()
    for _ in range(ROUNDS):
        sent = shaken(rng, rng.choice(marks), rng.randint(0, 4))
        words = rng.choice(("stale;age=4", "", "\udcff", b"\xff", "sideways", " default "))
        mark = read_degraded([("recourse-degraded-bin", sent), ("recourse-degraded", words)])
        assert mark is not None
        check_mark(mark)
        kinds.add(mark.kind)
    assert len(kinds) > 3
