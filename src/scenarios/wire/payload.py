"""Items and values as bytes that the hub never looks into.

Pickled, but for large bytes and texts, which go as they are: pickling 1 MiB takes 400 µs, most of
it in growing the buffer, where a copy takes 25.

To read plain data runs nobody's code. To read an object runs that of its class, which may end the
process: `load_safely` raises Named instead.
"""

from __future__ import annotations

import io
import pickle
from typing import Any, NoReturn

from scenarios.errors import ScenariosError

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


class Named(ScenariosError):
    """It is no plain data but names a class or a function, whose code would run."""

    def __init__(self, name: str) -> None:
        super().__init__(f"an object of {name} is not read here: put text or plain data")
        self.name = name


class _Plain(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> NoReturn:
        raise Named(f"{module}.{name}")


def load_safely(data: bytes | memoryview) -> Any:
    """The value of plain data, which runs nobody's code; raises Named, or as `load` does.

    A pickle names things by STACK_GLOBAL or EXT1 to EXT4. To look for these bytes takes 100 ns, a
    fifth of what an unpickler of our own takes more.
    """
    if data[0] != _PICKLE:
        return load(data)
    if data.__class__ is bytes and not (
        0x93 in data or 0x82 in data or 0x83 in data or 0x84 in data
    ):
        return pickle.loads(data)
    return _Plain(io.BytesIO(data)).load()
