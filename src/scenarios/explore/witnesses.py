"""The schedules that show what was seen: as short as can be, and whether sleeps hide them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from scenarios.explore import whole
from scenarios.explore.budget import INTERRUPTED, Budget, Limits
from scenarios.explore.judge import Judge, Key, excused
from scenarios.explore.machine import Options, StateMachine
from scenarios.explore.minimal import Shortest, minimal
from scenarios.explore.model import model_of, operations
from scenarios.explore.prove import Path, prove
from scenarios.explore.shrinking import cost_of, shrink
from scenarios.explore.watch import DATA_RACE, Watch
from scenarios.explore.whole import LIVELOCK, LOCK_ORDER

SHORTEST = Limits(states=200_000, seconds=10.0)
"""What the search for the shortest schedules may cost; without one the schedule seen is shrunk."""

EXACT = Limits(states=100_000, seconds=5.0)
"""What the search with exact time may cost, which tells whether pauses hide something."""

HURRIED = Limits(states=20_000, seconds=0.5)
"""In place of SHORTEST once Ctrl-C was hit: somebody waits for what was found."""


def find(
    machine: StateMachine,
    judge: Judge,
    watch: Watch,
    sights: Mapping[Key, Path],
    made: dict[Key, Shortest],
    budget: Budget,
) -> None:
    """Put a schedule into `made` for each key that has one: at once, then a shorter one."""
    searched = {key: path for key, path in sights.items() if key not in (DATA_RACE, LOCK_ORDER)}
    made |= {key: Shortest(path, *cost_of(machine, path)) for key, path in searched.items()}
    searched.pop(LIVELOCK, None)  # its end is no single state, and its schedule the shortest one
    sought = whole.Racing(judge, watch) if watch.races else judge
    least = minimal(machine, sought, searched.keys(), replace(budget, share=0.5))
    made |= least
    for key in sorted(searched.keys() - least.keys(), key=repr):
        shorter = shrink(machine, sought, key, sights[key], replace(budget, share=0.9))
        made[key] = Shortest(shorter, *cost_of(machine, shorter))
    for key in [key for key in made if key[0] == "race"]:
        path = whole.raced(machine, watch, key, made[key].path)
        made[key] = Shortest(path, *cost_of(machine, path))
    if LOCK_ORDER in sights:
        ringing = whole.Ringing(machine, watch.cycle())
        made |= minimal(machine, ringing, {LOCK_ORDER}, budget)


def hidden(judge: Judge, keys: frozenset[Key], limits: Limits) -> frozenset[Key] | None:
    """Which of these cannot come about where sleeps and time-outs take their time; None: unknown.

    Raises KeyboardInterrupt where Ctrl-C ended it.
    """
    before = judge.machine
    options, plan = before.options, before.model.plan
    timed = any(
        operation.verb == "sleep" or operation.timeout not in (None, 0)
        for operation in operations(before.model)
    )
    if options.exact or not timed or not keys:
        return frozenset()
    machine = StateMachine(
        model_of(plan), Options(exact=True, spurious=options.spurious), excused(plan)
    )
    asked = Judge(machine, judge.questions)
    asked.serial = judge.serial
    watch = whole.watching(machine, asked)
    budget = Budget(limits.aside(EXACT))
    covered = prove(machine, asked, budget, wrong=lambda _: False, watch=watch)
    if covered.spent == INTERRUPTED:
        raise KeyboardInterrupt
    whole.add_livelock(machine, asked, covered, budget)
    if not covered.complete:
        return None
    whole.sum_up(asked, watch, covered)
    return keys - covered.sights.keys()
