"""Real threads go the way of a path of the machine, and end where it does."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from exploring import RACE, explored, machine
from loads import SPECS
from scenarios import plan as planning
from scenarios.explore.machine import StateMachine, Transition
from scenarios.explore.model import model_of
from scenarios.explore.prove import Path as Steps
from scenarios.explore.real import drive
from scenarios.loading import load

BUGS = Path(__file__).parents[2] / "scenarios" / "bugs"
SEVERAL = ("lost-update", "two-locks", "wait-once", "one-sentinel", "item-in-hand", "stale-local")

CIRCLE = """
locks: {a: {}, b: {}}
workers:
  one: {executor: thread, steps: [{with: a, steps: [{with: b, steps: []}]}]}
  two: {executor: process, steps: [{with: b, steps: [{with: a, steps: []}]}]}
"""


@pytest.mark.parametrize(
    ("text", "key"),
    [(CIRCLE, ("found", "deadlock")), (RACE, ("expect", 0))],
    ids=["circle", "race"],
)
def test_a_schedule_on_real_threads(text: str, key: tuple[str, object]) -> None:
    """100 of 100: the same facts as the machine, and the same who are stuck."""
    found = explored(text)
    path = found.shortest[key].path
    for _ in range(100):
        of = machine(text)
        outcome = drive(of.model.plan, of, path)
        assert outcome.differences == ()
        stuck = [one.worker for one in outcome.stuck]
        assert stuck == (["one", "two"] if text == CIRCLE else [])


def drawn(of: StateMachine, seed: int) -> Steps:
    """A random path to an end."""
    draw = random.Random(seed)
    state, path = of.initial(), list[Transition]()
    while ahead := of.enabled(state):
        path.append(draw.choice(ahead))
        state = of.step(state, path[-1])
    return tuple(path)


@pytest.mark.parametrize("name", SEVERAL)
def test_random_paths_of_the_gallery(name: str) -> None:
    """Locks, conditions, queues, stops and pools: real threads end as the machine does."""
    made = load(BUGS / f"{name}.yaml", specs=SPECS).scenarios[0]
    plan = planning.make(made, specs=SPECS, seed=1)
    for seed in range(8):
        of = StateMachine(model_of(plan))
        outcome = drive(plan, of, drawn(of, seed))
        assert outcome.differences == (), (name, seed)
