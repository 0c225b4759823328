"""Plain data as text: how the items of a priority queue travel, since the hub compares them.

JSON, with mappings for what JSON has not: tuples, mappings with keys of any kind, bytes, long
integers. Reading it runs nothing, however it was made.
"""

from __future__ import annotations

import json
from typing import Any

LONG = 1 << 63
"""Integers from here on travel as hexadecimal text: reading long decimals is refused by Python."""


def dump(value: Any) -> bytes:
    """The value as bytes; raises TypeError for what is not plain data."""
    try:
        return json.dumps(_tagged(value), separators=(",", ":")).encode()
    except RecursionError:
        raise TypeError("it is nested too deeply") from None


def load(data: bytes | bytearray | memoryview) -> Any:
    """The value that `dump` was given; raises ValueError for anything else."""
    try:
        return _untagged(json.loads(bytes(data)))
    except (RecursionError, TypeError, AttributeError) as error:
        raise ValueError(f"not an item: {error}") from None


def _tagged(value: Any) -> Any:
    kind = type(value)
    if value is None or kind in (bool, float, str):
        return value
    if kind is int:
        return value if -LONG < value < LONG else {"i": hex(value)}
    if kind is list:
        return [_tagged(element) for element in value]
    if kind is tuple:
        return {"t": [_tagged(element) for element in value]}
    if kind is dict:
        return {"d": [[_tagged(key), _tagged(element)] for key, element in value.items()]}
    if kind is bytes:
        return {"b": value.decode("latin-1")}
    raise TypeError(
        f"between processes a priority queue takes plain data and tuples, not {kind.__name__}"
    )


def _untagged(value: Any) -> Any:
    if isinstance(value, list):
        return [_untagged(element) for element in value]
    if not isinstance(value, dict):
        return value
    if len(value) != 1:
        raise ValueError("not an item: an unknown mapping")
    ((tag, content),) = value.items()
    if tag == "t":
        return tuple(_untagged(element) for element in content)
    if tag == "d":
        return {_untagged(key): _untagged(element) for key, element in content}
    if tag == "i":
        return int(content, 16)
    if tag == "b":
        return content.encode("latin-1")
    raise ValueError(f"not an item: unknown tag {tag!r}")
