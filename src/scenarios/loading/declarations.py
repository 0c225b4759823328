"""The sections that declare resources: their keys, their names, and what they refer to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from scenarios.loading.context import SECTIONS, Context
from scenarios.loading.kinds import ARGS, KWARGS
from scenarios.loading.late import Value
from scenarios.loading.mistakes import shown, suggest
from scenarios.loading.names import Scope, check_uses, resource_name, resources_of
from scenarios.loading.nodes import Entry, Node
from scenarios.loading.scalars import CALLABLE, Bool, Choice, Data, Pattern, Text, Whole
from scenarios.loading.shapes import Key, Record, Schema, Shape
from scenarios.scenario import (
    BarrierDecl,
    ConditionDecl,
    FlagDecl,
    LocalDecl,
    LockDecl,
    QueueDecl,
    SemaphoreDecl,
    ValueDecl,
)


class Initial(Shape):
    """A shared value: what it holds first, or `{init: value}`."""

    def _read(self, node: Node, ctx: Context, what: str) -> dict[str, Any]:
        value = node.value
        if type(value) is dict and list(value) == ["init"]:
            node = value["init"].node
        return {"init": Data().read(node, ctx, what)}

    def _schema(self) -> Schema:
        return {"description": "The initial value, or {init: value}."}

    _filled = _schema


class Local(Shape):
    """A thread-local: attributes with first values, or an object made by a call."""

    made = Record(
        Key("call", CALLABLE, 'What makes the object: "module:function".', required=True),
        ARGS,
        KWARGS,
        Key(
            "close",
            Pattern(r"[^\W\d_]\w*", "the name of a method"),
            "Called in the same thread when it ends.",
        ),
        empty=False,
    )

    def _read(self, node: Node, ctx: Context, what: str) -> dict[str, Any] | None:
        if node.value is not None and type(node.value) is not dict:
            ctx.fault(
                node,
                f"{what} is a mapping of attributes, or one with call, not {shown(node.value)}",
            )
            return None
        ctx.scope = scope = Scope(what, where="local")
        value: dict[str, Any] | None
        if node.value and "call" in node.value:
            value = self.made.take(node, ctx, what)
        else:
            for entry in (node.value or {}).values():
                resource_name(entry, ctx, "attribute")
            fields = Node(node.value or {}, node.line, node.column)
            value = {"attributes": Value().read(fields, ctx, what)}
        check_uses(scope, ctx)
        ctx.scope = None
        return value

    def _schema(self) -> Schema:
        attributes = {
            "type": ["object", "null"],
            "description": "Attributes with their first values, as in threading.local.",
            "not": {"required": ["call"]},
        }
        made = {"description": "One object for each thread at first use.", **self.made.schema()}
        return {"anyOf": [attributes, made]}


@dataclass(frozen=True, slots=True)
class Section:
    """One section of the file: the shape of its entries and the class that they become."""

    shape: Shape
    make: Any
    doc: str


TABLE: Final[Mapping[str, Section]] = {
    "queues": Section(
        Record(
            Key(
                "kind",
                Choice("fifo", "lifo", "priority"),
                "Order in which items leave; priority: smallest first.",
                "fifo",
            ),
            Key("maxsize", Whole(0), "How many items fit; 0: no bound.", 0),
            Key(
                "ack",
                Choice("get", "task_done", "none"),
                "When an item counts as taken: at get, "
                "at task_done (at least once), or at once (none: fastest, a killed worker loses "
                "what it held).",
                "get",
            ),
            Key("sync", Bool(), "true: every put waits until the queue has it.", False),
        ),
        QueueDecl,
        "Queues, as queue.Queue, LifoQueue and PriorityQueue.",
    ),
    "locks": Section(
        Record(
            Key("kind", Choice("lock", "rlock"), "rlock: its holder may take it again.", "lock"),
            Key(
                "on_owner_death",
                Choice("release", "fail"),
                "What the next one meets when the holder died: a released lock, or a failure.",
                "release",
            ),
        ),
        LockDecl,
        "Locks, as threading.Lock and RLock.",
    ),
    "semaphores": Section(
        Record(
            Key("permits", Whole(0), "Permits at the start; 0: a signal.", 1),
            Key("bounded", Bool(), "true: a release beyond that number fails.", True),
        ),
        SemaphoreDecl,
        "Semaphores, as threading.BoundedSemaphore.",
    ),
    "conditions": Section(
        Record(Key("lock", Text(), "The lock to use; absent: one of its own.")),
        ConditionDecl,
        "Conditions, as threading.Condition.",
    ),
    "barriers": Section(
        Record(Key("parties", Whole(1), "How many workers meet.", required=True)),
        BarrierDecl,
        "Barriers, as threading.Barrier.",
    ),
    "flags": Section(
        Record(Key("set", Bool(), "true: set at the start.", False)),
        FlagDecl,
        "Flags, as threading.Event.",
    ),
    "values": Section(Initial(), ValueDecl, "Shared variables, with no protection of their own."),
    "locals": Section(
        Local(), LocalDecl, "Thread-locals: attributes, or one object for each thread."
    ),
}


def read_resources(root: Mapping[str, Entry], ctx: Context) -> dict[str, dict[str, Any]]:
    """Every section's declarations by name; their names are known to the context afterwards."""
    _collect_names(root, ctx)
    read: dict[str, dict[str, Any]] = {name: {} for name in TABLE}
    for name, section in TABLE.items():
        for entry in _entries(root, name):
            if ctx.resources.get(entry.key) == name:
                what = f'{SECTIONS[name]} "{entry.key}"'
                values = section.shape.read(entry.node, ctx, what)
                if values is not None:
                    place = {"line": entry.line, "column": entry.column}
                    read[name][entry.key] = section.make(name=entry.key, **place, **values)
    _check_conditions(root, read["conditions"], ctx)
    return read


