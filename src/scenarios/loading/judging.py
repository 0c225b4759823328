"""Sections that judge or disturb a run: checks, thresholds, faults, schedules and secrets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from scenarios.loading.allowance import Enough
from scenarios.loading.context import SECTIONS, Context
from scenarios.loading.mistakes import among, shown, suggest
from scenarios.loading.names import resources_of
from scenarios.loading.nodes import Entry, Node, data
from scenarios.loading.scalars import Choice, Data, Text, Whole
from scenarios.loading.shapes import Schema, Shape, check_keys
from scenarios.scenario import CheckDecl

CHECKERS: Final = {
    "deadlock": "Nobody can go on, and a foreground worker is unfinished.",
    "livelock": "Explored: a state from which no end can be reached though steps go on.",
    "lost_item": "An item that was put is neither taken nor left.",
    "duplicated_item": "An item was taken twice.",
    "fifo": "Items of a fifo queue left it in another order.",
    "mutual_exclusion": "Two holders of one lock, or more takers than permits.",
    "unread_item": "At the end, an item that nobody took or dealt with.",
    "leak": "At the end, something held, missing, not reaped or not closed.",
    "crash": "A worker ended by a signal or an exception that nothing expected.",
    "isolation": "A thread-local gave what another thread or an earlier job had set.",
    "serializable": "The results match no order of the workers, one after the other.",
    "data_race": "Two accesses of one value, one of them a write, that nothing orders.",
    "lock_order": "A cycle in the order in which locks are taken.",
    "starvation": "A waiting worker was passed over more than `bound` times.",
}
SETTINGS: Final[Mapping[str, Mapping[str, Shape]]] = {"starvation": {"bound": Whole(1)}}
MOST_SECRET: Final = (
    32 * 1024
)  # characters: every spelling of each is looked for in all that is told
MOST_LINES: Final = 500  # of them; every line is a secret of its own
LEVEL: Final = Choice("error", "warn", "off")
_COMPARISON: Final = re.compile(
    r"\s*(?:p\(\s*(?P<percent>\d+(?:\.\d+)?)\s*\)|avg|min|max|med|count|rate|value)\s*"
    r"(?:<=|>=|<|>|==|!=)\s*\d+(?:\.\d+)?\s*(?:us|ms|s|m|h|%|B|KiB|MiB|GiB|kB|KB|MB|GB)?\s*"
)


class Checks(Shape):
    """`checks`: a level, or `{level, ...}` with settings, for each checker."""

    def _take(self, node: Node, ctx: Context, what: str) -> dict[str, CheckDecl]:
        if type(node.value) is not dict:
            ctx.fault(node, f"{what} is a mapping of checkers to levels, not {shown(node.value)}")
            return {}
        read = {}
        for name, entry in node.value.items():
            known = ctx.plugins.checkers
            if name not in known:
                tail = suggest(name, known, f"; known are {among(known)}")
                ctx.fault(entry, f"no checker {shown(name)}{tail}")
                continue
            level, settings = self.one(name, entry.node, ctx)
            read[name] = CheckDecl(name, level, settings, entry.line, entry.column)
        return read

    def one(self, name: str, node: Node, ctx: Context) -> tuple[Any, dict[str, Any]]:
        """Level and settings of one checker."""
        what = f'the level of "{name}"'
        if type(node.value) is not dict:
            return LEVEL.read(node, ctx, what), {}
        own = SETTINGS.get(name, {})
        known = ("level", *own) if name in CHECKERS else ("level", *node.value)
        check_keys(node, node.value, known, ["level"], ctx, f'check "{name}"')
        level: Any = None
        settings = {}
        for key, entry in node.value.items():
            if key == "level":
                level = LEVEL.read(entry.node, ctx, what)
            elif key in known:
                settings[key] = own.get(key, Data()).read(entry.node, ctx, f'"{key}"')
        return level, settings

    def _schema(self) -> Schema:
        item = {
            "anyOf": [
                LEVEL.schema(),
                {
                    "type": "object",
                    "properties": {"level": LEVEL.schema()},
                    "required": ["level"],
                },
            ]
        }
        checkers = {name: {"description": doc, **item} for name, doc in CHECKERS.items()}
        return {"type": "object", "properties": checkers, "additionalProperties": False}


class Thresholds(Shape):
    """`thresholds`: a list of comparisons such as "p(95) < 5ms" for each metric."""

    def _take(self, node: Node, ctx: Context, what: str) -> dict[str, tuple[str, ...]]:
        if type(node.value) is not dict:
            ctx.fault(
                node,
                f"{what} is a mapping of metrics to lists of comparisons, not {shown(node.value)}",
            )
            return {}
        read = {}
        for metric, entry in node.value.items():
            self.metric(metric, entry, ctx)
            items = entry.node.value if type(entry.node.value) is list else [entry.node]
            texts = [Text().read(item, ctx, f"a comparison of {shown(metric)}") for item in items]
            for item, text in zip(items, texts, strict=True):
                self.comparison(text, item, ctx)
            read[metric] = tuple(text for text in texts if text is not None)
        return read

    def metric(self, metric: str, entry: Entry, ctx: Context) -> None:
        """A metric is a fact of the run, a worker or a resource: locks.guard.wait."""
        parts = metric.split(".")
        roots = ["run", "workers", *SECTIONS]
        if parts[0] not in roots or len(parts) != (2 if parts[0] == "run" else 3):
            tail = suggest(parts[0], roots) if parts[0] not in roots else ""
            ctx.fault(
                entry,
                f"metric {shown(metric)} is none such as run.duration, "
                f"workers.NAME.duration, locks.NAME.wait{tail}",
            )
        elif parts[0] == "workers" and parts[1] not in ctx.workers:
            ctx.fault(entry, f"no worker {shown(parts[1])}{suggest(parts[1], ctx.workers)}")
        elif parts[0] in SECTIONS and ctx.resources.get(parts[1]) != parts[0]:
            tail = suggest(parts[1], resources_of(ctx, [parts[0]]))
            ctx.fault(entry, f"no {SECTIONS[parts[0]]} {shown(parts[1])}{tail}")

    def comparison(self, text: str | None, node: Node, ctx: Context) -> None:
        """A comparison such as p(95) < 5ms."""
        if text is None:
            return
        match = _COMPARISON.fullmatch(text) if len(text) < 100 else None
        if match is None or float(match["percent"] or 0) > 100:
            ctx.fault(
                node,
                f'{shown(text)} is no comparison such as "p(95) < 5ms" or "max < 1s"; '
                "p(N), avg, min, max, med, count, rate or value against a number",
            )

    def _schema(self) -> Schema:
        return {
            "type": "object",
            "additionalProperties": {
                "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]
            },
        }


class Schedules(Shape):
    """`schedules`: recorded orders of steps, kept as they stand."""

    def _take(self, node: Node, ctx: Context, what: str) -> dict[str, Any]:
        if type(node.value) is not dict:
            ctx.fault(node, f"{what} is a mapping of names to schedules, not {shown(node.value)}")
            return {}
        for entry in node.value.values():
            if type(entry.node.value) not in (str, list, dict):
                ctx.fault(
                    entry.node,
                    f"schedule {shown(entry.key)} is a recorded order of steps: names, as a list "
                    f'or as "writer x3, reader x1", not {shown(entry.node.value)}',
                )
        kept: dict[str, Any] = data(node)
        return kept

    def _schema(self) -> Schema:
        return {"type": "object", "additionalProperties": {"type": ["string", "array", "object"]}}


class Secrets(Shape):
    """`secrets`: texts that appear nowhere; an environment variable that is not set is none."""

    def _read(self, node: Node, ctx: Context, what: str) -> tuple[str, ...]:
        if type(node.value) is not list:
            ctx.fault(node, f"{what} is a list of texts, not {shown(node.value)}")
            return ()
        found: list[str] = []
        room, lines = MOST_SECRET, MOST_LINES
        for item in node.value:
            text = self.one(item, ctx)
            if text:
                room, lines = room - len(text), lines - max(1, len(text.splitlines()))
                if room < 0 or lines < 0:
                    most = f"{MOST_SECRET:,} characters in {MOST_LINES} lines"
                    ctx.faults.alone(
                        item.line, item.column, f"secrets have at most {most} together"
                    )
                found.append(text)
        ctx.faults.secrets += found
        return tuple(found)

    def one(self, item: Node, ctx: Context) -> str | None:
        """One text, or None where there is nothing to hide."""
        if type(item.value) in (dict, list) or item.value is None:
            ctx.fault(item, f"a secret is text, not {shown(item.value)}")
            return None
        if type(item.value) is not str or "${" not in item.value:
            return item.raw
        expression = ctx.template(item, reads=False)
        if expression is None:
            return None
        named = [path[1] for path, _ in expression.paths if path[0] == "env" and len(path) == 2]
        if any(name not in ctx.environment for name in named):
            return None
        filled = ctx.fill(item, "a secret", environment=True)
        return None if filled is None else str(data(filled))

    def _schema(self) -> Schema:
        return {"type": "array", "items": {"type": ["string", "number", "boolean"]}}

    _filled = _schema


def remember_secrets(root: Node, ctx: Context) -> None:
    """Know the secrets where the check of a file ends before it comes to them.

    As far as its vars are known: what was not computed is told by no message. Where they cannot be
    known, that is the only fault that is told.
    """
    entry = root.value.get("secrets") if type(root.value) is dict else None
    if entry is None:
        return
    apart = ctx.apart()
    with suppress(Enough):
        Secrets().read(entry.node, apart, '"secrets"')
        ctx.faults.secrets += apart.faults.secrets
        return
    ctx.faults.found = apart.faults.found
