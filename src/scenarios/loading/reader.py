"""YAML text to a tree of nodes with their places, within budgets; nothing else is understood here.

libyaml's *events* feed an iterative builder, so that depth, size and aliases are bounded before
anything is built. Scalars are read by YAML 1.2 (core schema). A fault of YAML itself, and a budget
that is spent, end the reading; tags, duplicate keys and keys that are no text are collected.
"""

from __future__ import annotations

import re
from typing import Any, Final

import yaml
from yaml.error import MarkedYAMLError

from scenarios.loading.mistakes import explain
from scenarios.loading.nodes import Entry, Node, data
from scenarios.loading.source import ReadFault, decode

MAX_DEPTH: Final = 64  # collections inside each other; the root is 1
MAX_NODES: Final = 130_000  # some 32,000 lines; reading them takes 0.2 s and 35 MiB
MAX_ALIASED: Final = 10_000  # nodes that aliases stand for, counted at each use
MAX_SCALAR: Final = 64 * 1024  # characters
MAX_DIGITS: Final = 400
MAX_FAULTS: Final = 100  # of one file; more help nobody

_INTEGER: Final = re.compile(r"[-+]?([0-9]+)\Z|0o([0-7]+)\Z|0x([0-9a-fA-F]+)\Z")
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_NAMED: Final[dict[str, Any]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_NUMERIC: Final = frozenset("0123456789+-.")  # what a number can start with
_BASES: Final = {"0o": 8, "0x": 16}

_TOO_DEEP: Final = "exceeded maximum nesting depth"  # libyaml looks ahead; ours comes first

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # PyYAML may come without libyaml


def read(text: str | bytes) -> tuple[Node, list[tuple[int, int, str]]]:
    """The one document of a text as a tree, with the faults collected; ReadFault ends it early.

    Bytes are UTF-8 that was checked.
    """
    builder = _Builder()
    try:
        next_event = _Loader(text).get_event
        while type(event := next_event()) is not yaml.StreamEndEvent:
            action = builder.actions.get(type(event))
            if action is not None:
                action(event)
    except yaml.YAMLError as fault:
        whole = text if isinstance(text, str) else text.decode("utf-8-sig")
        if isinstance(fault, MarkedYAMLError) and fault.problem == _TOO_DEEP:
            assert fault.problem_mark is not None
            return read(whole[: fault.problem_mark.index])
        raise ReadFault(*explain(fault, whole)) from None
    except ReadFault as fault:
        fault.earlier = builder.faults
        raise
    if builder.root is None:
        raise ReadFault(1, 1, "the file holds nothing; a scenario needs `workers`")
    return builder.root, builder.faults


def read_value(text: str) -> Any:
    """A short YAML text, such as that of `--set`, as plain data; nothing is null. ReadFault."""
    checked = decode(text.encode("utf-8", "surrogateescape"))
    if not checked.strip():
        return None
    node, faults = read(checked)
    if faults:
        raise ReadFault(*faults[0])
    return data(node)


class _Open:
    """A collection that is being built, with what it costs so far."""

    __slots__ = ("anchor", "height", "key", "node", "size")

    def __init__(self, node: Node, anchor: str | None) -> None:
        self.node = node
        self.anchor = anchor
        self.key: Node | None = None
        self.size = 1
        self.height = 1


class _Builder:
    """Builds the tree event by event; its stack is its own, so that depth costs nothing."""

    def __init__(self) -> None:
        self.root: Node | None = None
        self.faults: list[tuple[int, int, str]] = []
        self.stack: list[_Open] = []
        self.anchors: dict[str, tuple[Node, int, int] | None] = {}
        self.nodes = 0
        self.aliased = 0
        self.actions: dict[type, Any] = {
            yaml.ScalarEvent: self.scalar,
            yaml.MappingStartEvent: self.open_mapping,
            yaml.SequenceStartEvent: self.open_list,
            yaml.MappingEndEvent: self.close,
            yaml.SequenceEndEvent: self.close,
            yaml.AliasEvent: self.alias,
            yaml.DocumentStartEvent: self.document,
        }

    def collect(self, line: int, column: int, message: str) -> None:
        """Note a fault that does not hinder the reading of the rest."""
        if len(self.faults) >= MAX_FAULTS:
            raise ReadFault(line, column, f"more than {MAX_FAULTS} faults; the rest is not read")
        self.faults.append((line, column, message))

    def tag(self, event: Any) -> None:
        mark = event.start_mark
        message = f"tag {_short(event.tag)}: tags are not read; write plain data"
        self.collect(mark.line + 1, mark.column + 1, message)

    def document(self, event: Any) -> None:
        if self.root is not None:
            raise _at(event, "a second document; a scenario file is one YAML document")

    def count(self, event: Any) -> None:
        """One node more, which a file can have only so many of."""
        self.nodes += 1
        if self.nodes > MAX_NODES:
            what = "keys, values, lists and mappings"
            raise _at(event, f"more than {MAX_NODES:,} {what}; split the file")

    def scalar(self, event: Any) -> None:
        self.count(event)
        mark = event.start_mark
        raw = event.value
        plain = event.implicit[0] and event.tag is None
        if event.tag is not None:
            self.tag(event)
        if len(raw) > MAX_SCALAR:
            raise _at(event, f"a text of {len(raw):,} characters; at most 64 KiB are read")
        value = raw
        if plain:
            if not raw or raw[0] in _NUMERIC or raw in _NAMED:
                value = _resolve(raw, event)
        elif not raw.isascii() and any("\ud800" <= c <= "\udfff" for c in raw):
            raise _at(event, "half a surrogate pair is no character")
        node = Node(value, mark.line + 1, mark.column + 1, raw, plain)
        if event.anchor is not None:
            self.anchors[event.anchor] = (node, 1, 0)
        self.add(node, 1, 0)

    def open_mapping(self, event: Any) -> None:
        self.open(event, {})

    def open_list(self, event: Any) -> None:
        self.open(event, [])

    def open(self, event: Any, value: Any) -> None:
        self.count(event)
        if event.tag is not None:
            self.tag(event)
        if len(self.stack) >= MAX_DEPTH:
            raise _at(event, f"nesting deeper than {MAX_DEPTH}")
        mark = event.start_mark
        if event.anchor is not None:
            self.anchors[event.anchor] = None  # known, and not complete
        self.stack.append(_Open(Node(value, mark.line + 1, mark.column + 1), event.anchor))

    def close(self, event: Any) -> None:
        done = self.stack.pop()
        if done.anchor is not None:
            self.anchors[done.anchor] = (done.node, done.size, done.height)
        self.add(done.node, done.size, done.height)

    def alias(self, event: Any) -> None:
        name = event.anchor
        if name not in self.anchors:
            raise _at(event, f"alias *{_short(name)} has no anchor &{_short(name)} before it")
        anchored = self.anchors[name]
        if anchored is None:
            raise _at(event, f"alias *{_short(name)} refers to itself")
        node, size, height = anchored
        self.aliased += size
        if self.aliased > MAX_ALIASED:
            raise _at(event, f"aliases stand for more than {MAX_ALIASED:,} nodes")
        if len(self.stack) + height > MAX_DEPTH:
            raise _at(event, f"nesting deeper than {MAX_DEPTH}, by alias *{_short(name)}")
        if height == 0:  # a scalar's fault is told where it is used, a collection's where it stands
            mark = event.start_mark
            node = Node(node.value, mark.line + 1, mark.column + 1, node.raw, node.plain)
        self.add(node, size, height)

    def add(self, node: Node, size: int, height: int) -> None:
        """Put a finished node where it belongs: into the open list or mapping, or as the root."""
        if not self.stack:
            self.root = node
            return
        top = self.stack[-1]
        top.size += size
        if height >= top.height:
            top.height = height + 1
        inside = top.node.value
        if type(inside) is list:
            inside.append(node)
        elif top.key is None:
            top.key = node
        else:
            key, top.key = top.key, None
            if type(key.value) is str and key.value not in inside and key.value != "<<":
                inside[key.value] = Entry(key.value, key.line, key.column, node)
            else:
                self.odd_key(key, node, inside)

    def odd_key(self, key: Node, node: Node, inside: dict[str, Entry]) -> None:
        """A key that is no text, that stands there already, or that looks like a merge."""
        if type(key.value) in (dict, list):
            message = "a key is a text, not a list or a mapping"
        elif type(key.value) is not str:
            word = _short(key.raw) or "null"
            message = f'key {word} is not text; quote it: "{word}"'
        elif key.value in inside:
            line = inside[key.value].line
            message = f'duplicate key "{_short(key.value)}"; it stands at line {line} already'
        elif not key.plain:
            inside[key.value] = Entry(key.value, key.line, key.column, node)
            return
        else:
            message = (
                'unknown key "<<": YAML 1.2 has no merge keys; write the keys out, or give the '
                "whole value an anchor and use its alias"
            )
        self.collect(key.line, key.column, message)


def _resolve(raw: str, event: Any) -> Any:
    """A plain scalar by the core schema of YAML 1.2."""
    if raw in _NAMED:
        return _NAMED[raw]
    integer = _INTEGER.match(raw)
    if integer:
        if len(integer[integer.lastindex or 0]) > MAX_DIGITS:
            raise _at(event, f"a number of more than {MAX_DIGITS} digits; quote it if it is text")
        return int(raw, _BASES.get(raw[:2], 10))
    if _FLOAT.match(raw):
        return float(raw)
    return raw


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."


def _at(event: Any, message: str) -> ReadFault:
    return ReadFault(event.start_mark.line + 1, event.start_mark.column + 1, message)
