"""Expectations, of the file and of one worker: read first, their names checked at the end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from scenarios.loading.context import Context
from scenarios.loading.filling import bare
from scenarios.loading.mistakes import corrected, nearest, shown
from scenarios.loading.names import OF_WORKER, check_names, expect_names, static_names
from scenarios.loading.nodes import Entry, Node, start
from scenarios.loading.scalars import Text
from scenarios.loading.shapes import Schema, Shape, unknown_key
from scenarios.scenario import Expectation

CLAIMS: Final = ("always", "sometimes", "never")
KEYS: Final = {
    "always": "An expression that holds in every run or schedule looked at.",
    "sometimes": "An expression that holds in at least one of them.",
    "never": "An expression that holds in none of them.",
    "if": "Asked only where this expression over vars and matrix holds.",
    "name": "What reports call it.",
}


class Expectations(Shape):
    """A list of expectations; `worker` reads those that stand in a worker."""

    def _read(self, node: Node, ctx: Context, what: str) -> tuple[Expectation, ...]:
        if type(node.value) is not list:
            ctx.fault(node, f"{what} is a list of expectations, not {shown(node.value)}")
            return ()
        own = ctx.scope.worker if ctx.scope is not None else None
        found = [_expectation(item, ctx, own) for item in node.value]
        return tuple(item for item in found if item is not None)

    def _schema(self) -> Schema:
        text = {"type": ["string", "boolean", "number"]}
        item = {
            "type": "object",
            "properties": {
                key: {"description": doc, "type": text["type"]} for key, doc in KEYS.items()
            },
            "oneOf": [{"required": [kind]} for kind in CLAIMS],
            "additionalProperties": False,
        }
        always = {**text, "description": "An expression that always holds."}
        return {"type": "array", "items": {"anyOf": [always, item]}}

    _filled = _schema


def _expectation(node: Node, ctx: Context, own: str | None) -> Expectation | None:
    entries = node.value
    if type(entries) is not dict:
        return _made("always", node, node, ctx, own, {})
    first = start(node)
    if isinstance(first, Entry) and " " in first.key and entries.keys().isdisjoint(KEYS):
        line = ctx.source.line(first.line)
        ctx.fault(
            first, f'a ": " in the expression makes it a mapping{corrected(line, first.column - 1)}'
        )
        return None
    for entry in entries.values():
        if entry.key not in KEYS:
            unknown_key(entry, KEYS, ctx, "an expectation")
    kinds = [key for key in entries if key in CLAIMS]
    if len(kinds) != 1:
        if not kinds and any(nearest(key, CLAIMS) for key in entries if key not in KEYS):
            return None  # told as an unknown key
        said = "two: " + " and ".join(kinds) if kinds else "none"
        ctx.fault(
            entries[kinds[1]] if kinds else start(node),
            f"an expectation has one of always, sometimes and never, and this one has {said}",
        )
        return None
    return _made(kinds[0], node, entries[kinds[0]].node, ctx, own, entries)


def _made(
    kind: Any, node: Node, text: Node, ctx: Context, own: str | None, entries: Mapping[str, Entry]
) -> Expectation | None:
    expression = bare(text, ctx, "an expectation" if text is node else f'"{kind}"', reads=False)
    condition = None
    if "if" in entries:
        asked = entries["if"].node
        condition = bare(asked, ctx, '"if"', reads=False)
        if condition is not None:
            check_names(condition, asked, static_names(ctx), ctx)
    name = Text().read(entries["name"].node, ctx, '"name"') if "name" in entries else None
    if expression is None:
        return None
    ctx.expected.append((expression, text, own))
    return Expectation(
        kind, expression, condition, name, own, str(text.raw or text.value), node.line, node.column
    )


def check_expected(workers: Mapping[str, int | None], ctx: Context) -> None:
    """Check the names of every expectation read, when all workers are known."""
    names = expect_names(ctx, workers)
    for expression, node, own in ctx.expected:
        known = names if own is None else {**names, **dict.fromkeys(OF_WORKER)}
        check_names(expression, node, known, ctx)
