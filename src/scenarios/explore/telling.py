"""What a checker found at the end of a schedule, in a sentence with its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from scenarios import wording
from scenarios.explore.acting import MISUSED, TICK, UNREAD, Move
from scenarios.explore.facts import facts, statistics
from scenarios.explore.judge import Judge
from scenarios.explore.livelock import circle
from scenarios.explore.local import operation_at
from scenarios.explore.machine import State, StateMachine
from scenarios.explore.prove import Path
from scenarios.explore.rows import shown, shown_text
from scenarios.explore.waiting import Deadlock, deadlock, holding
from scenarios.explore.watch import Order, Race
from scenarios.program import Operation
from scenarios.resources.semaphores import Semaphore


class Told(NamedTuple):
    """A sentence, the line that it speaks of (0: none), and who waits, in a deadlock."""

    message: str
    line: int = 0
    deadlock: Deadlock | None = None


def end_of(machine: StateMachine, path: Path) -> tuple[State, State]:
    """The last state but one and the last of a path."""
    before = state = machine.initial()
    for transition in path:
        machine.enabled(state)
        before, state = state, machine.step(state, transition)
    return before, state


def tell(machine: StateMachine, judge: Judge, checker: str, path: Path) -> Told:
    """What `checker` found on this path."""
    before, state = end_of(machine, path)
    if checker == "deadlock":
        found = deadlock(machine, path, state)
        line = next((one.line for one in found.waiters if one.line), 0)
        return Told(found.sentence(), line, found)
    if checker in _TELLERS:
        told: Told = _TELLERS[checker](machine, path, before, state)
        return told
    if checker == "serializable":
        names = facts(machine, state)
        results = {name: of["results"] for name, of in names["workers"].items()}
        return Told(
            f"values {shown(names['values'])} and results {shown(results)} come from no order of "
            "the workers one after the other"
        )
    return Told(checker.replace("_", " "))


def _crash(machine: StateMachine, path: Path, before: State, state: State) -> Told:
    for member in machine.model.members:
        end = machine.life.end(state, member)
        if end is not None and end[0] == "failed" and machine.life.phase(state, member) == "over":
            line = end[3] or member.declared.line
            return Told(f'worker "{member.name}" failed: {shown_text(end[2] or "")}', line)
    return Told("a worker failed")


def _misused(machine: StateMachine, path: Path, before: State, state: State) -> Told:
    at = machine.initial()
    for transition in path:
        machine.enabled(at)
        after = machine.step(at, transition)
        if after[-1] & MISUSED and not at[-1] & MISUSED:
            _, index = transition
            actor = machine.model.actors[index]
            operation = operation_at(actor, machine.tables.locals[at[index]])
            assert operation is not None
            held = holding(machine, (), at).get(operation.object, ["another"])
            text = f"{actor.name} released {operation.object}, which {held[0]} held"
            return Told(text, operation.line)
        at = after
    return Told("a lock was released by another than its holder")


def _livelock(machine: StateMachine, path: Path, before: State, state: State) -> Told:
    """Who goes round, at which lines: what each does in one round."""
    lines: dict[str, list[int]] = {}
    for kind, index in circle(machine, state):
        operation = _operation(machine, state, index) if kind != TICK else None
        state = machine.step(state, (kind, index))
        if operation is not None:
            lines.setdefault(machine.model.actors[index].name, []).append(operation.line)
    parts = [f"{name} ({_lines(found)})" for name, found in lines.items()]
    first = next((min(found) for found in lines.values()), 0)
    verb = "goes" if len(parts) == 1 else "go"
    return Told(f"no end can be reached: {' and '.join(parts)} {verb} round and round", first)


def _lines(found: Sequence[int]) -> str:
    first, last = min(found), max(found)
    return f"line {first}" if first == last else f"lines {first} to {last}"


def _operation(machine: StateMachine, state: State, index: int) -> Operation | None:
    if index < 0:
        return None
    return operation_at(machine.model.actors[index], machine.tables.locals[state[index]])


def _isolation(machine: StateMachine, path: Path, before: State, state: State) -> Told:
    heard: list[tuple[int, Move]] = []
    usual = machine.life.hear
    machine.life.hear = lambda index, move, _: heard.append((index, move))
    try:
        at = machine.initial()
        for kind, index in path:
            machine.enabled(at)
            move = machine.move(at, (kind, index))
            at = machine.step(at, (kind, index))
            moves = [*heard, *([] if move is None else [(index, move)])]
            heard.clear()
            for who, made in moves:
                if made.strange is not None:
                    name, (attribute, line) = machine.model.actors[who].name, made.strange
                    text = f"{name} read {attribute}, which an earlier job on its thread had set"
                    return Told(text, line)
    finally:
        machine.life.hear = usual
    return Told("a thread-local of an earlier job was read")


def _leak(machine: StateMachine, path: Path, before: State, state: State) -> Told:
    counts, holders = statistics(machine, state), holding(machine, path, state)
    for name, of in counts.items():
        who = " and ".join(holders.get(name, ())) or "nobody known"
        if of.get("held"):
            return Told(f"lock {name} is still held at the end, by {who}")
        resource = machine.model.machines[name]
        if isinstance(resource, Semaphore) and resource.bounded and of["permits"] < of["initial"]:
            missing = of["initial"] - of["permits"]
            permits = wording.count(missing, "permit")
            return Told(f"semaphore {name} lacks {permits} at the end, taken by {who}")
    return Told("something is held at the end")


def _unread(machine: StateMachine, path: Path, before: State, state: State) -> Told:
    for name, of in statistics(machine, state).items():
        if of.get("left"):
            items = wording.count(of["left"], "item")
            return Told(f"queue {name} holds {items} at the end that nobody took")
    if state[-1] & UNREAD:
        return Told("a worker was stopped after it had taken an item, before its next step")
    return Told("an item was not dealt with")


def _queue(machine: StateMachine, path: Path, before: State, state: State) -> Told:
    for name, of in statistics(machine, state).items():
        if of.get("lost"):
            return Told(f"queue {name} lost {wording.count(of['lost'], 'item')}")
        if of.get("duplicated"):
            return Told(f"queue {name} gave {wording.count(of['duplicated'], 'item')} twice")
        if of.get("fifo") is False:
            return Told(f"items left queue {name} in another order than they came")
    return Told("a queue did not keep its items")


def _starved(machine: StateMachine, path: Path, before: State, state: State) -> Told:
    most = max(
        machine.model.actors, key=lambda actor: machine.tables.locals[state[actor.index]].passed
    )
    local = machine.tables.locals[state[most.index]]
    operation = operation_at(most, local)
    names = [name for name, slot in machine.model.slots.items() if slot == local.denied]
    text = f"{most.name} waited for {names[0] if names else 'its turn'}"
    text += f" and was passed over {wording.count(local.passed, 'time')}"
    return Told(text, operation.line if operation is not None else 0)


_TELLERS: dict[str, Any] = {
    "crash": _crash,
    "livelock": _livelock,
    "mutual_exclusion": _misused,
    "isolation": _isolation,
    "leak": _leak,
    "starvation": _starved,
    "unread_item": _unread,
    "lost_item": _queue,
    "duplicated_item": _queue,
    "fifo": _queue,
}


def race(found: Race) -> Told:
    """Two accesses of a value in either order."""
    one, verb, line = found.one
    other, verb2, line2 = found.other
    text = (
        f"{verb} of {found.value} by {one} (line {line}) and {verb2} by {other} "
        f"(line {line2}) can come in either order"
    )
    return Told(text, line)


def lock_order(ring: Sequence[Order]) -> Told:
    """The circle in an order of locks."""
    parts = [
        f"{one.worker} takes {one.taken} while it holds {one.held} (line {one.line})"
        for one in ring
    ]
    return Told("; ".join(parts), ring[0].line)
