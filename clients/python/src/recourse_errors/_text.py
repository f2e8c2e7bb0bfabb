"""The one rule for text that came over the network."""

from __future__ import annotations

import re
from typing import Sequence, Tuple, Union

Ranges = Sequence[Tuple[int, int]]

# First and last of a range of characters. Python's own idea of their categories changes with its version of Unicode.
SPACES: Ranges = (
    (9, 13), (133, 133), (160, 160), (5760, 5760), (8192, 8202), (8232, 8233), (8239, 8239), (8287, 8287),
    (12288, 12288),
)  # fmt: skip
REMOVED: Ranges = (
    (0, 8), (14, 31), (127, 132), (134, 159), (173, 173), (847, 847), (1536, 1541), (1564, 1564), (1757, 1757),
    (1807, 1807), (2192, 2193), (2274, 2274), (4447, 4448), (6068, 6069), (6155, 6159), (8203, 8203), (8206, 8207),
    (8234, 8238), (8288, 8303), (10240, 10240), (12644, 12644), (65024, 65037), (65279, 65279), (65440, 65440),
    (65520, 65531), (69821, 69821), (69837, 69837), (78896, 78911), (113824, 113827), (119155, 119162),
    (917504, 921599),
)  # fmt: skip


def _any_of(ranges: Ranges) -> str:
    return "[" + "".join(f"{re.escape(chr(first))}-{re.escape(chr(last))}" for first, last in ranges) + "]"


_space = re.compile(_any_of(SPACES))
_removed = re.compile(_any_of(REMOVED))
_no_text = re.compile("[\ud800-\udfff]+")

_CUT = "..."


def text(value: Union[str, bytes, None]) -> str:
    """Makes valid Unicode of what may be none: each run of bytes that are no text becomes one U+FFFD."""
    if value is None:
        return ""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "surrogateescape")
    return _no_text.sub("\ufffd", value)


def clean(value: Union[str, bytes, None], limit: int) -> str:
    """Makes text safe to show on one line, in at most limit bytes of UTF-8."""
    kept = _removed.sub("", _space.sub(" ", text(value))).strip(" ")
    encoded = kept.encode()
    if len(encoded) <= limit:
        return kept
    end = limit - len(_CUT)
    while encoded[end] & 0xC0 == 0x80:  # within a character
        end -= 1
    return encoded[:end].decode().rstrip(" ") + _CUT
