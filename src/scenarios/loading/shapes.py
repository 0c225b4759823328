"""The shapes that values can have: each reads a node and describes itself for the JSON Schema.

A table of keys with their shapes is the single source of both. `read` notes what is wrong and
then returns None. Where a value is settled at load, `${vars.x}` and `${matrix.x}` are filled in.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from scenarios.loading.context import Context
from scenarios.loading.mistakes import nearest, shown, suggest
from scenarios.loading.nodes import Entry, Node, data, start

Schema = dict[str, Any]
FILLED: Final[Schema] = {"$ref": "#/$defs/filled"}  # a text that holds ${...}
NAME: Final = r"^(?![0-9_])[^\s.:-]+$"  # looser than the check: an editor's \w is ASCII alone
LONGEST: Final = 1e9  # seconds; more than 30 years is a slip, and the system's timers end there
UNITS: Final = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
DURATION: Final = r"(?:\d+(?:\.\d+)?(?:us|ms|s|m|h))+"


class Shape:
    """One kind of value. A subclass gives `_take` (or `_read`) and `_schema`."""

    def read(self, node: Node, ctx: Context, what: str) -> Any:
        """The value of a node; `what` names it in messages. None after a fault."""
        return self._read(node, ctx, what)

    def take(self, node: Node, ctx: Context, what: str) -> Any:
        """The value of a node in which nothing is left to fill in. None after a fault."""
        return self._take(node, ctx, what)

    def schema(self) -> Schema:
        """The shape as JSON Schema."""
        return self._schema()

    def filled(self) -> Schema:
        """The shape as JSON Schema, or a text that `${...}` makes into it."""
        return self._filled()

    def _read(self, node: Node, ctx: Context, what: str) -> Any:
        if type(node.value) is str and "${" in node.value:
            filled = ctx.fill(node, what)
            return None if filled is None else self._take(filled, ctx, what)
        return self._take(node, ctx, what)

    def _take(self, node: Node, ctx: Context, what: str) -> Any:
        return self._read(node, ctx, what)

    def _schema(self) -> Schema:
        return {}

    def _filled(self) -> Schema:
        return or_filled(self._schema())


def or_filled(schema: Schema) -> Schema:
    """A JSON Schema, or a text with `${...}`.

    Written as a choice where texts are none of its values, so that an editor tells what is wrong
    with the value and not that no alternative fits.
    """
    types = schema.get("type", "string" if "enum" in schema or "anyOf" in schema else "object")
    if "string" in ([types] if isinstance(types, str) else types):
        return {"anyOf": [schema, FILLED]}
    return {"if": {"type": "string"}, "then": FILLED, "else": schema}


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a mapping: its shape, what it means, and what it is where it is absent."""

    name: str
    shape: Shape
    doc: str
    default: Any = None
    required: bool = False

    @property
    def what(self) -> str:
        """The key as messages name it."""
        return f'"{self.name}"'


class Text(Shape):
    """A text; where `loose`, a number or boolean counts as it is written."""

    def __init__(self, loose: bool = False) -> None:
        self.loose = loose

    def _take(self, node: Node, ctx: Context, what: str) -> str | None:
        value = node.value
        if type(value) is str:
            return value
        if self.loose and value is not None and type(value) not in (dict, list):
            return node.raw
        ctx.fault(node, f"{what} is text, not {shown(value)}{_quote(value)}")
        return None

    def _schema(self) -> Schema:
        return {"type": ["string", "number", "boolean"] if self.loose else "string"}

    _filled = _schema


class Bool(Shape):
    """true or false."""

    def _take(self, node: Node, ctx: Context, what: str) -> bool | None:
        if type(node.value) is bool:
            return node.value
        ctx.fault(node, f"{what} is true or false, not {shown(node.value)}")
        return None

    def _schema(self) -> Schema:
        return {"type": "boolean"}


class Whole(Shape):
    """A whole number within bounds."""

    def __init__(self, low: int | None = None, high: int | None = None) -> None:
        self.low, self.high = low, high

    def _take(self, node: Node, ctx: Context, what: str) -> int | None:
        value = node.value
        low, high = self.low, self.high
        if type(value) is int and (low is None or value >= low) and (high is None or value <= high):
            return value
        upper = "on" if high is None else f"to {high}"
        bound = "" if low is None else f" from {low} {upper}"
        ctx.fault(node, f"{what} is a whole number{bound}, not {shown(value)}{_odd(value)}")
        return None

    def _schema(self) -> Schema:
        bounds = {"minimum": self.low, "maximum": self.high}
        return {"type": "integer", **{key: n for key, n in bounds.items() if n is not None}}


