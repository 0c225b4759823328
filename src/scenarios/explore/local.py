"""Where one actor is, as a small hashable value, and how it goes on from there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from scenarios.answers import STOP, Refused
from scenarios.explore.cut import Cut
from scenarios.explore.model import Actor
from scenarios.explore.stores import Store, Strange, age, kept, store_of
from scenarios.program import FAILS, RETURNS, STOPS, Frame, Operation, Updater, advance
from scenarios.program import End as Way
from scenarios.program.instructions import (
    COUNT_ROUND,
    END_FINALLY,
    FALL_INTO,
    JUMP,
    LEAVE,
    NEXT_ITEM,
    OPERATE,
)
from scenarios.resources.freezing import frozen, thawed
from scenarios.worker_plan import LocalPlan, State

PENDING, RUNNING, IDLE, DONE, OVER = "pending", "running", "idle", "done", "over"
"""An actor's phases; IDLE is a pool's thread between jobs, DONE has just ended its program."""
LOST = "lost"  # the machine cannot follow it
KILLED = "killed"  # the error of one that was ended by force

End = tuple[State, bytes, str | None, int]
"""How an attempt or a job ended: its state, frozen result, error and line."""


class Local(NamedTuple):
    """One actor's state.

    `frame` and `argument` are frozen; `end` is that of an attempt or job that is over. `due` is
    the time in nanoseconds until its timer ends, where time is exact, and that of its pause before
    another attempt, which was `cut` short where it is over without one; `grace` is the time until
    force follows a stop. `parked` tells that a machine has it as a waiter, `late` that its time is
    over and it only waits for the lock of its condition, `asked` that it is to be stopped and
    `told` that it was, `got` the place of the get that it did last (-1: something came after it).
    """

    phase: str = PENDING
    frame: bytes = b""
    argument: bytes = b""
    timeout: float | None = None
    place: int = -1  # of the operation that is next
    parked: bool = False
    late: bool = False
    asked: bool = False
    told: bool = False
    got: int = -1
    attempt: int = 0
    job: int = -1
    locals: bytes = b""
    made: tuple[tuple[str, int], ...] = ()
    end: End | None = None
    due: int | None = None
    grace: int | None = None
    cut: bool = False
    draws: int = 0
    held: tuple[str, ...] = ()  # the locks that it has taken, in their order
    denied: int = -1  # the slot of what it waits for, where others may go before it
    passed: int = 0


class Resumed(NamedTuple):
    """What came of going on: the new local, what was logged, and which local was not its own."""

    local: Local
    logs: tuple[tuple[int, str], ...] = ()
    strange: Strange | None = None


def operation_at(actor: Actor, local: Local) -> Operation | None:
    """The operation that an actor does next."""
    if local.place < 0:
        return None
    operation: Operation = actor.program.instructions[local.place][1]
    return operation


def begin(
    actor: Actor, local: Local, plans: Mapping[str, LocalPlan], job: tuple[int, Any] | None = None
) -> Resumed:
    """Start an actor's program, for one job where it has jobs."""
    store = store_of(actor.names, local.locals, plans)
    names = {**actor.names, "local": store}
    if job is not None:
        names["job"] = {"index": job[0], "item": thawed(frozen(job[1]))}
        age(store, plans, actor.names)
    frame = store.frame = Frame(actor.program, names)
    started = local._replace(phase=RUNNING, told=False, got=-1, end=None, parked=False, due=None)
    if job is not None:
        started = started._replace(job=job[0])
    return _run(actor, started, frame, store, advance(frame))


def resume(
    actor: Actor,
    local: Local,
    answer: Any,
    plans: Mapping[str, LocalPlan],
    jobs: Sequence[Any] | None,
) -> Resumed:
    """Go on with the answer to the operation under way, up to the next one."""
    store = store_of(actor.names, local.locals, plans)
    frame = _thaw(actor, local, store, jobs)
    operation = frame.waiting
    taken = operation is not None and operation.verb == "get" and answer.__class__ is not Refused
    got = local.place if taken else -1
    going = local._replace(parked=False, late=False, got=got, due=None)
    if answer is STOP:
        frame.argument = _argument(local, frame)  # in a clean-up the operation begins again
        going = going._replace(asked=False, told=True, got=-1)
    return _run(actor, going, frame, store, advance(frame, answer))


def force(
    actor: Actor, local: Local, plans: Mapping[str, LocalPlan], jobs: Sequence[Any] | None
) -> Resumed:
    """End it though it cleans up: all that it still wants to do is refused, but not its logs."""
    logs: list[tuple[int, str]] = []
    strange: Strange | None = None
    while local.phase == RUNNING:
        local, more, seen = resume(actor, local, STOP, plans, jobs)
        logs += more
        strange = strange or seen
    return Resumed(local, tuple(logs), strange)


