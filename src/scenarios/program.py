"""A worker's steps as instructions, and `advance`, which goes from one operation to the next.

`advance(frame, answer)` runs local instructions until the worker has to do something that others
can see, and gives that operation; whoever performs it (a thread, a process, an explorer) comes
back with the answer. Nothing here performs anything.
"""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from scenarios.answers import STOP, Failed, Refused
from scenarios.durations import LONGEST, seconds_of
from scenarios.errors import ScenariosError, Stopped
from scenarios.expressions import Expression, plain

(
    OPERATE,  # operation
    JUMP,  # to
    BRANCH,  # expression, to where it is false, line
    SET,  # ((target, expression), ...), line
    ENTER_LOOP,  # kind, expression | None, next, end, line
    NEXT_ITEM,  # variable | None, body, line
    COUNT_ROUND,  # line
    ENTER_EXCEPT,  # handler
    ENTER_FINALLY,  # handler
    LEAVE,  # -
    FALL_INTO,  # -
    END_FINALLY,  # -
    FAIL,  # expression, line
    RETURN,  # expression, line
    BREAK,  # line
    CONTINUE,  # line
) = range(16)

# what a block on the frame's stack is
LOOP, EXCEPT, FINALLY, HANDLER = range(4)

# why a worker leaves a block
FALLS, FAILS, RETURNS = "falls", "fails", "returns"
BREAKS, CONTINUES, STOPS = "breaks", "continues", "stops"

ROUNDS = 100_000
"""Rounds of a loop without a scheduling point before the worker fails (format.md, "Steps")."""

NOT_DONE = frozenset({"timeout", "would_block", "broken"})
"""Why an operation was refused where `otherwise` goes on: others may have broken a barrier."""

SCALARS = frozenset({int, str, float, bool, type(None)})


class Operation:
    """One declared operation: what is done, to what, and at which line.

    `name` is the step's word, `verb` what the resource's machine calls it. `section` is the
    resource's ("queues", ...) or "" for log, sleep, call and run. `value` makes the argument,
    `timeout` the seconds to wait (None: no limit; 0: do not block). `otherwise` is where to go
    on when it cannot be done in time; `into` the variable for the answer ("": a read for the
    expression that follows). `second` is what a kind of step needs besides: an update's `to`, a
    call's kwargs, a command's stdin, a log's fields. `detail` is fixed text: a call's target, a
    log's level.
    """

    __slots__ = (
        "column",
        "detail",
        "fixed",
        "into",
        "line",
        "name",
        "object",
        "otherwise",
        "second",
        "section",
        "timeout",
        "value",
        "verb",
    )

    def __init__(
        self,
        name: str,
        verb: str,
        section: str = "",
        object: str = "",
        *,
        line: int = 0,
        column: int = 0,
        value: Expression | None = None,
        timeout: Expression | float | None = None,
        into: str | None = None,
        second: Expression | None = None,
        detail: str = "",
    ) -> None:
        self.name = name
        self.verb = verb
        self.section = section
        self.object = object
        self.line = line
        self.column = column
        self.value = value
        self.timeout = timeout
        self.into = into
        self.second = second
        self.detail = detail
        self.otherwise: int | None = None
        # (argument, time-out) where both are known before it runs
        self.fixed: tuple[Any, float | None] | None = None
        if second is None and not isinstance(timeout, Expression):
            if value is None:
                self.fixed = None, timeout
            elif value.constant and value.value.__class__ in SCALARS and verb != "sleep":
                self.fixed = value.value, timeout

    def __repr__(self) -> str:
        return f"<{self.name} {self.object} line {self.line}>"

    def __getstate__(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self.__slots__)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        for name, value in zip(self.__slots__, state, strict=True):
            setattr(self, name, value)


class Program(NamedTuple):
    """The instructions of one worker; `variables` are the names that its steps set."""

    instructions: tuple[tuple[Any, ...], ...]
    variables: tuple[str, ...] = ()


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