def _entries(root: Mapping[str, Entry], section: str) -> list[Entry]:
    entry = root.get(section)
    return list(entry.node.value.values()) if entry and type(entry.node.value) is dict else []


def _collect_names(root: Mapping[str, Entry], ctx: Context) -> None:
    """Names of all sections, in the order of the file: the second of two equal ones is told."""
    first: dict[str, Entry] = {}
    for name, entry in root.items():
        if name not in TABLE:
            continue
        if entry.node.value is not None and type(entry.node.value) is not dict:
            what = f"a mapping of names to {name}"
            ctx.fault(entry.node, f'"{name}" is {what}, not {shown(entry.node.value)}')
        for declared in _entries(root, name):
            if not resource_name(declared, ctx, SECTIONS[name]):
                continue
            if declared.key in first:
                other, its = first[declared.key], SECTIONS[ctx.resources[declared.key]]
                ctx.fault(
                    declared,
                    f'{SECTIONS[name]} "{declared.key}" has the name of the {its} '
                    f"at line {other.line}; one name stands for one resource",
                )
                continue
            first[declared.key] = declared
            ctx.resources[declared.key] = name
            if name == "locals":
                ctx.locals[declared.key] = _attributes(declared.node)


def _attributes(node: Node) -> frozenset[str] | None:
    """The attributes of a thread-local; None where it is an object made by a call."""
    entries = node.value if type(node.value) is dict else {}
    return None if "call" in entries else frozenset(entries)


def _check_conditions(
    root: Mapping[str, Entry], conditions: Mapping[str, ConditionDecl], ctx: Context
) -> None:
    """A condition's lock is one of the locks."""
    for entry in _entries(root, "conditions"):
        condition = conditions.get(entry.key)
        if condition is None or condition.lock is None or type(entry.node.value) is not dict:
            continue
        its = ctx.resources.get(condition.lock)
        if its == "locks":
            continue
        node = entry.node.value["lock"].node
        if its is not None:
            ctx.fault(node, f'"{condition.lock}" is a {SECTIONS[its]}, not a lock')
            continue
        near = suggest(condition.lock, resources_of(ctx, ["locks"]), '; declare it under "locks"')
        ctx.fault(node, f'no lock "{condition.lock}"{near}')
