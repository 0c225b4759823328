"""The instructions that only concern the worker itself: variables, branches, loops, ways out."""

from __future__ import annotations

from typing import Any

from scenarios.errors import ScenariosError
from scenarios.expressions import plain
from scenarios.program.frame import (
    BREAKS,
    CAUGHT,
    CONTINUES,
    EXCEPT,
    FALLS,
    FINALLY,
    HANDLER,
    LOOP,
    RETURNS,
    RUNS_AWAY,
    End,
    Frame,
    caught_no_more,
    unwind,
    value_of,
)
from scenarios.program.instructions import (
    BRANCH,
    BREAK,
    CONTINUE,
    COUNT_ROUND,
    END_FINALLY,
    ENTER_EXCEPT,
    ENTER_FINALLY,
    ENTER_LOOP,
    FAIL,
    FALL_INTO,
    JUMP,
    LEAVE,
    NEXT_ITEM,
    RETURN,
    SCALARS,
    SET,
)

ROUNDS = 100_000
"""Rounds of a loop without a scheduling point before the worker fails (format.md, "Steps")."""


def _jump(frame: Frame, instruction: tuple[Any, ...]) -> None:
    frame.pc = instruction[1]


def _branch(frame: Frame, instruction: tuple[Any, ...]) -> None:
    if not value_of(frame, instruction[1]):
        frame.pc = instruction[2]


def _set(frame: Frame, instruction: tuple[Any, ...]) -> None:
    for target, expression in instruction[1]:
        value = value_of(frame, expression)
        if value.__class__ not in SCALARS:
            value = plain(value)
        if target.__class__ is str:
            frame.names[target] = value
        else:
            frame.names["local"][target[0]][target[1]] = value


def _enter_loop(frame: Frame, instruction: tuple[Any, ...]) -> None:
    _, kind, expression, next_, end, _line = instruction
    items: Any = None
    if kind == "for_each":
        items = value_of(frame, expression)
        if isinstance(items, str | int | float | bool) or items is None:
            raise ScenariosError(f"for_each needs a list or a mapping, not {items!r}")
        if items.__class__ not in (list, dict, tuple, range):
            items = plain(items)  # a set is sorted, and what is not plain is refused
        items = list(items)
    elif kind == "repeat":
        items = value_of(frame, expression)
        if isinstance(items, bool) or not isinstance(items, int) or items < 0:
            raise ScenariosError(f"repeat needs a number of rounds from 0, not {items!r}")
    frame.blocks.append([LOOP, next_, end, items, 0])


def _next_item(frame: Frame, instruction: tuple[Any, ...]) -> None:
    block = frame.blocks[-1]
    items, index = block[3], block[4]
    if items.__class__ is list:
        if index >= len(items):
            frame.blocks.pop()
            return
        if instruction[1] is not None:
            item = items[index]
            frame.names[instruction[1]] = item if item.__class__ in SCALARS else plain(item)
    elif items is not None and index >= items:
        frame.blocks.pop()
        return
    if items is not None:  # a `forever` counts nothing: who polls comes back to the same state
        block[4] = index + 1
    frame.pc = instruction[2]
    frame.rounds += 1
    if frame.rounds > ROUNDS:
        _count_round(frame, instruction)


def _count_round(frame: Frame, instruction: tuple[Any, ...]) -> None:
    frame.rounds += 1
    if frame.rounds > ROUNDS:
        frame.rounds = 0  # the clean-up has as many again
        text = f"the loop made {ROUNDS} rounds without a scheduling point; add a sleep or a wait"
        unwind(frame, End(RUNS_AWAY, text, instruction[-1]))


def _enter_block(kind: int) -> Any:
    def enter(frame: Frame, instruction: tuple[Any, ...]) -> None:
        frame.blocks.append([kind, instruction[1]])

    return enter


def _leave(frame: Frame, instruction: tuple[Any, ...]) -> None:
    block = frame.blocks.pop()
    if block[0] == CAUGHT:
        caught_no_more(frame, block)


def _fall_into(frame: Frame, instruction: tuple[Any, ...]) -> None:
    """The normal way into a `finally`: its block is left, and nothing is pending."""
    frame.blocks[-1] = [HANDLER]
    frame.pending.append(End(FALLS))


def _end_finally(frame: Frame, instruction: tuple[Any, ...]) -> None:
    frame.blocks.pop()
    pending = frame.pending.pop()
    if pending.why != FALLS:
        unwind(frame, pending)


def _fail(frame: Frame, instruction: tuple[Any, ...]) -> None:
    raise ScenariosError(str(value_of(frame, instruction[1])))


def _return(frame: Frame, instruction: tuple[Any, ...]) -> None:
    value = value_of(frame, instruction[1])
    unwind(frame, End(RETURNS, value if value.__class__ in SCALARS else plain(value)))


def _break(frame: Frame, instruction: tuple[Any, ...]) -> None:
    unwind(frame, End(BREAKS))


def _continue(frame: Frame, instruction: tuple[Any, ...]) -> None:
    unwind(frame, End(CONTINUES))


LOCAL: dict[int, Any] = {
    JUMP: _jump,
    BRANCH: _branch,
    SET: _set,
    ENTER_LOOP: _enter_loop,
    NEXT_ITEM: _next_item,
    COUNT_ROUND: _count_round,
    ENTER_EXCEPT: _enter_block(EXCEPT),
    ENTER_FINALLY: _enter_block(FINALLY),
    LEAVE: _leave,
    FALL_INTO: _fall_into,
    END_FINALLY: _end_finally,
    FAIL: _fail,
    RETURN: _return,
    BREAK: _break,
    CONTINUE: _continue,
}