def advance(frame: Frame, answer: Any = None) -> Operation | None:
    """The next operation, given the answer to the one before; None when the program has ended."""
    operation = frame.waiting
    if operation is not None:
        frame.waiting = None
        if answer is not True or operation.into is not None:
            if answer is STOP and _finishes_first(frame):
                frame.waiting = operation
                return operation
            _take_in(frame, operation, answer)
    elif answer is STOP:
        _unwind(frame, End(STOPS))
    instructions = frame.instructions
    while frame.end is None:
        instruction = instructions[frame.pc]
        frame.pc += 1
        try:
            if instruction[0] == OPERATE:
                operation = instruction[1]
                if operation.fixed:
                    frame.argument, frame.timeout = operation.fixed
                else:
                    _prepare(frame, operation)
                frame.waiting = operation
                if operation.verb != "log":  # all others are scheduling points
                    frame.rounds = 0
                return operation  # type: ignore[no-any-return]
            _LOCAL[instruction[0]](frame, instruction)
        except ScenariosError as error:
            _unwind(frame, End(FAILS, str(error), _line(instruction)))
        except Stopped:  # in code that makes a thread-local
            _unwind(frame, End(STOPS))
        except Exception as error:  # of the user's objects: whatever is held is still released
            text = f"{type(error).__name__}: {error}"
            _unwind(frame, End(FAILS, text, _line(instruction), traceback.format_exc()))
    return None


def _line(instruction: tuple[Any, ...]) -> int:
    """The line of an instruction; an operation knows its own."""
    line: int = instruction[1].line if instruction[0] == OPERATE else instruction[-1]
    return line


def _finishes_first(frame: Frame) -> bool:
    """Whether a stop came inside a `finally`, which goes on: the same operation begins again.

    That clean-up leads out as stopped, whatever led into it. A second stop there is a kill.
    """
    if not frame.pending or frame.pending[-1].why == STOPS:
        return False
    frame.pending[-1] = End(STOPS)
    return True


def _take_in(frame: Frame, operation: Operation, answer: Any) -> None:
    """Go on from the answer of an operation: store it, or leave by failure or stop."""
    kind = answer.__class__
    if kind is Refused:
        if operation.otherwise is not None and answer.reason in NOT_DONE:
            frame.pc = operation.otherwise
        else:
            _unwind(frame, End(FAILS, refusal(operation, answer, frame.timeout), operation.line))
    elif kind is Failed:
        _unwind(frame, End(FAILS, answer.text, operation.line, answer.traceback))
    elif answer is STOP:
        _unwind(frame, End(STOPS))
    elif operation.into is not None:
        if operation.into == "":
            frame.reads.append(answer)
        else:
            frame.names[operation.into] = answer


def refusal(operation: Operation, refused: Refused, timeout: float | None) -> str:
    """One sentence on why an operation was refused."""
    what = f"{operation.name} {operation.object}".rstrip()
    if refused.reason == "would_block":
        return f"{what} cannot be done without waiting"
    if refused.reason == "timeout":
        return f"{what} was not done within {timeout:g}s" if timeout else f"{what} would wait"
    return f"{what}: {refused.detail or refused.reason}"


def _value(frame: Frame, expression: Expression) -> Any:
    count = len(expression.reads)
    if not count:
        return expression.evaluate(frame.names)
    taken = frame.reads[:count]
    del frame.reads[:count]
    return expression.evaluate(frame.names, taken)


def _prepare(frame: Frame, operation: Operation) -> None:
    """Evaluate an operation's argument and time-out."""
    value = operation.value
    if value is None:
        frame.argument = None
    else:
        argument = _value(frame, value)
        if argument.__class__ not in SCALARS and operation.verb != "call":
            argument = plain(argument)
        frame.argument = argument
    if operation.second is not None:
        if operation.verb == "update":
            frame.argument = _updater(frame, operation.second)
        else:
            frame.argument = frame.argument, _value(frame, operation.second)
    if operation.verb in _FORMS:
        _FORMS[operation.verb](frame, operation)
    timeout = operation.timeout
    frame.timeout = _seconds(_value(frame, timeout)) if isinstance(timeout, Expression) else timeout


def _prepare_sleep(frame: Frame, operation: Operation) -> None:
    argument = frame.argument
    if isinstance(argument, tuple):
        frame.argument = _seconds(argument[0]), _seconds(argument[1])
    else:
        frame.argument = _seconds(argument)


def _check_call(frame: Frame, operation: Operation) -> None:
    args, kwargs = frame.argument
    if not isinstance(args, list | tuple):
        raise ScenariosError(f"args of a call are a list, not {args!r:.100}")
    if not isinstance(kwargs, Mapping):
        raise ScenariosError(f"kwargs of a call are a mapping, not {kwargs!r:.100}")


def _check_run(frame: Frame, operation: Operation) -> None:
    words = frame.argument if operation.second is None else frame.argument[0]
    if not isinstance(words, list) or not words:
        raise ScenariosError(f"a command is a list of words, not {words!r:.100}")
    for word in words:
        if word is None or isinstance(word, list | dict):
            raise ScenariosError(f"a word of a command is text, not {word!r:.100}")
    words = [_as_text(word) for word in words]
    frame.argument = words if operation.second is None else (words, _as_text(frame.argument[1]))


