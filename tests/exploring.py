"""Explore texts of scenario files in tests."""

from __future__ import annotations

from typing import Any

from loads import SPECS, scenario
from scenarios import plan as planning
from scenarios.explore import reporting
from scenarios.explore.budget import Budget, Limits
from scenarios.explore.exploring import Exploration, Settings, explore
from scenarios.explore.facts import facts
from scenarios.explore.judge import Judge, excused, questions
from scenarios.explore.machine import FREE, Options, State, StateMachine
from scenarios.explore.model import model_of
from scenarios.plan import Plan

RACE = """
values: {count: 0}
workers:
  w:
    executor: thread
    replicas: 5
    steps:
      - {read: count, into: x}
      - {write: count, value: "${x + 1}"}
expect: [values.count == 5]
"""
"""Five that read and write a counter in two steps."""


def plan(text: str, **changes: Any) -> Plan:
    """The plan of a text."""
    return planning.make(scenario(text, **changes), specs=SPECS, seed=1)


def machine(text: str, options: Options = FREE) -> StateMachine:
    """The state machine of a text."""
    made = plan(text)
    model = model_of(made)
    assert model.unmodelled == []
    return StateMachine(model, options, excused(made))


def judge(of: StateMachine) -> Judge:
    """The judge of a machine."""
    return Judge(of, questions(of.model.plan))


def explored(text: str, options: Options = FREE, **settings: Any) -> Exploration:
    """A text explored."""
    limits = settings.pop("limits", Limits(seconds=30))
    return explore(plan(text), Settings(options=options, limits=limits, **settings))


def result(text: str, options: Options = FREE, **settings: Any) -> dict[str, Any]:
    """The JSON object of a text explored."""
    return reporting.result(explored(text, options, **settings))


def budget(**limits: Any) -> Budget:
    """A budget that no test reaches unless it says so."""
    return Budget(Limits(**{"seconds": 60.0, **limits}))


def ends(of: StateMachine) -> set[State]:
    """Every state in which nothing can go on, by plain search."""
    seen, ahead, found = {of.initial()}, [of.initial()], set()
    while ahead:
        state = ahead.pop()
        enabled = of.enabled(state)
        if not enabled:
            found.add(state)
        for transition in enabled:
            new = of.step(state, transition)
            if new not in seen:
                assert len(seen) < 200_000
                seen.add(new)
                ahead.append(new)
    return found


def outcomes(text: str, expression: str, options: Options = FREE) -> set[str]:
    """What an expression over the names of `expect` can be at an end, as texts.

    A schedule that does not come to its end gives "stuck".
    """
    from scenarios.expressions import compile_expression, prepare

    of = machine(text, options)
    compiled = compile_expression(expression, reads=False)
    found = set()
    for state in ends(of):
        names: dict[str, Any] = {}
        prepare(names)
        names.update(facts(of, state))
        over = of.life.over(state)
        found.add(repr(compiled.evaluate(names)) if over else "stuck")
    return found
