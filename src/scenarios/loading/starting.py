"""The values of a worker that are settled when it starts: command, streams, environment, turn."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from scenarios.expressions import Expression
from scenarios.expressions.scanning import Piece, split
from scenarios.loading import patterns
from scenarios.loading.context import Context
from scenarios.loading.filling import as_word, at_start, escaped, scope_of
from scenarios.loading.late import Resource
from scenarios.loading.mistakes import shown
from scenarios.loading.names import LIVE
from scenarios.loading.nodes import Entry, Node, data, start
from scenarios.loading.scalars import Choice, Data, Duration, Text, Whole
from scenarios.loading.shapes import Key, Record, Schema, Shape
from scenarios.loading.step_values import Arguments
from scenarios.loading.targets import check_program, check_variable
from scenarios.scenario import From, Ready, To

MOST_JOBS: Final = 1_000_000
_WORD: Final[Schema] = {"type": ["string", "number", "boolean"]}


class Early(Shape):
    """A text that is settled when the worker starts, as an Expression."""

    def _read(self, node: Node, ctx: Context, what: str) -> Expression | None:
        word = as_word(node, ctx, what)
        if word is None:
            return None
        scope = scope_of(ctx)
        before, scope.where = scope.where, "start"
        expression = self._settled(word, ctx, what)
        scope.where = before
        return expression

    def _settled(self, word: Node, ctx: Context, what: str) -> Expression | None:
        """The text of a word as an Expression, constant where all of it is known at load."""
        return at_start(word, ctx, reads=False)

    def _schema(self) -> Schema:
        return _WORD

    _filled = _schema


class Checked(Early):
    """An early text that must have a form, looked at where it is known at load."""

    def __init__(
        self,
        form: str,
        fits: Callable[[str], str | None],
        effort: Callable[[str], int] | None = None,
    ) -> None:
        self.form, self.fits, self.effort = form, fits, effort

    def _settled(self, word: Node, ctx: Context, what: str) -> Expression | None:
        expression = super()._settled(word, ctx, what)
        if expression is not None and expression.constant:
            text = str(expression.value)
            if self.effort is not None:
                ctx.spend(word, self.effort(text))
            why = self.fits(text)
            if why is not None:
                ctx.fault(word, f"{what} is {self.form}, not {shown(text)}{why}")
        return expression


def _address(text: str) -> str | None:
    host, _, port = text.rpartition(":")
    return None if host and port.isascii() and port.isdigit() and 0 < int(port) < 65536 else ""


def _url(text: str) -> str | None:
    return None if re.match(r"https?://[^/\s]", text) else ""


class EnvironmentValue(Early):
    """The value of an environment variable: `${env.NAME}` may stand in it."""

    def _settled(self, word: Node, ctx: Context, what: str) -> Expression | None:
        expression = ctx.template(word, reads=False)
        if expression is None:
            return None
        if any(name == "env" for name, _ in expression.free):
            filled = self.environment(word, expression, ctx, what)
            if filled is None:
                return None
            word = filled
        return at_start(word, ctx, reads=False)

    def environment(
        self, word: Node, expression: Expression, ctx: Context, what: str
    ) -> Node | None:
        """The text with each `${...}` that mentions env filled in, and the others left."""
        text = ""
        for piece in split(word.value):
            if not isinstance(piece, Piece):
                text += escaped(piece)
                continue
            inner = Node(f"${{{piece.text}}}", word.line, word.column)
            part = ctx.template(inner, reads=False)
            if part is None:
                return None
            if all(name != "env" for name, _ in part.free):
                text += inner.value
                continue
            filled = ctx.fill(inner, what, environment=True)
            if filled is None:
                return None
            text += escaped(str(data(filled)))
        return Node(text, word.line, word.column, text)


class Environment(Shape):
    """`env`: a mapping of variables to texts."""

    def _take(self, node: Node, ctx: Context, what: str) -> dict[str, Expression]:
        if type(node.value) is not dict:
            ctx.fault(node, f"{what} is a mapping of variables to texts, not {shown(node.value)}")
            return {}
        read = {}
        for name, entry in node.value.items():
            check_variable(name, entry, ctx)
            if not name or "=" in name or "\0" in name:
                ctx.fault(entry, f"{shown(name)} cannot be the name of an environment variable")
            value = EnvironmentValue().read(entry.node, ctx, f'"{name}"')
            if value is not None:
                read[name] = value
        return read

    def _schema(self) -> Schema:
        return {"type": "object", "additionalProperties": _WORD}

    _filled = _schema


class Command(Shape):
    """A command: one Expression for each word."""

    def _take(self, node: Node, ctx: Context, what: str) -> tuple[Expression, ...] | None:
        if type(node.value) is not list:
            hint = ""
            if type(node.value) is str:
                hint = f"; there is no shell: write [{', '.join(node.value.split()[:6])}]"
            ctx.fault(node, f"{what} is a list of words, not {shown(node.value)}{hint}")
            return None
        if not node.value:
            ctx.fault(node, f"{what} is empty; its first word is the program")
        words = [Early().read(item, ctx, what) for item in node.value]
        if words:
            check_program(words[0], node.value[0], ctx, what)
        return tuple(word for word in words if word is not None)

    def _schema(self) -> Schema:
        return {"type": "array", "minItems": 1, "items": _WORD}


class Input(Shape):
    """`stdin`: text, or `{from: queue}`."""

    key = Record(Key("from", Resource("queues"), "The queue.", required=True), empty=False)

    def _read(self, node: Node, ctx: Context, what: str) -> Expression | From | None:
        if type(node.value) is dict:
            queue = (self.key.read(node, ctx, what) or {}).get("from")
            return None if queue is None else From(queue)
        text: Expression | None = Early().read(node, ctx, what)
        return text

    def _schema(self) -> Schema:
        return {"anyOf": [_WORD, self.key.schema()]}

    _filled = _schema


class Output(Shape):
    """`stdout` and `stderr`: a word, or `{to: queue}`."""

    word = Choice("capture", "inherit", "discard")
    key = Record(Key("to", Resource("queues"), "The queue.", required=True), empty=False)

    def _take(self, node: Node, ctx: Context, what: str) -> Any:
        if type(node.value) is dict:
            queue = (self.key.read(node, ctx, what) or {}).get("to")
            return None if queue is None else To(queue)
        return self.word.take(node, ctx, f"{what}, where it is not {{to: queue}},")

    def _schema(self) -> Schema:
        return {"anyOf": [self.word.schema(), self.key.schema()]}


class Jobs(Shape):
    """`jobs`: a number of submissions or a list of items; a range or a tuple of the items."""

    count = Whole(0, MOST_JOBS)

    def _read(self, node: Node, ctx: Context, what: str) -> Sequence[Any] | None:
        if type(node.value) is str and "${" in node.value:
            settled = ctx.settle(node, what)
            if settled is None:
                return None
            node, items = settled, settled.value
        else:
            items = Data().read(node, ctx, what) if type(node.value) is list else None
        if type(items) is list:
            return tuple(items)
        if type(node.value) is int:
            count = self.count.take(node, ctx, what)
            return None if count is None else range(count)
        ctx.fault(node, f"{what} is a number of submissions or a list, not {shown(node.value)}")
        return None

    def _schema(self) -> Schema:
        return {"anyOf": [self.count.schema(), {"type": "array"}]}


class DependsOn(Shape):
    """`depends_on`: each worker with its place and the condition that it must meet."""

    item = Record(
        Key(
            "condition",
            Choice("started", "ready", "completed", "succeeded"),
            "What the other worker must have come to.",
            "completed",
        )
    )

    def _take(self, node: Node, ctx: Context, what: str) -> dict[str, tuple[Any, str]]:
        if type(node.value) is list:
            items = [(item, Text().read(item, ctx, f"a worker of {what}")) for item in node.value]
            return {name: (item, "completed") for item, name in items if name is not None}
        if type(node.value) is not dict:
            ctx.fault(
                node,
                f"{what} is a list of workers, or a mapping of workers to conditions, "
                f"not {shown(node.value)}",
            )
            return {}
        read: dict[str, tuple[Any, str]] = {}
        for name, entry in node.value.items():
            values = self.item.read(entry.node, ctx, f'"{name}"') or {}
            read[name] = (entry, values.get("condition") or "completed")
        return read

    def _schema(self) -> Schema:
        return {
            "anyOf": [
                {"type": "array", "items": {"type": "string"}},
                {"type": "object", "additionalProperties": self.item.schema()},
            ]
        }


class ReadyShape(Shape):
    """`ready`: exactly one probe, with how often and how long it is tried."""

    probes = ("log", "tcp", "http", "command")
    table = Record(
        Key(
            "log",
            Checked("a regular expression", patterns.problem, patterns.effort),
            "A line of output that this regular expression finds.",
        ),
        Key("tcp", Checked('"host:port"', _address), '"host:port" that takes connections.'),
        Key("http", Checked("a URL", _url), "A URL that answers with a status from 200 to 399."),
        Key("command", Command(), "A command that ends with exit code 0."),
        Key("interval", Duration(positive=True), "How often to look.", 0.1),
        Key("timeout", Duration(positive=True), "How long to go on looking.", 30.0),
        empty=False,
    )

    def _take(self, node: Node, ctx: Context, what: str) -> Ready | None:
        values = self.table.take(node, ctx, what)
        if values is None:
            return None
        there = [probe for probe in node.value if probe in self.probes]
        if len(there) != 1:
            place: Node | Entry = node.value[there[1]] if there else start(node)
            ctx.fault(place, f"{what} has exactly one of {', '.join(self.probes)}")
        return Ready(**values, line=node.line, column=node.column)

    def _schema(self) -> Schema:
        return {
            **self.table.schema(),
            "oneOf": [{"required": [probe]} for probe in self.probes],
        }


class LiveArguments(Arguments):
    """Arguments of a worker's own call: each resource, and each value and flag, is the object."""

    reads = False
    where = "call"
    extra = LIVE


STDIN: Final = Input()
COMMAND: Final = Command()
ENV: Final = Environment()
CWD: Final = Early()
READY: Final = ReadyShape()
WORKER_ARGS: Final = LiveArguments(list, "a list")
WORKER_KWARGS: Final = LiveArguments(dict, "a mapping")
