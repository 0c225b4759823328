"""What an operation is given: its argument and its time, evaluated and checked."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from scenarios.durations import LONGEST, seconds_of
from scenarios.errors import ScenariosError
from scenarios.expressions import Expression, plain
from scenarios.program.frame import Frame, value_of
from scenarios.program.instructions import SCALARS, Operation


def prepare(frame: Frame, operation: Operation) -> None:
    """Evaluate an operation's argument and time-out."""
    value = operation.value
    if value is None:
        frame.argument = None
    else:
        argument = value_of(frame, value)
        if argument.__class__ not in SCALARS and operation.verb != "call":
            argument = plain(argument)
        frame.argument = argument
    if operation.second is not None:
        if operation.verb == "update":
            frame.argument = _updater(frame, operation.second)
        else:
            frame.argument = frame.argument, value_of(frame, operation.second)
    if operation.verb in _FORMS:
        _FORMS[operation.verb](frame, operation)
    timeout = operation.timeout
    frame.timeout = (
        _seconds(value_of(frame, timeout)) if isinstance(timeout, Expression) else timeout
    )


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


class Updater:
    """old -> new, both plain data; may be called more than once. `taken` was read for it."""

    __slots__ = ("_expression", "_names", "taken")

    def __init__(self, expression: Expression, names: dict[str, Any], taken: list[Any]) -> None:
        self._expression = expression
        self._names = names
        self.taken = taken

    def __call__(self, old: Any) -> Any:
        """The value that replaces `old`."""
        self._names["old"] = old
        new = self._expression.evaluate(self._names, self.taken)
        return new if new.__class__ in SCALARS else plain(new)


def _updater(frame: Frame, expression: Expression) -> Updater:
    taken = frame.reads[: len(expression.reads)]
    del frame.reads[: len(expression.reads)]
    return Updater(expression, frame.names, taken)


def _seconds(value: Any) -> float:
    seconds = seconds_of(value)
    if seconds is None or seconds > LONGEST:
        raise ScenariosError(f"{value!r} is no duration such as 250ms, 1.5s or a number of seconds")
    return seconds