class Chance(Shape):
    """A probability from 0 to 1."""

    def _take(self, node: Node, ctx: Context, what: str) -> float | None:
        value = node.value
        if type(value) in (int, float) and 0 <= value <= 1:
            return float(value)
        ctx.fault(node, f"{what} is a number from 0 to 1, not {shown(value)}{_odd(value)}")
        return None

    def _schema(self) -> Schema:
        return {"type": "number", "minimum": 0, "maximum": 1}


class Duration(Shape):
    """Seconds: a number, or a text such as 250ms, 1.5s, 2m."""

    def __init__(self, positive: bool = False) -> None:
        self.positive = positive

    def _take(self, node: Node, ctx: Context, what: str) -> float | None:
        seconds = seconds_of(node.value)
        if seconds is not None and seconds <= LONGEST and (seconds > 0 or not self.positive):
            return seconds
        odd = _odd(node.value) if seconds is None else " (too long)" if seconds else ""
        ctx.fault(
            node,
            f"{what} is a duration such as 250ms, 1.5s, 2m or a number of seconds, "
            f"not {shown(node.value)}{odd}",
        )
        return None

    def _schema(self) -> Schema:
        low = {"exclusiveMinimum": 0} if self.positive else {"minimum": 0}
        return {
            "anyOf": [{"type": "number", **low}, {"type": "string", "pattern": f"^{DURATION}$"}]
        }


def seconds_of(value: Any) -> float | None:
    """A duration in seconds, from a number or a text such as 1.5s; None where it is none."""
    if type(value) in (int, float):
        return float(value) if 0 <= value < math.inf and value <= LONGEST * 10 else None
    if type(value) is str and len(value) < 50 and re.fullmatch(DURATION, value):
        parts = re.findall(r"([\d.]+)([a-z]+)", value)
        return math.fsum(float(number) * UNITS[unit] for number, unit in parts)
    return None


class Choice(Shape):
    """One of a few words."""

    def __init__(self, *words: str) -> None:
        self.words = words

    def _take(self, node: Node, ctx: Context, what: str) -> str | None:
        if node.value in self.words and type(node.value) is str:
            return str(node.value)
        known = ", ".join(self.words[:-1]) + f" or {self.words[-1]}"
        near = suggest(node.value, self.words) if type(node.value) is str else ""
        ctx.fault(node, f"{what} is {known}, not {shown(node.value)}{near}")
        return None

    def _schema(self) -> Schema:
        return {"enum": list(self.words)}


class Data(Shape):
    """Plain data of any kind; every `${...}` in it is settled at load."""

    def __init__(self, environment: bool = False) -> None:
        self.environment = environment

    def _read(self, node: Node, ctx: Context, what: str) -> Any:
        filled = self.fill(node, ctx, what)
        return None if filled is None else data(filled)

    def fill(self, node: Node, ctx: Context, what: str) -> Node | None:
        """The node with every text in it filled in, or None after a fault."""
        value = node.value
        if type(value) is str:
            return ctx.fill(node, what, environment=self.environment) if "${" in value else node
        if type(value) is list:
            items = [self.fill(item, ctx, what) for item in value]
            return None if None in items else Node(items, node.line, node.column)
        if type(value) is dict:
            entries: dict[str, Entry] = {}
            for key, entry in value.items():
                filled = self.fill(entry.node, ctx, what)
                if filled is not None:
                    entries[key] = Entry(key, entry.line, entry.column, filled)
            return Node(entries, node.line, node.column) if len(entries) == len(value) else None
        return node

    def _schema(self) -> Schema:
        return {}

    _filled = _schema


class ListOf(Shape):
    """A list whose items have one shape; `least` of them at least. Read as a tuple."""

    def __init__(self, item: Shape, least: int = 0, each: str = "") -> None:
        self.item, self.least, self.each = item, least, each

    def _take(self, node: Node, ctx: Context, what: str) -> tuple[Any, ...] | None:
        if type(node.value) is not list:
            ctx.fault(node, f"{what} is a list, not {shown(node.value)}")
            return None
        if len(node.value) < self.least:
            ctx.fault(node, f"{what} is empty; it needs at least {self.least}")
        each = self.each or f"an item of {what}"
        return tuple([self.item.read(item, ctx, each) for item in node.value])

    def _schema(self) -> Schema:
        least = {"minItems": self.least} if self.least else {}
        return {"type": "array", "items": self.item.filled(), **least}


