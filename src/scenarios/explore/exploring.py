"""The pipeline of an exploration: model, search, what it saw, shortest schedules, verdict."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from scenarios.explore import dpor, sampling, serial, whole, witnesses
from scenarios.explore.budget import INTERRUPTED, Budget, Limits, Tell
from scenarios.explore.cut import Unmodelled
from scenarios.explore.judge import (
    Judge,
    Key,
    Question,
    excused,
    is_wrong,
    questions,
)
from scenarios.explore.machine import FREE, Options, StateMachine
from scenarios.explore.minimal import Shortest
from scenarios.explore.model import model_of
from scenarios.explore.prove import Covered, Path, prove
from scenarios.explore.replaying import Regression, regressions
from scenarios.explore.watch import Watch
from scenarios.plan import Plan

Mode = Literal["auto", "prove", "dpor", "random", "pct", "pos"]
MODES: tuple[Mode, ...] = ("auto", "prove", "dpor", "random", "pct", "pos")


@dataclass(frozen=True, slots=True)
class Settings:
    """How to explore: the search, how time is read, how much may be looked at."""

    mode: Mode = "auto"
    options: Options = FREE
    limits: Limits = field(default_factory=Limits)
    seed: int = 0
    tell: Tell = lambda _: None


@dataclass(slots=True)
class Exploration:
    """What an exploration has found out; `wrong` are the keys that decide against the scenario.

    `shortest` has the schedules that a person may want to see; `shown_by` tells for a key without
    one which other key's schedule shows it. `hidden` are those keys that cannot come about where
    sleeps and time-outs take their time, None where that is not known.
    """

    plan: Plan
    settings: Settings
    machine: StateMachine | None = None
    judge: Judge | None = None
    watch: Watch | None = None
    covered: Covered = field(default_factory=Covered)
    questions: tuple[Question, ...] = ()
    wrong: list[Key] = field(default_factory=list)
    unseen: list[Question] = field(default_factory=list)
    open: list[Question] = field(default_factory=list)
    shortest: dict[Key, Shortest] = field(default_factory=dict)
    shown_by: dict[Key, Key] = field(default_factory=dict)
    hidden: frozenset[Key] | None = None
    unmodelled: list[Unmodelled] = field(default_factory=list)
    tests: list[Regression] = field(default_factory=list)
    seconds: float = 0.0
    interrupted: bool = False
    """Whether Ctrl-C ended something of it early."""

    def schedule(self, key: Key) -> Shortest | None:
        """The schedule that shows a key, where there is one."""
        return self.shortest.get(self.shown_by.get(key, key))

    @property
    def failed(self) -> bool:
        """Whether something is wrong with the scenario."""
        return bool(self.wrong or self.unseen) or any(one.problem for one in self.tests)

    @property
    def exit(self) -> int:
        """1 a bug, 0 proved, 3 anything that is not decided, 130 interrupted without a bug."""
        if self.failed:
            return 1
        if self.interrupted and not self.covered.complete:
            return 130
        undecided = not self.whole or self.unmodelled or self.open
        return 3 if undecided else 0

    @property
    def whole(self) -> bool:
        """Whether every schedule was looked at; in exact time they are some of them only."""
        return self.covered.complete and not self.settings.options.exact

    @property
    def verdict(self) -> str:
        """bug, proved, declared, `no bug within ...`, `no bug in exact time` or inconclusive."""
        if self.failed:
            return "bug"
        if self.unmodelled or self.open or self.machine is None:
            return "inconclusive"
        if not self.covered.complete:
            return f"no bug within {self.bound}"
        if not self.whole:
            return "no bug in exact time"
        declared = any(
            kind == "found" and self.judge is not None and self.judge.levels[name] == "error"
            for kind, name in self.covered.sights
        )
        return "declared" if declared else "proved"

    @property
    def bound(self) -> str:
        """What was looked at, where it was not everything."""
        covered = self.covered
        if covered.states and not covered.schedules:
            return f"{covered.states:,} states"
        return f"{covered.schedules:,} schedules"


def explore(plan: Plan, settings: Settings) -> Exploration:
    """Explore a plan."""
    found = Exploration(plan, settings)
    model = model_of(plan)
    found.unmodelled = list(model.unmodelled)
    found.questions = questions(plan)
    if model.unmodelled:
        return found
    budget = Budget(settings.limits, settings.tell)
    found.machine = machine = StateMachine(model, settings.options, excused(plan))
    found.judge = judge = Judge(machine, found.questions)
    found.watch = watch = whole.watching(machine, judge)
    with _until_interrupted(found):
        if judge.levels["serializable"] != "off":
            aside = settings.limits.aside(serial.LIMITS)
            judge.serial = serial.outcomes(machine, judge.outcome, aside)
        found.tests = regressions(machine, judge)
        found.covered = _search(found, machine, judge, watch, budget)
        whole.add_livelock(machine, judge, found.covered, budget)
    found.shown_by = whole.sum_up(judge, watch, found.covered)
    _decide(found)
    with _until_interrupted(found):
        _show(found)
    found.unmodelled += list(machine.acting.unmodelled)
    found.unmodelled += _assumed(machine)
    found.unmodelled += _left_out(plan)
    found.seconds = budget.seconds
    return found


@contextmanager
def _until_interrupted(found: Exploration) -> Iterator[None]:
    """Ctrl-C ends what is done in here; what was found until then is told."""
    try:
        yield
    except KeyboardInterrupt:
        found.covered.spent = found.covered.spent or INTERRUPTED
        found.interrupted = True
    found.interrupted |= found.covered.spent == INTERRUPTED


# -- searching ---------------------------------------------------------------------------------


def _search(
    found: Exploration, machine: StateMachine, judge: Judge, watch: Watch, budget: Budget
) -> Covered:
    settings = found.settings
    wrong = is_wrong(judge)
    if settings.mode == "prove":
        return prove(machine, judge, budget, wrong=wrong, watch=watch)
    if settings.mode == "dpor":
        return dpor.dpor(machine, judge, budget, wrong=wrong, watch=watch)
    if settings.mode != "auto":
        names = (settings.mode,)
        return sampling.sample(
            machine, judge, budget, wrong=wrong, seed=settings.seed, names=names, watch=watch
        )
    return _by_itself(found, machine, judge, watch, budget)


def _by_itself(
    found: Exploration, machine: StateMachine, judge: Judge, watch: Watch, budget: Budget
) -> Covered:
    """States first; where they are too many, schedules without repetition; then at random."""
    wrong = is_wrong(judge)

    def part(share: float, schedules: int = 0) -> Budget:
        return dataclasses.replace(budget, share=share, schedules=schedules)

    covered = prove(machine, judge, part(0.5), wrong=wrong, watch=watch)
    if covered.complete or _enough(covered, wrong):
        return covered
    half = part(0.75, budget.limits.schedules // 2)
    visits = 10 * half.limits.states  # of which few are new
    half.limits = dataclasses.replace(half.limits, states=visits)
    again = dpor.dpor(machine, judge, half, wrong=wrong, watch=watch)
    if again.complete or _enough(again, wrong):
        return _joined(covered, again)
    covered = _joined(covered, again)
    rest = part(1.0, again.schedules)
    drawn = sampling.sample(
        machine, judge, rest, wrong=wrong, seed=found.settings.seed, watch=watch
    )
    return _joined(covered, drawn)


def _enough(covered: Covered, wrong: Callable[[Key], bool]) -> bool:
    stopped = covered.spent == INTERRUPTED or covered.lost
    return stopped or any(map(wrong, covered.sights))


def _joined(one: Covered, other: Covered) -> Covered:
    """Two searches of one scenario; it is complete where the second one is."""
    made = dataclasses.replace(other, sights={**other.sights, **one.sights})
    made.states += one.states
    made.transitions += one.transitions
    made.schedules += one.schedules
    made.ends += one.ends
    made.cycle = one.cycle or other.cycle
    made.how = f"{one.how}, then {other.how}"
    return made


# -- what it saw -------------------------------------------------------------------------------


def _decide(found: Exploration) -> None:
    assert found.judge is not None
    wrong = is_wrong(found.judge)
    found.wrong = [key for key in found.covered.sights if wrong(key)]
    for question in found.questions:
        sometimes = question.expectation.kind == "sometimes"
        if question.unknown:
            found.open += [] if sometimes else [question]
        elif sometimes and question.key not in found.covered.sights and found.whole:
            found.unseen.append(question)


def _show(found: Exploration) -> None:
    """Find the schedules that a person may want to see."""
    machine, judge, watch, sights = found.machine, found.judge, found.watch, found.covered.sights
    assert machine is not None and judge is not None and watch is not None
    wanted = {found.shown_by.get(key, key) for key in sights if key[0] != "given"}
    paths = {key: sights[key] for key in wanted if key in sights}
    limits, tell = found.settings.limits, found.settings.tell
    hurried = witnesses.HURRIED if found.interrupted else witnesses.SHORTEST
    budget = Budget(limits.aside(hurried), tell)
    witnesses.find(machine, judge, watch, paths, found.shortest, budget)
    if found.interrupted:
        found.hidden = None
    else:
        found.hidden = witnesses.hidden(judge, frozenset(sights), limits)


# -- what it cannot follow ---------------------------------------------------------------------


def _assumed(machine: StateMachine) -> list[Unmodelled]:
    """Calls that were taken to depend on their arguments alone, though nobody says so."""
    made: dict[Unmodelled, None] = {}
    for actor in machine.model.actors:
        for operation in machine.acting.calls.assumed.values():
            if any(step[1] is operation for step in actor.program.instructions if len(step) > 1):
                worker = machine.model.members[actor.member].plan.declared
                why = (
                    f"it calls {operation.detail}, which is not declared pure: it was called once "
                    "for each argument and taken to change nothing (add pure: true if that is so)"
                )
                made[Unmodelled(worker, operation.line, why)] = None
    return list(made)


def _left_out(plan: Plan) -> list[Unmodelled]:
    """What the file declares and exploring does not do."""
    left = []
    for fault in plan.scenario.faults:
        why = f"the fault {fault.kind} is not explored yet"
        left.append(Unmodelled(fault.target, fault.line, why))
    for worker in plan.scenario.workers.values():
        if worker.ready is not None:
            why = "how it gets ready cannot be known; it was taken as ready once it has started"
            left.append(Unmodelled(worker.name, worker.ready.line, why))
    return left


__all__ = ["MODES", "Exploration", "Path", "Settings", "explore"]
