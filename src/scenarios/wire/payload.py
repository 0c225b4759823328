"""Items and values as bytes that the hub never looks into.

Pickled, but for large bytes and texts, which go as they are: pickling 1 MiB takes 400 µs, most of
it in growing the buffer, where a copy takes 25.
"""

from __future__ import annotations

import pickle
from typing import Any

LARGE = 4096
"""Bytes or characters from which the difference is felt."""

# first bytes that no pickle of protocol 2 or later has: those begin with 0x80
_BYTES, _TEXT, _PICKLE = b"\x00", b"\x01", 0x80


def dump(value: Any) -> tuple[bytes, bytes]:
    """A short prefix and the rest; raises what pickling raises."""
    kind = value.__class__
    if kind is bytes and len(value) >= LARGE:
        return _BYTES, value
    if kind is str and len(value) >= LARGE:
        return _TEXT, value.encode("utf-8", "surrogatepass")
    return b"", pickle.dumps(value, 5)


def is_plain(tag: int) -> bool:
    """Whether a payload that begins with this byte goes on with bytes or text as they are."""
    return tag in (0, 1)


def load_plain(tag: int, rest: bytes) -> Any:
    """The value of such a payload; nothing is copied where it is bytes."""
    return rest if tag == 0 else str(rest, "utf-8", "surrogatepass")


def load(data: bytes | memoryview) -> Any:
    """The value; raises what unpickling raises."""
    first = data[0]
    if first == _PICKLE:
        return pickle.loads(data)
    if first == 0:
        return bytes(data[1:])
    if first == 1:
        return str(data[1:], "utf-8", "surrogatepass")
    return pickle.loads(data)
