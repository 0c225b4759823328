"""The shapes of single values: texts, numbers, durations, words; and of any plain data."""

from __future__ import annotations

import re
from typing import Any, Final

from scenarios.durations import DURATION, LONGEST, seconds_of
from scenarios.loading.context import Context
from scenarios.loading.mistakes import shown, suggest
from scenarios.loading.nodes import Entry, Node
from scenarios.loading.shapes import Schema, Shape
from scenarios.loading.targets import check_call


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
        value = node.value
        if type(value) is str and "${" in value:
            settled = ctx.settle(node, what, environment=self.environment)
            return None if settled is None else settled.value
        if type(value) is list:
            return [self._read(item, ctx, what) for item in value]
        if type(value) is dict:
            return {key: self._read(entry.node, ctx, what) for key, entry in value.items()}
        return value

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


class Callable(Pattern):
    """A Python callable "module:function", where it may be called."""

    def __init__(self) -> None:
        dotted = r"[^\W\d]\w*(?:\.[^\W\d]\w*)*"
        super().__init__(f"{dotted}:{dotted}", 'a callable "module:function"')

    def _take(self, node: Node, ctx: Context, what: str) -> str | None:
        target = super()._take(node, ctx, what)
        if target is not None:
            check_call(target, node, ctx, what)
        return target


CALLABLE: Final = Callable()


def _quote(value: Any) -> str:
    return "; quote it" if value is not None and type(value) not in (dict, list) else ""


def _odd(value: Any) -> str:
    """What is odd about a number: the words that its owner will look for."""
    if type(value) is bool:
        return " (a boolean is no number)"
    if type(value) in (int, float) and value < 0:
        return " (negative)"
    return " (text)" if type(value) is str and value.lstrip("-").isdigit() else ""