class Record(Shape):
    """A mapping with known keys, read as a dict that has every one of them."""

    def __init__(self, *keys: Key, empty: bool = True, doc: str = "") -> None:
        self.keys = {key.name: key for key in keys}
        self.whats = {key.name: key.what for key in keys}
        self.required = [key.name for key in keys if key.required]
        self.empty = empty  # `q:` with nothing after it stands for `q: {}`
        self.doc = doc

    def _take(self, node: Node, ctx: Context, what: str) -> dict[str, Any] | None:
        entries = node.value
        if entries is None and self.empty:
            entries = {}
        if type(entries) is not dict:
            known = f" with {', '.join(list(self.keys)[:6])}" if self.keys else ""
            ctx.fault(node, f"{what} is a mapping{known}, not {shown(node.value)}")
            return None
        check_keys(node, entries, self.keys, self.required, ctx, what)
        values: dict[str, Any] = {}
        for name, key in self.keys.items():
            entry = entries.get(name)
            if entry is None:
                values[name] = key.default
            else:
                values[name] = key.shape.read(entry.node, ctx, self.whats[name])
        return values

    def _schema(self) -> Schema:
        properties = {}
        for name, key in self.keys.items():
            properties[name] = {"description": key.doc, **key.shape.filled()}
            if key.default not in (None, (), {}):
                properties[name]["default"] = key.default
        made: Schema = {
            "type": ["object", "null"] if self.empty and not self.required else "object",
            "properties": properties,
            "additionalProperties": False,
        }
        if self.doc:
            made["description"] = self.doc
        return {**made, "required": self.required} if self.required else made


def check_keys(
    node: Node,
    entries: Mapping[str, Entry],
    known: Iterable[str],
    required: Iterable[str],
    ctx: Context,
    what: str,
) -> None:
    """Note unknown keys, and missing ones unless an unknown key was meant for it."""
    unknown = [entry for name, entry in entries.items() if name not in known]
    for entry in unknown:
        unknown_key(entry, known, ctx, what)
    meant = {nearest(entry.key, known) for entry in unknown}
    for name in required:
        if name not in entries and name not in meant:
            ctx.fault(start(node), f'{what} lacks the key "{name}"')


def unknown_key(entry: Entry, known: Iterable[str], ctx: Context, what: str) -> None:
    """Note a key that is not among the known ones."""
    words = list(known)
    otherwise = f"; known are {', '.join(words)}" if len(words) <= 12 else ""
    near = suggest(entry.key, words, otherwise)
    ctx.fault(entry, f"unknown key {shown(entry.key)} in {what}{near}")


class Either(Shape):
    """One shape for mappings and another one for everything else."""

    def __init__(self, scalar: Shape, mapping: Shape) -> None:
        self.mapping, self.scalar = mapping, scalar

    def _read(self, node: Node, ctx: Context, what: str) -> Any:
        shape = self.mapping if type(node.value) is dict else self.scalar
        return shape.read(node, ctx, what)

    def _schema(self) -> Schema:
        return {"anyOf": [self.scalar.schema(), self.mapping.schema()]}


class Pattern(Shape):
    """A text of one form; `form` tells it in words."""

    def __init__(self, pattern: str, form: str) -> None:
        self.pattern, self.form = re.compile(pattern), form

    def _take(self, node: Node, ctx: Context, what: str) -> str | None:
        if type(node.value) is str and self.pattern.fullmatch(node.value):
            return node.value
        ctx.fault(node, f"{what} is {self.form}, not {shown(node.value)}")
        return None

    def _schema(self) -> Schema:
        return {"type": "string", "pattern": f"^(?:{self.pattern.pattern})$"}


CALLABLE: Final = Pattern(
    r"[^\W\d]\w*(?:\.[^\W\d]\w*)*:[^\W\d]\w*(?:\.[^\W\d]\w*)*", 'a callable "module:function"'
)


def _quote(value: Any) -> str:
    return "; quote it" if value is not None and type(value) not in (dict, list) else ""


def _odd(value: Any) -> str:
    """What is odd about a number: the words that its owner will look for."""
    if type(value) is bool:
        return " (a boolean is no number)"
    if type(value) in (int, float) and value < 0:
        return " (negative)"
    return " (text)" if type(value) is str and value.lstrip("-").isdigit() else ""
