"""Workers: the table of their keys, and the rules that hold between the keys of one worker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from scenarios.loading.abilities import (
    TASKS,
    Swaps,
    chosen,
    installed,
    options_of,
    refusals,
    swapped,
)
from scenarios.loading.context import Context
from scenarios.loading.expectations import Expectations
from scenarios.loading.mistakes import shown
from scenarios.loading.names import Scope, check_uses, worker_name
from scenarios.loading.nodes import Entry, Node, start
from scenarios.loading.scalars import CALLABLE, Bool, Choice, Duration, Text, Whole
from scenarios.loading.shapes import Key, Record, Schema, Shape
from scenarios.loading.starting import (
    COMMAND,
    CWD,
    ENV,
    READY,
    STDIN,
    WORKER_ARGS,
    WORKER_KWARGS,
    DependsOn,
    Jobs,
    Output,
)
from scenarios.loading.steps import Steps
from scenarios.loading.suspects import check_suspects
from scenarios.loading.targets import check_options
from scenarios.scenario import Restart, Stop, Worker

MOST_REPLICAS: Final = 10_000  # a slip of the keyboard beyond; each is a process or a thread

STOP: Final = Record(
    Key(
        "action",
        Choice("drain", "terminate"),
        "drain: when nothing is left to do; terminate: at once.",
        "drain",
    ),
    Key("grace", Duration(), "How long to wait after terminate before force.", 5.0),
)
RESTART: Final = Record(
    Key("policy", Choice("never", "on-failure", "always"), "When to start it again.", "never"),
    Key("max", Whole(0), "How often at most.", 3),
    Key("backoff", Duration(), "How long to wait before each restart.", 1.0),
)
REPLICAS: Final = Whole(1, MOST_REPLICAS)


class Options(Shape):
    """`options`: read later, when the executor is known."""

    def _read(self, node: Node, ctx: Context, what: str) -> None:
        return None

    def _schema(self) -> Schema:
        return {"type": ["object", "null"]}


TABLE: Final = Record(
    Key("description", Text(), "What this worker is for."),
    Key("executor", Text(), "What runs it: process, thread, pool, inline, subprocess or a plugin."),
    Key("options", Options(), "The executor's own settings."),
    Key("replicas", REPLICAS, "Number of copies: name.0, name.1, ..."),
    Key("jobs", Jobs(), "Submissions to a pool: a number, or one for each item of a list."),
    Key(
        "depends_on",
        DependsOn(),
        "Workers that come first: a list (completed), or a mapping "
        "name: {condition: started, ready, completed or succeeded}.",
    ),
    Key("background", Bool(), "true: the run does not wait for it.", False),
    Key("stop", STOP, "How a background worker ends."),
    Key("restart", RESTART, "Whether it starts again after its end."),
    Key("ready", READY, "When it counts as ready."),
    Key("timeout", Duration(positive=True), "How long each attempt may take, from its start."),
    Key("env", ENV, "Environment variables, added to what is inherited.", {}),
    Key("cwd", CWD, "Its working folder, relative to the file."),
    Key("steps", Steps(), "What it does, step by step."),
    Key("call", CALLABLE, 'The Python callable that it is: "module:function".'),
    Key("args", WORKER_ARGS, "Positional arguments of the call."),
    Key("kwargs", WORKER_KWARGS, "Keyword arguments of the call."),
    Key("command", COMMAND, "The command that it is: a list of words, no shell."),
    Key("stdin", STDIN, "Standard input of the command: text, or {from: queue}."),
    Key(
        "stdout",
        Output(),
        "Where standard output goes: capture, inherit, discard or {to: queue}.",
        "capture",
    ),
    Key("stderr", Output(), "Where standard error goes, as stdout.", "capture"),
    Key("expect", Expectations(), "Expectations about this worker; its facts need no prefix.", ()),
    empty=False,
)
_BELONGS: Final = {
    **dict.fromkeys(("args", "kwargs"), "call"),
    **dict.fromkeys(("stdin", "stdout", "stderr"), "command"),
}


def read_worker(entry: Entry, top: Node | None, swaps: Swaps, ctx: Context) -> Worker | None:
    """One worker; None where too little of it is right to go on."""
    name, node = entry.key, entry.node
    what = f'worker "{name}"'
    worker_name(entry, ctx, "worker")
    entries: dict[str, Entry] = node.value
    if type(entries) is not dict:
        ctx.fault(node, f"{what} is a mapping with steps, call or command, not {shown(node.value)}")
        return None
    ctx.scope = scope = Scope(name, jobs="jobs" in entries)
    if "replicas" in entries:
        scope.replicas = _copies(entries["replicas"].node, ctx)
    values = TABLE.take(node, ctx, what) or {}
    _keys_together(name, node, entries, ctx)
    executor, options = _executor(name, node, entries, top, swaps, ctx)
    check_uses(scope, ctx)
    check_suspects(scope, ctx)
    ctx.scope = None
    values["stop"] = Stop(**values["stop"]) if values["stop"] else Stop()
    values["restart"] = Restart(**values["restart"]) if values["restart"] else Restart()
    depends = values.pop("depends_on") or {}
    ctx.dependencies[name] = depends
    values.update(executor=executor, options=options)
    return Worker(
        name=name,
        depends_on={other: condition for other, (_, condition) in depends.items()},
        line=entry.line,
        column=entry.column,
        **values,
    )


def _copies(node: Node, ctx: Context) -> int:
    """The number of copies of a worker, one after a fault."""
    copies: int = REPLICAS.read(node, ctx, '"replicas"') or 1
    ctx.copies += copies
    if ctx.copies > MOST_REPLICAS >= ctx.copies - copies:
        ctx.fault(node, f"the workers of a file have at most {MOST_REPLICAS:,} replicas together")
    return copies if ctx.copies <= MOST_REPLICAS else 1


def _keys_together(name: str, node: Node, entries: Mapping[str, Entry], ctx: Context) -> None:
    """Exactly one of steps, call and command; what belongs to one of them; replicas or jobs."""
    kinds = [key for key in entries if key in TASKS]
    if not kinds:
        ctx.fault(start(node), f'worker "{name}" needs one of steps, call and command')
    for second in kinds[1:]:
        said = f'has both "{kinds[0]}" and "{second}"'
        ctx.fault(entries[second], f'worker "{name}" {said}; one of steps, call and command')
    for key, owner in _BELONGS.items():
        if key in entries and owner not in entries:
            ctx.fault(entries[key], f'"{key}" belongs to "{owner}", which worker "{name}" lacks')
    both = [key for key in entries if key in ("replicas", "jobs")]
    if len(both) == 2:
        ctx.fault(
            entries[both[1]], f'worker "{name}" has both "{both[0]}" and "{both[1]}"; one of them'
        )


def _executor(
    name: str,
    node: Node,
    entries: Mapping[str, Entry],
    top: Node | None,
    swaps: Swaps,
    ctx: Context,
) -> tuple[str, dict[str, Any]]:
    """The executor of a worker and its options, and that it can do what the worker asks."""
    own, place = chosen(entries, top, ctx)
    other = swapped(name, own, entries, swaps, ctx)
    if other is not None:
        return other, {}
    if own is None:
        if place is None:
            known = ", ".join(ctx.plugins.executors)
            ctx.fault(
                start(node),
                f'worker "{name}" needs an "executor", here or at the top of the file: {known}',
            )
        return "", {}
    spec = installed(own, place or start(node), ctx)
    if spec is None:
        return own, {}
    options = options_of(name, spec, entries, ctx)
    if "options" in entries:
        check_options(own, spec.factory, entries["options"], ctx)
    for where, message in refusals(name, entries, spec, spec.capabilities_for(options)):
        ctx.fault(where, message)
    return own, options
