"""Dynamic partial-order reduction: one schedule, or few, of all those that differ in nothing.

Flanagan and Godefroid, "Dynamic partial-order reduction for model checking software" (POPL 2005),
with all races of a transition considered and not only the last, as in source sets (Abdulla et al.,
POPL 2014), and with sleep sets (Godefroid 1996). Two transitions depend on each other where one
writes a slot of the state that the other reads or writes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from scenarios.explore.acting import DRAIN, KINDS, LOST_TRACK, STEP, STOPPING, TAKE
from scenarios.explore.budget import INTERRUPTED, Budget, BudgetSpent
from scenarios.explore.judge import Judge, Key
from scenarios.explore.local import operation_at
from scenarios.explore.machine import State, StateMachine, Transition
from scenarios.explore.prove import AFTER_A_BUG, Covered
from scenarios.explore.successors import Print, Seen, Successors
from scenarios.explore.watch import Watch

DEEPEST = 20_000
"""Transitions of one schedule; one that is longer is given up, and nothing is complete."""

Clock = tuple[int, ...]

NEVER_WAIT = frozenset({"read", "write", "update", "size", "set", "clear", "notify", "release"})


class Event(NamedTuple):
    """A transition that was taken: by which process, as its how manyth, and what was before it."""

    transition: Transition
    process: int
    number: int
    clock: Clock


class Node:
    """A state on the way, what was tried from it, and what still has to be."""

    __slots__ = ("ahead", "backtrack", "done", "seen", "sleep", "state")

    def __init__(self, seen: Seen, sleep: set[Transition]) -> None:
        self.seen = seen
        self.state = seen.state
        self.ahead = seen.ahead
        self.sleep = sleep
        self.done: set[Transition] = set()
        self.backtrack: set[Transition] = set()


class Trace:
    """The events so far, and for each slot who touched it."""

    def __init__(self, processes: int, slots: int) -> None:
        self.events: list[Event] = []
        self._zero: Clock = (0,) * processes
        self._counts = [0] * processes
        # (index of the event, whether it wrote), oldest first
        self.touched: list[list[tuple[int, bool]]] = [[] for _ in range(slots)]
        self._prints: list[Print] = []

    def clock_of(self, reads: frozenset[int], writes: frozenset[int]) -> Clock:
        """What has happened before a transition with this footprint."""
        clock = self._zero
        events = self.events
        for slot in reads:
            wrote = slot in writes
            for index, write in reversed(self.touched[slot]):
                if write or wrote:
                    other = events[index].clock
                    clock = other if clock is self._zero else tuple(map(max, clock, other))
                if write:
                    break
        return clock

    def push(self, transition: Transition, process: int, footprint: Print) -> None:
        """Add an event."""
        reads, writes = footprint
        clock = list(self.clock_of(reads, writes))
        self._counts[process] += 1
        count = self._counts[process]
        clock[process] = count
        index = len(self.events)
        self.events.append(Event(transition, process, count, tuple(clock)))
        self._prints.append(footprint)
        for slot in reads:
            self.touched[slot].append((index, slot in writes))

    def pop(self) -> None:
        """Take back the last event."""
        event = self.events.pop()
        reads, _ = self._prints.pop()
        for slot in reads:
            self.touched[slot].pop()
        self._counts[event.process] -= 1

    def past(self, slot: int) -> Clock:
        """What has happened before the last write of a slot, and that write."""
        for index, write in reversed(self.touched[slot]):
            if write:
                return self.events[index].clock
        return self._zero

    def before(self, index: int, clock: Clock) -> bool:
        """Whether an event is part of a clock's past."""
        event = self.events[index]
        return clock[event.process] >= event.number


