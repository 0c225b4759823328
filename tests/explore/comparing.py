"""Asks everybody about one program, and tells who disagrees."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from unittest.mock import patch

from explore.answers import (
    Answer,
    Recording,
    facts_of_world,
    keys_of_world,
    outcome,
    outcomes_of_states,
)
from explore.brute import number_of_paths, walk
from explore.programs import document, text_of
from explore.reference import TooMuch, schedules
from loads import SPECS, plugins
from scenarios.explore.budget import Budget, Limits
from scenarios.explore.dpor import dpor
from scenarios.explore.judge import Judge, Key, excused, questions
from scenarios.explore.machine import Options, State, StateMachine
from scenarios.explore.model import model_of
from scenarios.explore.prove import Covered, prove
from scenarios.loading import load_text
from scenarios.plan import Plan, make
from scenarios.program import control

PATHS = 400
"""Interleavings of one program; a program with more is left out."""

SCHEDULES = 1500
"""Schedules of the naive reference, for which to begin to wait is a step of its own."""

ROUNDS = 20
"""Rounds of a loop without a scheduling point, instead of 100,000, after which a worker fails."""

OPTIONS = (
    Options(),
    Options(),
    Options(),
    Options(early=True),
    Options(exact=True),
    Options(spurious=True),
)
KNOWN = plugins()


@dataclass
class Compared:
    """What came of one program; `problem` tells who disagrees with whom."""

    text: str
    options: Options
    paths: int = 0
    left_out: str = ""
    problem: str = ""
    answers: dict[str, Answer] = field(default_factory=dict)


def plan_of(text: str) -> Plan:
    """The plan of a file's text."""
    (scenario,) = load_text(text.encode(), "program.yaml", KNOWN).scenarios
    return make(scenario, specs=SPECS, seed=1)


def compare(number: int, taste: str = "") -> Compared:
    """The program of this number."""
    return compare_text(text_of(document(number, taste)), options_of(number))


def options_of(number: int) -> Options:
    """How time is read in the program of this number."""
    return Random(number).choice(OPTIONS)


def compare_text(text: str, options: Options) -> Compared:
    """One program."""
    compared = Compared(text, options)
    try:
        with patch.object(control, "ROUNDS", ROUNDS):
            _ask_all(compared)
    except TooMuch as much:
        compared.left_out = str(much)
        return compared
    answers = compared.answers
    for name in ("state search", "partial orders", "reference"):
        if name in answers:
            compared.problem += _differences(name, answers[name], answers["brute force"])
    return compared


def only_in_exact_time(number: int) -> frozenset[str] | None:
    """Outcomes that exact time has and free time has not: none, as free time is any time at all.

    None for a program that is too large.
    """
    text = text_of(document(number))
    found = []
    for options in (Options(exact=True), Options()):
        machine = StateMachine(model_of(plan_of(text)), options)
        try:
            number_of_paths(machine, PATHS)
            _, ends, _ = walk(machine, PATHS)
        except TooMuch:
            return None
        found.append(outcomes_of_states(machine, ends))
    return found[0] - found[1]


def _ask_all(compared: Compared) -> None:
    plan = plan_of(compared.text)
    machine = StateMachine(model_of(plan), compared.options, excused(plan))
    asked = questions(plan)
    judge = Judge(machine, asked)
    number_of_paths(machine, PATHS)
    compared.answers["reference"] = _reference(plan, compared.options, judge, machine)
    compared.paths, ends, marks = walk(machine, PATHS)
    compared.answers["brute force"] = _of_states(judge, ends, frozenset(judge.marks((marks,))))
    for name, search in (("state search", prove), ("partial orders", dpor)):
        recording = Recording(machine, asked)
        covered: Covered = search(machine, recording, Budget(Limits()), wrong=lambda key: False)
        assert covered.complete, f"{name}: {covered.spent}"
        outcomes = outcomes_of_states(machine, recording.ends)
        compared.answers[name] = Answer(frozenset(covered.sights), outcomes)


def _of_states(judge: Judge, ends: set[State], marks: frozenset[Key]) -> Answer:
    keys = marks.union(*(judge.end(state) for state in ends))
    return Answer(frozenset(keys), outcomes_of_states(judge.machine, ends))


def _reference(plan: Plan, options: Options, judge: Judge, machine: StateMachine) -> Answer:
    keys: set[Key] = set()
    outcomes: set[str] = set()
    for world in schedules(plan, options, SCHEDULES):
        keys |= keys_of_world(world, judge)
        outcomes.add(outcome(machine.model, facts_of_world(world)))
    return Answer(frozenset(keys), frozenset(outcomes))


def _differences(name: str, one: Answer, other: Answer) -> str:
    told = []
    for what, these, those in zip(("key", "outcome"), one, other, strict=True):
        told += [f"{name} alone has the {what} {it}\n" for it in sorted(map(str, these - those))]
        told += [f"{name} lacks the {what} {it}\n" for it in sorted(map(str, those - these))]
    return "".join(told)
