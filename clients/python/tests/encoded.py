"""Messages of google.rpc, encoded by hand: the package needs no classes for them."""

from recourse_errors import _wire


def field(number, value):
    """Encodes a field of text, bytes, a message, or a number."""
    if isinstance(value, int):
        return _wire._encode_varint(number << 3) + _wire._encode_varint(value & (1 << 64) - 1)
    if hasattr(value, "SerializeToString"):
        value = value.SerializeToString()
    if isinstance(value, str):
        value = value.encode()
    return _wire._encode_varint(number << 3 | _wire.BYTES) + _wire._encode_varint(len(value)) + value


def detail(name, value):
    return field(3, field(1, f"type.googleapis.com/{name}") + field(2, value))


def info(reason="BOOK_ON_LOAN", domain="library.example.com", **metadata):
    entries = b"".join(field(3, field(1, key) + field(2, value)) for key, value in metadata.items())
    return detail("google.rpc.ErrorInfo", field(1, reason) + field(2, domain) + entries)


def status(code, message, *details):
    return field(1, code) + field(2, message) + b"".join(details)