class Search:
    """One search; `run` fills `covered`."""

    def __init__(
        self, machine: StateMachine, judge: Judge, budget: Budget, covered: Covered
    ) -> None:
        self.machine = machine
        self.judge = judge
        self.budget = budget
        self.covered = covered
        count = len(machine.model.actors)
        self._actors = count
        self._trace = Trace(len(KINDS) * count, len(machine.initial()))
        self._nodes: list[Node] = []
        self._left: int | None = None

    def run(self, wrong: Callable[[Key], bool], watch: Watch | None) -> None:
        """Go through all schedules that have to be looked at."""
        nodes, trace = self._nodes, self._trace
        successors = self._successors = Successors(self.machine, watch)
        self._enter(successors.initial(), set(), wrong)
        while nodes:
            node = nodes[-1]
            chosen = self._choose(node)
            if chosen is None:
                nodes.pop()
                if nodes:
                    trace.pop()
                continue
            node.done.add(chosen)
            if chosen[0] == TAKE:  # the others may find no job any more
                node.backtrack.update(one for one in node.ahead if one[0] == TAKE)
            self.covered.transitions += 1
            footprint = successors.footprint(node.seen, chosen)
            sleep = {one for one in node.sleep if not self._depends(node.seen, one, footprint)}
            node.sleep.add(chosen)
            trace.push(chosen, self._process(chosen), footprint)
            self._enter(node.seen.after[chosen], sleep, wrong)
            if self._left is not None and self._left < 0:
                self.covered.spent = "a bug was found"
                return
        self.covered.complete = not self.covered.lost and not self.covered.spent

    def _depends(self, seen: Seen, one: Transition, other: Print) -> bool:
        """Whether what may happen depends on another transition, as it would be in this state."""
        return one not in seen.ahead or _depend(self._successors.footprint(seen, one), other)

    def _choose(self, node: Node) -> Transition | None:
        for one in node.backtrack:
            if one not in node.done and one not in node.sleep:
                return one
        return None

    def _enter(self, seen: Seen, sleep: set[Transition], wrong: Callable[[Key], bool]) -> None:
        covered, state, ahead = self.covered, seen.state, seen.ahead
        self.budget.state()
        covered.states += 1
        node = Node(seen, sleep)
        marks = state[-1] if not self._nodes else state[-1] & ~self._nodes[-1].state[-1]
        if not ahead:
            self._end(state, wrong)
        elif marks:
            self._see(self.judge.marks(state), wrong)
        if not seen.looked and (races := self._successors.visit(seen)):
            self._see(races, wrong)
        if seen.pending is None:
            seen.pending = list(self._pending(seen))
        for transition, footprint in seen.pending:
            self._race(node, transition, footprint)
        first = next((one for one in ahead if one not in sleep), None)
        if first is not None and len(self._nodes) < DEEPEST:
            node.backtrack.add(first)
            # Once something else has happened these may be impossible: they wait for nobody.
            node.backtrack.update(one for one in ahead if one[0] not in (STEP, TAKE))
        elif first is not None:
            covered.spent = f"schedules of {DEEPEST:,} transitions"
        self._nodes.append(node)

    def _end(self, state: State, wrong: Callable[[Key], bool]) -> None:
        self.budget.schedule()
        self.covered.ends += 1
        self.covered.schedules += 1
        self.covered.lost = self.covered.lost or bool(state[-1] & LOST_TRACK)
        self._see(self.judge.end(state), wrong)

    def _see(self, keys: frozenset[Key], wrong: Callable[[Key], bool]) -> None:
        if self._left is not None:
            self._left -= 1
        new = [key for key in keys if key not in self.covered.sights]
        if new:
            self.covered.see(keys, tuple(event.transition for event in self._trace.events))
            if self._left is None and any(map(wrong, new)):
                self._left = AFTER_A_BUG

    # -- races ---------------------------------------------------------------------------------

    def _pending(self, seen: Seen) -> Iterator[tuple[Transition, Print]]:
        """What can happen, and the operations that have to wait, with what they touch."""
        for transition in seen.ahead:
            yield transition, self._successors.footprint(seen, transition)
        can = {index for kind, index in seen.ahead if kind == STEP}
        for index in range(self._actors):
            slot = self.machine.tables.where[seen.state[index]]
            if index not in can and slot >= 0:
                touched = frozenset({index, slot})
                yield (STEP, index), (touched, touched)

    def _race(self, node: Node, transition: Transition, footprint: Print) -> None:
        """Find the events that could as well come after this transition: try it before them."""
        kind, index = transition
        state, trace = node.state, self._trace
        reads, writes = footprint
        past = trace.past(index) if kind in (STEP, TAKE) else (0,) * len(trace._zero)
        own = self.machine.slot(state, index) if kind == STEP else None
        clock: Clock | None = None
        handled: set[int] = set()
        for slot in reads:
            wrote = slot in writes
            for at, write in reversed(trace.touched[slot]):
                if trace.before(at, past):
                    if write:
                        break
                    continue
                if not (write or wrote) or at in handled:
                    continue
                handled.add(at)
                event = trace.events[at]
                if self._same_process(event.transition, transition):
                    continue
                if clock is None:
                    clock = trace.clock_of(reads, writes)
                # What else it touches than its resource may be another's part in another order:
                # who ends last starts the next one.
                if self._reverse(at, state, transition, clock) and slot == own:
                    break

    def _reverse(self, at: int, state: State, transition: Transition, clock: Clock) -> bool:
        """Let something be tried before an event; whether earlier events need no look."""
        before = self._nodes[at]
        kind, index = transition
        if transition in before.ahead and (kind != STEP or before.state[index] == state[index]):
            before.backtrack.add(transition)
            return True
        if kind == DRAIN or kind in self.machine.last_resorts:
            return False  # it races with its own kind alone
        leading = [one for one in before.ahead if one == transition or self._leads(at, one, clock)]
        if not leading and kind == STEP and before.state[index] == state[index]:
            return False  # it had to wait there for just that: the two cannot change places
        if not leading:
            before.backtrack.update(before.ahead)
        elif not before.backtrack.intersection(leading):
            before.backtrack.add(leading[0])
        return self._never_waits(state, transition)

    def _leads(self, at: int, one: Transition, clock: Clock) -> bool:
        """Whether a process has an event after `at` that comes before what is to be moved."""
        process = self._process(one)
        events = self._trace.events
        for later in range(at + 1, len(events)):
            event = events[later]
            if event.process == process:
                return clock[process] >= event.number
        return False

    def _never_waits(self, state: State, transition: Transition) -> bool:
        kind, index = transition
        if kind != STEP:
            return False
        local = self.machine.tables.locals[state[index]]
        operation = operation_at(self.machine.model.actors[index], local)
        return operation is not None and operation.verb in NEVER_WAIT

    def _same_process(self, one: Transition, other: Transition) -> bool:
        return self._process(one) == self._process(other)

    def _process(self, transition: Transition) -> int:
        """Operations of one actor are one process, and so is each other kind of transition."""
        kind, index = transition
        if kind in (STEP, TAKE):
            return index
        return kind * self._actors + max(index, 0)


def _depend(one: Print, other: Print) -> bool:
    return not (one[1].isdisjoint(other[0]) and one[0].isdisjoint(other[1]))


def dpor(
    machine: StateMachine,
    judge: Judge,
    budget: Budget,
    *,
    wrong: Callable[[Key], bool],
    watch: Watch | None = None,
) -> Covered:
    """Look at one schedule at least of each kind until all are seen, or the budget is spent."""
    covered = Covered(how="partial-order reduction")
    try:
        Search(machine, judge, budget, covered).run(wrong, watch)
    except BudgetSpent as spent:
        covered.spent = str(spent)
    except KeyboardInterrupt:
        covered.spent = INTERRUPTED
    return covered


__all__ = ["DEEPEST", "STOPPING", "dpor"]
