"""From one operation of a worker to the next."""

from __future__ import annotations

import traceback
from typing import Any

from scenarios.answers import STOP, Failed, Refused
from scenarios.errors import RAISED, ScenariosError, Stopped, sentence
from scenarios.program.arguments import prepare
from scenarios.program.control import LOCAL
from scenarios.program.frame import FAILS, STOPS, End, Frame, unwind
from scenarios.program.instructions import OPERATE, Operation, line_of

NOT_DONE = frozenset({"timeout", "would_block", "broken"})
"""Why an operation was refused where `otherwise` goes on: others may have broken a barrier."""


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
        unwind(frame, End(STOPS))
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
                    prepare(frame, operation)
                frame.waiting = operation
                if operation.verb != "log":  # all others are scheduling points
                    frame.rounds = 0
                return operation  # type: ignore[no-any-return]
            LOCAL[instruction[0]](frame, instruction)
        except ScenariosError as error:
            unwind(frame, End(FAILS, str(error), line_of(instruction)))
        except Stopped:  # in code that makes a thread-local
            unwind(frame, End(STOPS))
        except RAISED as error:  # of the user's objects: whatever is held is still released
            line, trace = line_of(instruction), traceback.format_exc()
            unwind(frame, End(FAILS, sentence(error), line, trace))
    return None


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
            unwind(frame, End(FAILS, refusal(operation, answer, frame.timeout), operation.line))
    elif kind is Failed:
        unwind(frame, End(FAILS, answer.text, operation.line, answer.traceback))
    elif answer is STOP:
        unwind(frame, End(STOPS))
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
