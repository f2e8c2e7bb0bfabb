"""Encoded protobuf messages, field by field: what decoders of whole messages refuse for one bad byte can be mended."""

from __future__ import annotations

from typing import Any, Iterator, NamedTuple, Optional, Type, TypeVar

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import DecodeError, Message

from ._text import text

VARINT, FIXED64, BYTES, GROUP, END_GROUP, FIXED32 = range(6)

_MAX_NESTING = 64

M = TypeVar("M", bound=Message)


class Broken(ValueError):
    """The bytes are no message."""


class Field(NamedTuple):
    number: int
    kind: int  # VARINT and so on
    value: Any  # an int of VARINT, bytes of BYTES, else None
    raw: bytes  # all of it


def fields(data: bytes) -> Iterator[Field]:
    """Yields the fields of an encoded message, and raises Broken where the next is none."""
    at = 0
    while at < len(data):
        start = at
        number, kind, at = _tag(data, at)
        value: Any = None
        if kind == VARINT:
            value, at = _varint(data, at)
        elif kind == BYTES:
            size, at = _varint(data, at)
            value, at = data[at : at + size], at + size
        else:
            at = _skip(data, at, number, kind)
        if at > len(data):
            raise Broken("a field is longer than its message")
        yield Field(number, kind, value, data[start:at])


def _skip(data: bytes, at: int, number: int, kind: int) -> int:
    """Returns where a field ends that is neither VARINT nor BYTES: a fixed number, or a group of fields."""
    open_groups = []
    while True:
        if kind == GROUP:
            open_groups.append(number)
        elif kind == END_GROUP:
            if not open_groups or open_groups.pop() != number:
                raise Broken("a group ends that has not begun")
        elif kind == VARINT:
            _, at = _varint(data, at)
        elif kind == BYTES:
            size, at = _varint(data, at)
            at += size
        else:
            at += 8 if kind == FIXED64 else 4
        if not open_groups:
            return at
        number, kind, at = _tag(data, at)


def _tag(data: bytes, at: int) -> tuple[int, int, int]:
    tag, at = _varint(data, at)
    number, kind = tag >> 3, tag & 7
    if not 0 < number < 1 << 29 or kind > FIXED32:
        raise Broken("no such field")
    return number, kind, at


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise Broken("a number is cut off")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if value >= 1 << 64:
                break
            return value, at
    raise Broken("a number is too long")


def _encode_varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def strings(data: bytes, number: int) -> list[bytes]:
    """Returns all values of a field of BYTES. Raises Broken."""
    return [f.value for f in fields(data) if f.number == number and f.kind == BYTES]


def last(values: list[bytes]) -> bytes:
    """Returns what counts where a field stands several times."""
    return values[-1] if values else b""


def int32(value: int) -> int:
    """Reads a number as decoders do that have 32 bits for it."""
    value &= 0xFFFFFFFF
    return value - (1 << 32) if value >> 31 else value


def decode(kind: Type[M], data: bytes) -> Optional[M]:
    """Decodes a message, its strings made UTF-8; None for bytes that are no message."""
    try:
        return kind.FromString(_mend(data, kind.DESCRIPTOR, _MAX_NESTING))
    except (DecodeError, ValueError):
        return None


def _mend(data: bytes, of: Any, depth: int) -> bytes:
    if depth == 0:
        raise Broken("nested too deeply")
    is_entry = of.GetOptions().map_entry
    out = bytearray()
    for field in fields(data):
        known = of.fields_by_number.get(field.number)
        if known is None or field.kind != BYTES:
            if not is_entry:  # of texts, as all that are read: some decoders drop an entry for a field that they do not know
                out += field.raw
            continue
        value = field.value
        if known.type == FieldDescriptor.TYPE_STRING:
            value = text(value).encode()
        elif known.type == FieldDescriptor.TYPE_MESSAGE:
            value = _mend(value, known.message_type, depth - 1)
        out += _encode_varint(field.number << 3 | BYTES) + _encode_varint(len(value)) + value
    return bytes(out)


_MAX_SECONDS = 315_576_000_000
_MAX_MILLISECONDS = 9_223_372_036_854


def milliseconds(duration: Duration) -> Optional[int]:
    """Returns whole milliseconds, below zero for all that is negative; None for no valid duration."""
    seconds, nanos = duration.seconds, duration.nanos
    if abs(seconds) > _MAX_SECONDS or abs(nanos) >= 1_000_000_000 or seconds > 0 > nanos or seconds < 0 < nanos:
        return None
    return min((seconds * 1_000_000_000 + nanos) // 1_000_000, _MAX_MILLISECONDS)
