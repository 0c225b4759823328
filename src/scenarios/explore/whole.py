"""What many states show together: data races, circles of locks, livelocks; and who asks for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scenarios.explore.acting import STEP
from scenarios.explore.budget import Budget, BudgetSpent, Limits
from scenarios.explore.judge import OF_THE_WHOLE, Judge, Key, Question, seen, subsets
from scenarios.explore.livelock import livelock, trapped
from scenarios.explore.machine import State, StateMachine, Transition
from scenarios.explore.prove import Covered, Path
from scenarios.explore.watch import DATA_RACE, Order, Watch, race_of, ring_of

LIVELOCK: Key = ("found", "livelock")
LOCK_ORDER: Key = ("found", "lock_order")

NOWHERE: Key = ("found", "")
"""In place of a key that shows in a schedule, where something never shows and should."""

STANDING = Limits(states=200_000, seconds=10.0)
"""What may be looked at to know whether an end can be reached from one state."""


def watching(machine: StateMachine, judge: Judge, *, apart: bool = False) -> Watch:
    """Who looks for races and orders, as far as the file wants to know."""
    return Watch(machine, races=judge.levels["data_race"] != "off", apart=apart)


def add_livelock(machine: StateMachine, judge: Judge, covered: Covered, budget: Budget) -> None:
    """Add a livelock to what a full search saw; it is full only if this is known as well."""
    if not (covered.complete and covered.cycle) or judge.levels["livelock"] == "off":
        return
    covered.complete = False
    try:
        path = livelock(machine, budget)
    except BudgetSpent as spent:
        covered.spent = str(spent)
        return
    covered.complete = True
    if path is not None:
        covered.see(frozenset({LIVELOCK}), path)


def sum_up(judge: Judge, watch: Watch, covered: Covered) -> dict[Key, Key]:
    """Add to what a search saw what its states show together, and the expectations on that.

    Gives for each key without a schedule of its own the key whose schedule shows it.
    """
    sights, shown_by = covered.sights, dict[Key, Key]()
    if watch.races:
        shown_by[DATA_RACE] = race_of(next(iter(watch.races)))
    if judge.levels["lock_order"] != "off" and watch.cycle():
        sights[LOCK_ORDER] = ()
    found = {name for name in OF_THE_WHOLE if ("found", name) in sights}
    for question in judge.questions:
        if question.whole and not question.unknown:
            key = _answer(question, found, covered)
            if key is not None:
                shown_by[question.key] = shown_by.get(key, key)
                sights[question.key] = sights.get(key, ())
    return shown_by


def _answer(question: Question, found: set[str], covered: Covered) -> Key | None:
    """By which key an always or never is violated, or a sometimes holds; None: by none.

    What was not found may still be there where not everything was looked at.
    """
    asked = question.whole & found
    open_ = frozenset[str]() if covered.complete else question.whole - found
    possible = [asked | more for more in subsets(open_)]
    if question.ends:
        keys: list[Key] = [("given", (question.number, names)) for names in possible]
        return keys[0] if all(key in covered.sights for key in keys) else None
    names: dict[str, Any] = {"workers": {question.expectation.worker: {}}}
    if not all(seen(question, names, set(given)) for given in possible):
        return None
    return next((("found", name) for name in sorted(asked)), NOWHERE)


class Racing:
    """Looks for what a judge sees, and for races."""

    def __init__(self, judge: Judge, watch: Watch) -> None:
        self._judge, self._watch = judge, watch

    def recall(self, memory: None, state: State, ahead: Sequence[Transition]) -> None:
        """See `Sought`."""

    def at(self, memory: None, state: State, ahead: Sequence[Transition]) -> frozenset[Key]:
        """See `Sought`."""
        races = self._watch.racing(state, ahead)
        seen = self._judge.at(None, state, ahead)
        return seen.union(map(race_of, races)) if races else seen


def raced(machine: StateMachine, watch: Watch, key: Key, path: Path) -> Path:
    """A schedule that leads to a race, and both of its accesses, the write first."""
    state = machine.initial()
    for transition in path:
        machine.enabled(state)
        state = machine.step(state, transition)
    race = watch.racing(state, machine.enabled(state))[key[1]]
    for index in race.pair:
        if (STEP, index) in machine.enabled(state):
            path = (*path, (STEP, index))
            state = machine.step(state, (STEP, index))
    return path


class Ringing:
    """Looks for a schedule on which locks are taken in a circle; it remembers their orders."""

    def __init__(self, machine: StateMachine, ring: Sequence[Order]) -> None:
        self._watch = Watch(machine, races=False, apart=True)
        self._pairs = {(one.held, one.taken) for one in ring}
        self._known: dict[frozenset[Order], frozenset[Key]] = {}

    def recall(
        self, memory: frozenset[Order] | None, state: State, ahead: Sequence[Transition]
    ) -> frozenset[Order]:
        """See `Sought`."""
        ordered = self._watch.ordered(state, ahead)
        new = frozenset(one for one in ordered if (one.held, one.taken) in self._pairs)
        return new if memory is None else memory | new

    def at(
        self, memory: frozenset[Order], state: State, ahead: Sequence[Transition]
    ) -> frozenset[Key]:
        """See `Sought`."""
        found = self._known.get(memory)
        if found is None:
            found = self._known[memory] = frozenset([LOCK_ORDER] if ring_of(memory) else [])
        return found


def on_path(machine: StateMachine, judge: Judge, path: Path) -> tuple[frozenset[Key], Watch]:
    """What the states of one schedule show together, and who has looked at them."""
    watch = watching(machine, judge, apart=True)
    state = machine.initial()
    watch.look(state, machine.enabled(state))
    for transition in path:
        state = machine.step(state, transition)
        watch.look(state, machine.enabled(state))
    keys = watch.take()
    if judge.levels["lock_order"] != "off" and watch.cycle():
        keys |= {LOCK_ORDER}
    return keys, watch


def standing(machine: StateMachine, judge: Judge, state: State) -> bool:
    """Whether steps go on from a state, and no end can be reached: a livelock."""
    off = judge.levels["livelock"] == "off"
    return not off and trapped(machine, state, Budget(STANDING))
