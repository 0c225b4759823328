"""Repeats a recorded order on the machine: the same result each time, or where it diverges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from scenarios.errors import UsageError
from scenarios.explore import serial, whole
from scenarios.explore.judge import Judge, Key, excused, is_wrong, questions
from scenarios.explore.machine import Options, State, StateMachine, Transition
from scenarios.explore.model import model_of
from scenarios.explore.prove import Covered, Path
from scenarios.explore.sampling import LONGEST
from scenarios.explore.schedule import lengthen, name
from scenarios.explore.shrinking import same_actor
from scenarios.explore.watch import Watch
from scenarios.plan import Plan


class Divergence(UsageError):
    """The scenario does not allow the recorded order, or the order no longer shows what it did."""


@dataclass(slots=True)
class Replayed:
    """Where an order has led: the whole path, and what is seen on it and at its end.

    `possible` are expectations that it decides only together with other schedules.
    """

    machine: StateMachine
    judge: Judge
    watch: Watch
    path: Path
    keys: frozenset[Key]
    state: State
    possible: frozenset[Key] = frozenset()
    shown_by: dict[Key, Key] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Regression:
    """A schedule that the scenario file names, and what is wrong with it ("": nothing)."""

    name: str
    problem: str = ""


def machine_of(plan: Plan, options: Options) -> tuple[StateMachine, Judge]:
    """A machine for a plan, and its judge; a UsageError where it cannot be explored."""
    model = model_of(plan)
    if model.unmodelled:
        one = model.unmodelled[0]
        raise UsageError(
            f'{plan.scenario.path}:{one.line}: worker "{one.worker}" has no schedules: {one.why}'
        )
    machine = StateMachine(model, options, excused(plan))
    judge = Judge(machine, questions(plan))
    if judge.levels["serializable"] != "off":
        judge.serial = serial.outcomes(machine, judge.outcome)
    return machine, judge


def replay(plan: Plan, options: Options, order: Sequence[str], where: str) -> Replayed:
    """Follow an order, then go on without switching to the end, or until steps go round.

    `where` names the order in errors. In a livelock the path ends where no end can be reached.
    """
    return follow(*machine_of(plan, options), order, where)


def follow(machine: StateMachine, judge: Judge, order: Sequence[str], where: str) -> Replayed:
    """See `replay`."""
    state = machine.initial()
    path: list[Transition] = []
    for number, wanted in enumerate(order, 1):
        ahead = machine.enabled(state)
        found = next((one for one in ahead if name(machine, one) == wanted), None)
        if found is None:
            raise Divergence(_diverged(machine, ahead, wanted, number, len(order), where))
        path.append(found)
        state = machine.step(state, found)
    length, there = len(path), state
    seen: set[tuple[State, Transition]] = set()
    ahead = machine.enabled(state)
    while ahead and not judge.marks(state) and len(path) < LONGEST:
        transition = same_actor(path, ahead)
        if (state, transition) in seen:
            break
        seen.add((state, transition))
        path.append(transition)
        state = machine.step(state, transition)
        ahead = machine.enabled(state)
    keys = judge.at(None, state, ahead)
    if ahead and not keys and whole.standing(machine, judge, state):
        keys = frozenset({whole.LIVELOCK})
        if whole.standing(machine, judge, there):
            path, state = path[:length], there
    return _summed_up(machine, judge, tuple(path), keys, state)


def _summed_up(
    machine: StateMachine, judge: Judge, path: Path, keys: frozenset[Key], state: State
) -> Replayed:
    """With what the states of the path show together, and the expectations on that."""
    more, watch = whole.on_path(machine, judge, path)
    covered = Covered(dict.fromkeys(keys | more, path))
    shown_by = whole.sum_up(judge, watch, covered)
    given = {what[0] for kind, what in keys if kind == "given"}
    possible = frozenset(("expect", number) for number in given)
    seen = frozenset(key for key in covered.sights if key[0] != "given")
    return Replayed(machine, judge, watch, path, seen, state, possible, shown_by)


def _diverged(
    machine: StateMachine,
    ahead: Sequence[Transition],
    wanted: str,
    number: int,
    length: int,
    where: str,
) -> str:
    known = {actor.name for actor in machine.model.actors}
    can = ", ".join(name(machine, one) for one in ahead) or "nobody"
    plain = wanted.partition("(")[2].rstrip(")") or wanted
    why = "cannot go on there" if plain in known or wanted.endswith("()") else "is no worker of it"
    return (
        f"{where}: the scenario diverges from the schedule at step {number} of {length}: {wanted} "
        f"{why}, {can} can; record it again with `scenarios explore`"
    )


def order_of(declared: Any) -> tuple[str, ...]:
    """The order that a file's `schedules` declares: a list of names, or run lengths as a text."""
    if isinstance(declared, Mapping):
        declared = declared.get("order", "")
    text = declared if isinstance(declared, str) else ", ".join(map(str, declared))
    if not text.strip():
        raise UsageError('a schedule is a list of names, or a text such as "writer x3, reader x1"')
    return lengthen(text)


def regressions(machine: StateMachine, judge: Judge) -> list[Regression]:
    """Follow each schedule that the file names."""
    made, plan = [], machine.model.plan
    for name_, declared in plan.scenario.schedules.items():
        where = f"{plan.scenario.path}: schedule {name_}"
        try:
            found = follow(machine, judge, order_of(declared), where)
        except UsageError as error:
            made.append(Regression(name_, str(error)))
            continue
        wrong = is_wrong(found.judge)
        bad = [key for key in found.keys if wrong(key)]
        names = ", ".join(sorted(_told(found.judge, key) for key in bad))
        made.append(Regression(name_, f"it leads to: {names}" if bad else ""))
    return made


def _told(judge: Judge, key: Key) -> str:
    kind, what = key
    return str(what) if kind == "found" else judge.questions[what].expectation.text