def _as_text(value: Any) -> str:
    """Text as it is, other data as JSON."""
    return value if isinstance(value, str) else json.dumps(plain(value), ensure_ascii=False)


_FORMS: dict[str, Callable[[Frame, Operation], None]] = {
    "sleep": _prepare_sleep,
    "call": _check_call,
    "run": _check_run,
}
"""What the argument of an operation must be like, known when it was evaluated."""


def _updater(frame: Frame, expression: Expression) -> Any:
    """old -> new, both plain data; may be called more than once."""
    names = frame.names
    taken = frame.reads[: len(expression.reads)]
    del frame.reads[: len(expression.reads)]

    def update(old: Any) -> Any:
        names["old"] = old
        new = expression.evaluate(names, taken)
        return new if new.__class__ in SCALARS else plain(new)

    return update


def _seconds(value: Any) -> float:
    seconds = seconds_of(value)
    if seconds is None or seconds > LONGEST:
        raise ScenariosError(f"{value!r} is no duration such as 250ms, 1.5s or a number of seconds")
    return seconds


# -- local instructions ------------------------------------------------------------------------


def _jump(frame: Frame, instruction: tuple[Any, ...]) -> None:
    frame.pc = instruction[1]


def _branch(frame: Frame, instruction: tuple[Any, ...]) -> None:
    if not _value(frame, instruction[1]):
        frame.pc = instruction[2]


def _set(frame: Frame, instruction: tuple[Any, ...]) -> None:
    for target, expression in instruction[1]:
        value = _value(frame, expression)
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
        items = _value(frame, expression)
        if isinstance(items, str | int | float | bool) or items is None:
            raise ScenariosError(f"for_each needs a list or a mapping, not {items!r}")
        if items.__class__ not in (list, dict, tuple, range):
            items = plain(items)  # a set is sorted, and what is not plain is refused
        items = list(items)
    elif kind == "repeat":
        items = _value(frame, expression)
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
    block[4] = index + 1
    frame.pc = instruction[2]
    frame.rounds += 1
    if frame.rounds > ROUNDS:
        _count_round(frame, instruction)


def _count_round(frame: Frame, instruction: tuple[Any, ...]) -> None:
    frame.rounds += 1
    if frame.rounds > ROUNDS:
        frame.rounds = 0
        raise ScenariosError(
            f"the loop made {ROUNDS} rounds without a scheduling point; add a sleep or a wait"
        )


def _enter_block(kind: int) -> Any:
    def enter(frame: Frame, instruction: tuple[Any, ...]) -> None:
        frame.blocks.append([kind, instruction[1]])

    return enter


def _leave(frame: Frame, instruction: tuple[Any, ...]) -> None:
    frame.blocks.pop()


def _fall_into(frame: Frame, instruction: tuple[Any, ...]) -> None:
    """The normal way into a `finally`: its block is left, and nothing is pending."""
    frame.blocks[-1] = [HANDLER]
    frame.pending.append(End(FALLS))


def _end_finally(frame: Frame, instruction: tuple[Any, ...]) -> None:
    frame.blocks.pop()
    pending = frame.pending.pop()
    if pending.why != FALLS:
        _unwind(frame, pending)


def _fail(frame: Frame, instruction: tuple[Any, ...]) -> None:
    raise ScenariosError(str(_value(frame, instruction[1])))


def _return(frame: Frame, instruction: tuple[Any, ...]) -> None:
    value = _value(frame, instruction[1])
    _unwind(frame, End(RETURNS, value if value.__class__ in SCALARS else plain(value)))


def _break(frame: Frame, instruction: tuple[Any, ...]) -> None:
    _unwind(frame, End(BREAKS))


def _continue(frame: Frame, instruction: tuple[Any, ...]) -> None:
    _unwind(frame, End(CONTINUES))


_LOCAL: dict[int, Any] = {
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


def _unwind(frame: Frame, end: End) -> None:
    """Leave blocks until one takes this end: a loop, an except or a finally."""
    frame.reads.clear()
    while frame.blocks:
        block = frame.blocks.pop()
        kind = block[0]
        if kind == HANDLER:
            if frame.pending.pop().why == STOPS:
                end = End(STOPS)  # a failure of the clean-up does not call a stop off
        elif kind == FINALLY:
            frame.blocks.append([HANDLER])
            frame.pending.append(end)
            frame.pc = block[1]
            return
        elif kind == EXCEPT and end.why == FAILS:
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
    frame.end = end
