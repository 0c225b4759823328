"""A schedule step by step, for people: who does what at which line, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from scenarios import wording
from scenarios.answers import PARKED, STOP, Failed, Refused
from scenarios.explore.acting import (
    DRAIN,
    EXPIRE,
    KILL,
    RESTART,
    STEP,
    STOPPING,
    TAKE,
    TICK,
    WAKE,
    Move,
)
from scenarios.explore.local import OVER, PENDING, operation_at
from scenarios.explore.machine import State, StateMachine, Transition
from scenarios.program import Operation
from scenarios.resources.freezing import thawed

WIDEST = 60
"""Characters of a value in a step."""


@dataclass(frozen=True, slots=True)
class Row:
    """One transition: `worker` is "" where it is everybody's; `also` what it did to others.

    `number` counts steps from 1; it is 0 where a worker only begins to wait for a lock.
    """

    number: int
    worker: str
    line: int
    text: str
    logs: tuple[str, ...] = ()
    also: tuple[str, ...] = ()

    def data(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "step": self.number,
            "worker": self.worker,
            "line": self.line,
            "text": self.text,
            "logs": list(self.logs),
            "also": list(self.also),
        }


def rows(machine: StateMachine, path: Iterable[Transition]) -> list[Row]:
    """The rows of a path from the initial state."""
    state = machine.initial()
    made: list[Row] = []
    number = 0
    for transition in path:
        machine.enabled(state)
        move = machine.move(state, transition)
        length = machine.length(state, transition)
        after = machine.step(state, transition)
        number += length
        made.append(_row(machine, number if length else 0, state, transition, move, after))
        state = after
    return made


def _row(
    machine: StateMachine,
    number: int,
    state: State,
    transition: Transition,
    move: Move | None,
    after: State,
) -> Row:
    kind, index = transition
    also = tuple(_also(machine, index, state, after))
    if kind == DRAIN:
        return Row(number, "", 0, "all readers wait on empty queues: they are drained", (), also)
    if kind == TICK:
        return Row(number, "", 0, "time passes", (), also)
    actor = machine.model.actors[index]
    member = machine.model.members[actor.member]
    if kind == RESTART:
        text = "its pause is over" + _ending(machine, index, state, after)
        return Row(number, actor.name, member.declared.line, text, (), also)
    if kind == TAKE:
        if machine.life.leaving(state, index):
            held = machine.life.holds(state, index)
            text = "gives back what it had in hand" if held else "has done its work"
            text += _ending(machine, index, state, after)
            return Row(number, actor.name, member.declared.line, text, (), also)
        job = machine.life.pool(state, member).next
        begun = machine.acting.begun(index, state[index], 0 if member.alike else job)
        logs = tuple(text for _, text in begun.logs)
        text = f"takes job {job}" + _ending(machine, index, state, after)
        return Row(number, actor.name, member.declared.line, text, logs, also)
    local = machine.tables.locals[state[index]]
    operation = operation_at(actor, local)
    line = operation.line if operation is not None else 0
    text = _TEXTS[kind](machine, operation, move, state, after, index)
    logs = tuple(text for _, text in move.logs) if move is not None else ()
    end = _ending(machine, index, state, after)
    return Row(number, actor.name, line, text + end, logs, also)


def _step(
    machine: StateMachine,
    operation: Operation | None,
    move: Move | None,
    state: State,
    after: State,
    index: int,
) -> str:
    assert operation is not None and move is not None
    answer = move.answer
    text = f"{operation.name} {operation.object}".strip()
    if operation.verb in ("put", "write"):
        text += f" {shown(_argument(machine, state, index))}"
    if answer is PARKED:
        return f"{text}: waits"
    if answer.__class__ is Refused:
        return f"{text}: not done, {answer.detail or answer.reason}"
    if answer.__class__ is Failed:
        return f"{text}: fails, {shown(answer.text)}"
    if operation.verb == "update":
        new = content(machine, after, operation.object)
        return f"{text}: {shown(answer)} -> {shown(new)}"
    if operation.verb in ("get", "read", "size") or operation.verb in ("call", "notify"):
        return f"{text} -> {shown(answer)}"
    return text


def _argument(machine: StateMachine, state: State, index: int) -> Any:
    return thawed(machine.tables.locals[state[index]].argument)


def _timed_out(
    machine: StateMachine, operation: Operation | None, move: Move | None, *_: Any
) -> str:
    assert operation is not None
    return f"{operation.name} {operation.object}".strip() + ": its time is over"


def _stopped(machine: StateMachine, operation: Operation | None, move: Move | None, *_: Any) -> str:
    if operation is None:
        return "is stopped"
    return f"is stopped before {operation.name} {operation.object}".strip()


def _woken(machine: StateMachine, operation: Operation | None, move: Move | None, *_: Any) -> str:
    return "wakes up without a notify"


def _killed(machine: StateMachine, operation: Operation | None, move: Move | None, *_: Any) -> str:
    assert operation is not None
    return f"is ended by force in {operation.name} {operation.object}".strip()


_TEXTS: dict[int, Any] = {
    STEP: _step,
    EXPIRE: _timed_out,
    STOPPING: _stopped,
    WAKE: _woken,
    KILL: _killed,
}


def _ending(machine: StateMachine, index: int, state: State, after: State) -> str:
    """How the actor's program ended, where it did by this."""
    old, new = machine.tables.locals[state[index]], machine.tables.locals[after[index]]
    if new.phase == old.phase or new.phase not in (OVER, PENDING, "idle"):
        return ""
    if new.phase == PENDING:
        return "; it will be started again"
    end = new.end
    if end is None:
        return "; its job is done"
    if end[0] == "failed":
        return f"; it fails: {shown_text(end[2] or '')}"
    return f"; {end[0]}"


def _also(machine: StateMachine, index: int, state: State, after: State) -> Iterable[str]:
    """What became of the others."""
    for actor in machine.model.actors:
        if actor.index == index or state[actor.index] == after[actor.index]:
            continue
        old = machine.tables.locals[state[actor.index]]
        new = machine.tables.locals[after[actor.index]]
        if new.phase == OVER and old.phase != OVER:
            yield f"{actor.name} {new.end[0] if new.end else 'ends'}"
        elif old.phase == PENDING and new.phase != PENDING:
            yield f"{actor.name} starts"
        elif old.parked and not new.parked:
            yield f"{actor.name} goes on"


def content(machine: StateMachine, state: State, name: str) -> Any:
    """What a value holds."""
    slot = machine.model.slots[name]
    machine.tables.thaw(slot, state[slot])
    return machine.model.machines[name].statistics().get("value")


def shown(value: Any) -> str:
    """A value, short."""
    if value is STOP:
        return "stopped"
    return wording.shorten(wording.value(value), WIDEST)


def shown_text(text: str) -> str:
    """A sentence of the scenario, safe for a terminal."""
    return wording.shorten(wording.visible(text), 2 * WIDEST)
