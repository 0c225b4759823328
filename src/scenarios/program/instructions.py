"""What a program consists of: instructions, and the operations among them; plain data."""

from __future__ import annotations

from typing import Any, NamedTuple

from scenarios.expressions import Expression

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

SCALARS = frozenset({int, str, float, bool, type(None)})
"""Types whose values need no copy."""


class Operation:
    """One declared operation: what is done, to what, and at which line.

    `name` is the step's word, `verb` what the resource's machine calls it. `section` is the
    resource's ("queues", ...) or "" for log, sleep, call and run. `value` makes the argument,
    `timeout` the seconds to wait (None: no limit; 0: do not block). `otherwise` is where to go
    on when it cannot be done in time; `into` the variable for the answer ("": a read for the
    expression that follows). `second` is what a kind of step needs besides: an update's `to`, a
    call's kwargs, a command's stdin, a log's fields. `detail` is fixed text: a call's target, a
    log's level. `pure` tells that a call is declared to depend on nothing but its arguments.
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
        "pure",
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
        pure: bool = False,
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
        self.pure = pure
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


def line_of(instruction: tuple[Any, ...]) -> int:
    """The line of an instruction that evaluates anything; an operation knows its own."""
    line: int = instruction[1].line if instruction[0] == OPERATE else instruction[-1]
    return line
