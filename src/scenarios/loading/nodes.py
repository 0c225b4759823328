"""The positioned tree that a YAML text becomes: nodes, keys, and plain data from and to them."""

from __future__ import annotations

from typing import Any, TypeAlias


class Node:
    """A scalar, list or mapping of the file; lines and columns count characters from 1.

    `value` is plain data for a scalar, a list of nodes, or a dict of key text to `Entry`. `raw` is
    a scalar's text and `plain` tells that it stood without quotes.
    """

    __slots__ = ("column", "line", "plain", "raw", "value")

    def __init__(
        self, value: Any, line: int, column: int, raw: str = "", plain: bool = False
    ) -> None:
        self.value = value
        self.line = line
        self.column = column
        self.raw = raw
        self.plain = plain


class Entry:
    """One key of a mapping, with its place, and the node of its value."""

    __slots__ = ("column", "key", "line", "node")

    def __init__(self, key: str, line: int, column: int, node: Node) -> None:
        self.key = key
        self.line = line
        self.column = column
        self.node = node


Place: TypeAlias = Node | Entry


def start(node: Node) -> Place:
    """Where something that a mapping lacks is told: its first key, or the empty mapping itself."""
    if type(node.value) is dict and node.value:
        first: Entry = next(iter(node.value.values()))
        return first
    return node


def count_nodes(place: Place) -> int:
    """How many scalars, lists and mappings there are in a node and below it, aliases followed."""
    value = place.node.value if isinstance(place, Entry) else place.value
    if type(value) is dict:
        return 1 + sum(map(count_nodes, value.values()))
    return 1 + sum(map(count_nodes, value)) if type(value) is list else 1


def data(node: Node) -> Any:
    """The node as fresh plain data."""
    value = node.value
    if type(value) is dict:
        return {key: data(entry.node) for key, entry in value.items()}
    if type(value) is list:
        return [data(item) for item in value]
    return value


def tree(value: Any, place: Place) -> Node:
    """Plain data as a node whose every part stands at one place."""
    line, column = place.line, place.column
    if isinstance(value, dict):
        entries = {
            str(key): Entry(str(key), line, column, tree(item, place))
            for key, item in value.items()
        }
        return Node(entries, line, column)
    if isinstance(value, (list, tuple)):
        return Node([tree(item, place) for item in value], line, column)
    return Node(value, line, column, value if isinstance(value, str) else str(value))
