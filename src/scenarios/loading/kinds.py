"""The table of step kinds: every kind with its keys, what they mean and what they may hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from scenarios.loading.context import Context
from scenarios.loading.late import (
    Bare,
    Count,
    Items,
    Later,
    Message,
    Resource,
    Value,
    Variable,
    Words,
)
from scenarios.loading.nodes import Node, start
from scenarios.loading.scalars import Bool, Choice, Duration
from scenarios.loading.shapes import Either, Key, Record
from scenarios.loading.step_values import Arguments, Assignments, Nothing, NotifyCount, Target
from scenarios.loading.steps import Kind, Steps

SECONDS: Final = Later(Duration())
GUARDS: Final = ("locks", "semaphores", "conditions")
LEVELS: Final = ("debug", "info", "warning", "error", "critical")


def _finish_sleep(fields: dict[str, Any], node: Node, ctx: Context) -> None:
    """`sleep: {min, max}` gives both and no single value."""
    bounds = fields["sleep"]
    fields["min"] = fields["max"] = None
    if isinstance(bounds, Mapping):
        fields.update(sleep=None, min=bounds["min"], max=bounds["max"])
        low, high = bounds["min"], bounds["max"]
        if isinstance(low, float) and isinstance(high, float) and low > high:
            place = node.value["sleep"].node
            ctx.fault(start(place), "min of sleep is longer than its max")


INTO: Final = Key("into", Variable(), "The worker variable that takes what comes back.")
TIMEOUT: Final = Key("timeout", SECONDS, "How long to wait at most; then the step fails.")
BLOCK: Final = Key("block", Bool(), "false: fail at once where the step would have to wait.")
OTHERWISE: Final = Key(
    "otherwise", Steps(), "Steps to take where it cannot be done in time, in place of failing."
)
WAITS: Final = (TIMEOUT, BLOCK, OTHERWISE)
BODY: Final = Key("steps", Steps(loop=True), "The steps of each round.", required=True)
ARGS: Final = Key("args", Arguments(list, "a list"), "Positional arguments, in order.")
KWARGS: Final = Key("kwargs", Arguments(dict, "a mapping"), "Keyword arguments.")

SLEEP: Final = Either(
    scalar=SECONDS,
    mapping=Record(
        Key("min", SECONDS, "The shortest time.", required=True),
        Key("max", SECONDS, "The longest time.", required=True),
    ),
)


_TABLE: Final = (
    Kind(
        "put",
        "Put an item into a queue; where the queue is full, wait until it has room.",
        Resource("queues"),
        Key("value", Value(), "The item: plain data, copied.", required=True),
        *WAITS,
    ),
    Kind(
        "get",
        "Take an item from a queue; where the queue is empty, wait for one.",
        Resource("queues"),
        INTO,
        *WAITS,
    ),
    Kind(
        "task_done",
        "Say that an item taken from a queue has been dealt with; with `ack: task_done` this "
        "acknowledges the item taken last.",
        Resource("queues"),
    ),
    Kind(
        "join",
        "Wait until every item that was put into a queue has been dealt with.",
        Resource("queues"),
        TIMEOUT,
    ),
    Kind("size", "The approximate length of a queue.", Resource("queues"), INTO),
    Kind(
        "acquire",
        "Take a lock, a permit of a semaphore, or the lock of a condition.",
        Resource(*GUARDS),
        *WAITS,
    ),
    Kind(
        "release",
        "Give back a lock, a permit of a semaphore, or the lock of a condition.",
        Resource(*GUARDS),
    ),
    Kind(
        "with",
        "Acquire, run the steps, and release however they end.",
        Resource(*GUARDS),
        Key("steps", Steps(), "The steps while it is held.", required=True),
    ),
    Kind(
        "wait",
        "Wait for a flag to be set, a condition to be notified or a barrier to be full.",
        Resource("flags", "conditions", "barriers"),
        TIMEOUT,
        OTHERWISE,
    ),
    Kind(
        "notify",
        "Wake waiters of a condition whose lock is held, the one that waits longest first.",
        Resource("conditions"),
        Key("count", Later(NotifyCount()), "How many to wake: 1 (default), a number, or all."),
    ),
    Kind("set_flag", "Set a flag: whoever waits for it goes on.", Resource("flags")),
    Kind("clear_flag", "Clear a flag.", Resource("flags")),
    Kind("read", "Read a shared value.", Resource("values"), INTO),
    Kind(
        "write",
        "Write a shared value.",
        Resource("values"),
        Key("value", Value(), "What to write: plain data, copied.", required=True),
    ),
    Kind(
        "update",
        "Read and write a shared value in one atomic step.",
        Resource("values"),
        Key("to", Bare(("old",)), "An expression; `old` is the value before.", required=True),
        Key("into", Variable(), "The worker variable that takes the value before."),
    ),
    Kind(
        "set",
        "Set worker variables, or attributes of thread-locals as local.NAME.attribute.",
        Assignments(),
    ),
    Kind(
        "sleep",
        "Sleep for a duration, or for one that is drawn between `min` and `max`.",
        SLEEP,
        finish=_finish_sleep,
    ),
    Kind(
        "log",
        "One line for people and one event in the log; further keys are fields of the event.",
        Message(),
        Key("level", Choice(*LEVELS), f"One of {', '.join(LEVELS)}.", "info"),
        fields=True,
    ),
    Kind(
        "call",
        'Call Python: "module:function", or a method of a thread-local as local.NAME.method.',
        Target(),
        ARGS,
        KWARGS,
        INTO,
        Key("pure", Bool(), "true: the call changes nothing, so that it can be explored."),
    ),
    Kind(
        "run",
        "Run a command and wait for it; `into` gets exit_code, stdout and stderr.",
        Words(),
        Key("stdin", Message(), "Text for its standard input."),
        INTO,
        TIMEOUT,
        OTHERWISE,
    ),
    Kind(
        "for_each",
        "Run the steps for each item of a list, or for each key of a mapping.",
        Items(),
        Key("as", Variable(), "The worker variable that holds the item."),
        BODY,
    ),
    Kind("repeat", "Run the steps so many times.", Count(), BODY),
    Kind("forever", "Run the steps until the worker is stopped or breaks out.", Nothing(), BODY),
    Kind("while", "Run the steps as long as the expression holds.", Bare(), BODY),
    Kind(
        "if",
        "Run the steps where the expression holds.",
        Bare(),
        Key("steps", Steps(), "The steps where it holds.", required=True),
        Key("else", Steps(), "The steps where it does not hold."),
    ),
    Kind(
        "try",
        "Run the steps; go on where one of them fails.",
        Steps(),
        Key("except", Steps(error=True), "Steps after a failure; `error` is its text."),
        Key("finally", Steps(), "Steps that run however the others end."),
    ),
    Kind("break", "Leave the innermost loop.", Nothing(), in_loop=True),
    Kind("continue", "Go on with the next round of the innermost loop.", Nothing(), in_loop=True),
    Kind(
        "assert",
        "Fail the worker where the expression does not hold.",
        Bare(),
        Key("message", Message(), "What to say then."),
    ),
    Kind("fail", "Fail the worker with a message.", Message()),
    Kind("return", "End the worker; the value is its result.", Value()),
)
KINDS: Final = {kind.name: kind for kind in _TABLE}
