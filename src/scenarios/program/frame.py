"""Where a worker is in its program, and how it leaves the blocks that it is in."""

from __future__ import annotations

from typing import Any, NamedTuple

from scenarios.expressions import Expression
from scenarios.program.instructions import Operation, Program

# what a block on the frame's stack is
LOOP, EXCEPT, FINALLY, HANDLER, CAUGHT = range(5)

# why a worker leaves a block
FALLS, FAILS, RETURNS = "falls", "fails", "returns"
BREAKS, CONTINUES, STOPS = "breaks", "continues", "stops"
RUNS_AWAY = "runs away"  # a loop without a scheduling point: no `except` may go on with it


class End(NamedTuple):
    """How a program ended: `why` is FALLS, RETURNS, FAILS or STOPS."""

    why: str
    value: Any = None
    line: int = 0
    traceback: str = ""


class Frame:
    """Where a worker is in its program. `argument` and `timeout` belong to the last operation."""

    __slots__ = (
        "argument",
        "blocks",
        "end",
        "instructions",
        "names",
        "pc",
        "pending",
        "reads",
        "rounds",
        "timeout",
        "waiting",
    )

    def __init__(self, program: Program, names: dict[str, Any]) -> None:
        self.instructions = program.instructions
        self.names = names
        self.pc = 0
        self.blocks: list[list[Any]] = []
        self.pending: list[End] = []
        self.reads: list[Any] = []
        self.rounds = 0
        self.argument: Any = None
        self.timeout: float | None = None
        self.waiting: Operation | None = None
        self.end: End | None = None


def value_of(frame: Frame, expression: Expression) -> Any:
    """The value of an expression, with what was read for it."""
    count = len(expression.reads)
    if not count:
        return expression.evaluate(frame.names)
    taken = frame.reads[:count]
    del frame.reads[:count]
    return expression.evaluate(frame.names, taken)


def unwind(frame: Frame, end: End) -> None:
    """Leave blocks until one takes this end: a loop, an except or a finally."""
    frame.reads.clear()
    while frame.blocks:
        block = frame.blocks.pop()
        kind = block[0]
        if kind == HANDLER:
            pending = frame.pending.pop()
            if pending.why in (STOPS, RUNS_AWAY):
                end = pending  # however the clean-up ends, it does not call this off
        elif kind == FINALLY:
            frame.blocks.append([HANDLER])
            frame.pending.append(end)
            frame.pc = block[1]
            return
        elif kind == CAUGHT:
            caught_no_more(frame, block)
        elif kind == EXCEPT and end.why == FAILS:
            inside = any(outer[0] == CAUGHT for outer in frame.blocks)
            frame.blocks.append([CAUGHT, frame.names.get("error") if inside else None])
            frame.names["error"] = end.value
            frame.pc = block[1]
            return
        elif kind == LOOP and end.why == BREAKS:
            frame.pc = block[2]
            return
        elif kind == LOOP and end.why == CONTINUES:
            frame.blocks.append(block)
            frame.pc = block[1]
            return
    frame.end = end._replace(why=FAILS) if end.why == RUNS_AWAY else end


def caught_no_more(frame: Frame, block: list[Any]) -> None:
    """An `except` is left: around it the failure is again that of the `except` it stands in."""
    if block[1] is not None:
        frame.names["error"] = block[1]
