"""Successors of states, remembered: many schedules go through the same states."""

from __future__ import annotations

from scenarios.explore.judge import Key
from scenarios.explore.machine import State, StateMachine, Transition
from scenarios.explore.watch import Watch

MOST = 200_000
"""States that are remembered; some 500 bytes each. Then it begins anew."""

Print = tuple[frozenset[int], frozenset[int]]


class Seen:
    """A state: what is enabled in it, and of each transition that was asked for the rest."""

    __slots__ = ("after", "ahead", "looked", "pending", "prints", "state")

    def __init__(self, state: State, ahead: list[Transition]) -> None:
        self.state = state
        self.ahead = ahead
        self.after: dict[Transition, Seen] = {}
        self.prints: dict[Transition, Print] = {}
        self.pending: list[tuple[Transition, Print]] | None = None
        self.looked = False


class Successors:
    """`enabled`, `step` and `footprint` of a machine, each asked once for each state.

    A `watch` looks at each state once, when a search has come to it.
    """

    def __init__(self, machine: StateMachine, watch: Watch | None = None) -> None:
        self.machine = machine
        self._watch = watch
        self._seen: dict[State, Seen] = {}

    def initial(self) -> Seen:
        """The first state."""
        return self.of(self.machine.initial())

    def of(self, state: State) -> Seen:
        """What is known of a state."""
        found = self._seen.get(state)
        if found is None:
            if len(self._seen) >= MOST:
                self._seen.clear()
            found = self._seen[state] = Seen(state, self.machine.enabled(state))
        return found

    def visit(self, seen: Seen) -> frozenset[Key]:
        """What the watch sees at a state for the first time."""
        if seen.looked or self._watch is None:
            return frozenset()
        seen.looked = True
        self._watch.look(seen.state, seen.ahead)
        return self._watch.take()

    def step(self, seen: Seen, transition: Transition) -> Seen:
        """The state after a transition."""
        found = seen.after.get(transition)
        if found is None:
            found = self.of(self.machine.step(seen.state, transition))
            seen.after[transition] = found
        return found

    def footprint(self, seen: Seen, transition: Transition) -> Print:
        """The slots that a transition reads and writes."""
        found = seen.prints.get(transition)
        if found is None:
            after = self.step(seen, transition).state
            found = self.machine.footprint(seen.state, transition, after)
            seen.prints[transition] = found
        return found