def argument_of(
    actor: Actor, local: Local, plans: Mapping[str, LocalPlan], jobs: Sequence[Any] | None
) -> Any:
    """The argument of the operation that is next, live."""
    operation = operation_at(actor, local)
    if operation is None or operation.verb != "update":
        return thawed(local.argument)
    return _argument(local, _thaw(actor, local, store_of(actor.names, local.locals, plans), jobs))


def _argument(local: Local, frame: Frame) -> Any:
    argument, operation = thawed(local.argument), frame.waiting
    if operation is None or operation.verb != "update":
        return argument
    assert operation.second is not None
    return Updater(operation.second, frame.names, argument)


def _run(
    actor: Actor, local: Local, frame: Frame, store: Store, operation: Operation | None
) -> Resumed:
    logs = []
    while operation is not None and operation.verb == "log":
        message = frame.argument if operation.second is None else frame.argument[0]
        logs.append((operation.line, message if isinstance(message, str) else str(message)))
        local = local._replace(got=-1)
        operation = advance(frame, True)
    local = local._replace(locals=kept(store))
    if frame.end is not None:
        return Resumed(ended(local, _end(frame.end)), tuple(logs), store.strange)
    assert operation is not None
    argument = frame.argument
    if argument.__class__ is Updater:
        argument = argument.taken
    try:
        local = local._replace(
            frame=_freeze(actor, frame),
            argument=frozen(argument),
            timeout=frame.timeout,
            place=frame.pc - 1,
        )
    except ValueError:
        raise Cut("a value that is not plain data is in its variables or arguments") from None
    if local.got >= 0 and frame.pc - 1 not in _right_after(actor, local.got):
        local = local._replace(got=-1)
    return Resumed(local, tuple(logs), store.strange)


def _end(end: Way) -> End:
    state: State = "succeeded"
    result, error, line = None, None, 0
    if end.why == FAILS:
        state, error, line = "failed", end.value, end.line
    elif end.why == RETURNS:
        result = end.value
    elif end.why == STOPS:
        state = "terminated"
    return state, frozen(result), error, line


def ended(local: Local, end: End) -> Local:
    """An actor whose program has ended."""
    return local._replace(
        phase=DONE,
        frame=b"",
        argument=b"",
        timeout=None,
        place=-1,
        parked=False,
        got=-1,
        end=end,
        due=None,
        grace=None,
    )


def _freeze(actor: Actor, frame: Frame) -> bytes:
    names = frame.names
    variables = {name: names[name] for name in actor.program.variables if name in names}
    pending = [(end.why, end.value, end.line) for end in frame.pending]
    return frozen((frame.pc, frame.blocks, pending, frame.reads, variables))


def _thaw(actor: Actor, local: Local, store: Store, jobs: Sequence[Any] | None) -> Frame:
    names = {**actor.names, "local": store}
    if jobs is not None and local.job >= 0:
        names["job"] = {"index": local.job, "item": thawed(frozen(jobs[local.job]))}
    frame = store.frame = Frame(actor.program, names)
    frame.pc, blocks, pending, frame.reads, variables = thawed(local.frame)
    frame.blocks = blocks
    frame.pending = [Way(*way) for way in pending]
    names.update(variables)
    frame.timeout = local.timeout
    frame.waiting = operation_at(actor, local)
    return frame


_PASSING = frozenset({JUMP, NEXT_ITEM, LEAVE, FALL_INTO, END_FINALLY, COUNT_ROUND})


def _right_after(actor: Actor, place: int) -> frozenset[int]:
    """The operations that can follow the one at `place` with no other step between."""
    found: set[int] = set()
    seen: set[int] = set()
    ahead = [place + 1]
    code = actor.program.instructions
    while ahead:
        at = ahead.pop()
        if at in seen or at >= len(code):
            continue
        seen.add(at)
        kind = code[at][0]
        if kind == OPERATE:
            found.add(at)
        elif kind == JUMP:
            ahead.append(code[at][1])
        elif kind == NEXT_ITEM:
            ahead += [code[at][2], at + 1]
        elif kind in _PASSING:
            ahead.append(at + 1)
    return frozenset(found)


def closed(local: Local, counted: bool) -> Local:
    """An actor whose thread has ended: its locals are closed, and counted where that is asked."""
    made = local.made
    if counted and local.locals:
        counts = dict(made)
        for name in thawed(local.locals):
            counts[name] = counts.get(name, 0) + 1
        made = tuple(sorted(counts.items()))
    return local._replace(phase=OVER, locals=b"", made=made)
