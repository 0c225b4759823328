"""The shapes that values can have: each reads a node and describes itself for the JSON Schema.

A table of keys with their shapes is the single source of both. `read` notes what is wrong and
then returns None. Where a value is settled at load, `${vars.x}` and `${matrix.x}` are filled in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from scenarios.loading.context import Context
from scenarios.loading.mistakes import nearest, shown, suggest
from scenarios.loading.nodes import Entry, Node, start

Schema = dict[str, Any]
FILLED: Final[Schema] = {"$ref": "#/$defs/filled"}  # a text that holds ${...}
NAME: Final = r"^(?![0-9_])[^\s.:-]+$"  # looser than the check: an editor's \w is ASCII alone


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
