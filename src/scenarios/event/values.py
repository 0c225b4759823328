"""Values in events: any object as JSON with a bound, whatever it is."""

from __future__ import annotations

import hashlib
import json
from json.encoder import encode_basestring_ascii
from typing import Any

from scenarios.errors import RAISED

LARGEST_RECORD = 64 * 1024
"""Characters of a line; it is ASCII, so these are bytes."""

LARGEST_VALUE = 28 * 1024
"""Characters of a value: an operation tells at most two, and its head takes far less than 8 KiB."""

LARGEST_NAME = 100
"""Characters of a name that code gives, as to a thread; as JSON up to twelve times as many."""

PREVIEW = 1024
CUT = frozenset({"preview", "length", "sha256"})
"""The keys of what stands for a value that was too large."""

HEAD = frozenset(
    {"time", "seq", "event", "worker", "replica", "job", "pid", "thread", "op", "object", "line"}
)
"""The keys that say which event it is: never cut, and no secret is looked for in them."""

_DEPTH = 40  # levels told of a value that JSON cannot write
_NODES = 10_000  # and its elements

quoted = encode_basestring_ascii


def encoded(value: Any, limit: int = LARGEST_VALUE) -> str:
    """A value as JSON of at most `limit` characters; what JSON does not know is told by its repr.

    What is too large is told by its beginning, the length of its JSON, and the digest of that.
    """
    its = value.__class__
    if its is int:
        return str(value) if -(10**18) < value < 10**18 else quoted(shown(value))
    if value is None:
        return "null"
    if its is str and len(value) <= limit:
        text = quoted(value)
    else:
        try:
            text = json.dumps(value, default=shown, allow_nan=False)
        except RAISED:  # numbers that are none, odd keys, too deep, or an object's own failure
            text = json.dumps(_told(value, 0, [_NODES]))
    return text if len(text) <= limit else _cut(text)


def shortened(text: str) -> str:
    """A line of an event as one that is no longer than a record may be."""
    record = json.loads(text)
    for key, value in record.items():
        if key not in HEAD:
            part = json.dumps(value)
            record[key] = value if len(part) <= 2 * PREVIEW else json.loads(_cut(part))
    line = json.dumps(record, separators=(",", ":")) + "\n"
    if len(line) <= LARGEST_RECORD:
        return line
    head = {key: value for key, value in record.items() if key in HEAD}
    return json.dumps(head | {"cut": len(record) - len(head)}, separators=(",", ":")) + "\n"


def named(text: str) -> str:
    """A name that fits into an event's head."""
    return text if len(text) <= LARGEST_NAME else text[: LARGEST_NAME - 3] + "..."


def shown(value: Any) -> str:
    """A bounded repr that never fails."""
    try:
        text = repr(value)
    except RAISED as error:
        text = f"<{type(value).__name__}: repr failed: {type(error).__name__}>"
    return text if len(text) <= PREVIEW else text[:PREVIEW] + "..."


def _cut(text: str) -> str:
    digest = hashlib.sha256(text.encode()).hexdigest()
    return json.dumps({"preview": text[:PREVIEW], "length": len(text), "sha256": digest})


def _told(value: Any, depth: int, left: list[int]) -> Any:
    """What JSON can write of a value: the rest, and what is too deep or too much, by its repr."""
    left[0] -= 1
    its = value.__class__
    if its is str or its is bool or value is None:
        return value
    if its is int:
        return value if -(10**18) < value < 10**18 else shown(value)
    if its is float:
        return value if value - value == 0 else repr(value)
    if depth < _DEPTH and left[0] > 0:
        if its is dict:
            return {
                key if key.__class__ is str else shown(key): _told(item, depth + 1, left)
                for key, item in value.items()
            }
        if its is list or its is tuple:
            return [_told(item, depth + 1, left) for item in value]
    return shown(value)
