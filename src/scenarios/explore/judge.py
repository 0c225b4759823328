"""Which expectations and checkers have something to say of a state, as keys of what was seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from scenarios.engine.expectations import defaults, evaluate
from scenarios.explore.acting import CRASHED, LOST_TRACK, MISUSED, STARVED, STRANGE, UNREAD
from scenarios.explore.facts import UNKNOWN, facts, statistics
from scenarios.explore.machine import State, StateMachine, Transition
from scenarios.explore.mentions import all_expectations
from scenarios.expressions import compile_expression, prepare
from scenarios.plan import Plan
from scenarios.resources.semaphores import Semaphore
from scenarios.scenario import Expectation, Level

LEVELS: dict[str, Level] = {
    "deadlock": "error",
    "livelock": "error",
    "lost_item": "error",
    "duplicated_item": "error",
    "fifo": "error",
    "mutual_exclusion": "error",
    "unread_item": "warn",
    "leak": "error",
    "crash": "error",
    "isolation": "error",
    "serializable": "warn",
    "data_race": "warn",
    "lock_order": "warn",
    "starvation": "off",
}
"""The checkers and their levels where a file says nothing else."""

OF_THE_WHOLE = frozenset({"livelock", "data_race", "lock_order"})
"""What is found by looking at many states together, not at the end of one schedule."""

MARKED = {
    "mutual_exclusion": MISUSED,
    "isolation": STRANGE,
    "crash": CRASHED,
    "starvation": STARVED,
}
"""What is seen the moment that it happens."""

Key = tuple[str, Any]
"""("found", checker); ("race", value): a data race about it; ("expect", number): an always or never
that is violated, a sometimes that holds; ("given", (number, checkers)): the same, if exactly these
are found of what many states show together."""


@dataclass(frozen=True, slots=True)
class Question:
    """One expectation, the default ones included; `unknown` says why it cannot be answered."""

    number: int
    expectation: Expectation
    default: bool
    asks: frozenset[str]  # the checkers that it mentions
    unknown: str = ""
    ends: bool = True  # whether it speaks of ends, and not only of what many states show together

    @property
    def key(self) -> Key:
        """What it is seen as."""
        return "expect", self.number

    @property
    def whole(self) -> frozenset[str]:
        """What it asks that no single end can tell."""
        return self.asks & OF_THE_WHOLE


def questions(plan: Plan) -> tuple[Question, ...]:
    """Every expectation whose `if` holds, then the defaults."""
    found = list(_written(plan))
    scenario = plan.scenario
    for worker, text in defaults(scenario):
        line = scenario.workers[worker].line
        expression = compile_expression(text, reads=False)
        made = Expectation("always", expression, text=text, line=line)
        found.append(Question(len(found), made, True, frozenset()))
    return tuple(found)


def _written(plan: Plan) -> Iterator[Question]:
    scope: dict[str, Any] = {}
    prepare(scope)
    scope |= {"vars": plan.scenario.vars, "matrix": plan.scenario.matrix}
    number = 0
    for owner, expectation in all_expectations(plan.scenario):
        condition = expectation.condition
        if condition is not None and not evaluate(condition, scope)[0]:
            continue
        paths = [path for path, _ in expectation.expression.paths]
        asks = frozenset(path[1] for path in paths if path[0] == "found" and len(path) > 1)
        ends = not paths or not asks <= OF_THE_WHOLE or any(path[0] != "found" for path in paths)
        yield Question(number, expectation, False, asks, _unknown(paths, owner), ends)
        number += 1


def _unknown(paths: list[tuple[str, ...]], owner: str | None) -> str:
    for path in paths:
        asked = set(path[1:] if path[0] not in ("vars", "matrix", "values") else ())
        asked |= {path[0]} if owner else set()
        if asked & UNKNOWN:
            return f"exploring knows nothing of {'.'.join(path)}"
    return ""


def levels(plan: Plan) -> dict[str, Level]:
    """The level of each checker in this file."""
    return LEVELS | {name: check.level for name, check in plan.scenario.checks.items()}


def excused(plan: Plan) -> frozenset[str]:
    """Workers of which an expectation mentions how they end: their failure is no crash."""
    by_default = {worker for worker, _ in defaults(plan.scenario)}
    return frozenset(plan.scenario.workers) - by_default


class Judge:
    """Asks all questions of states; remembers what it has answered."""

    def __init__(self, machine: StateMachine, asked: tuple[Question, ...]) -> None:
        self.machine = machine
        self.questions = asked
        self.levels = levels(machine.model.plan)
        self.serial: frozenset[Any] | None = None
        self._queues = {
            name for name, section, _ in machine.model.plan.resources if section == "queues"
        }
        self._kinds = {name: of.kind for name, of in machine.model.plan.scenario.queues.items()}
        self._answers: dict[State, frozenset[Key]] = {}

    def marks(self, state: State) -> frozenset[Key]:
        """What has gone wrong on the way here."""
        there = (name for name, mark in MARKED.items() if state[-1] & mark)
        return frozenset(("found", name) for name in there if self.levels[name] != "off")

    def recall(self, memory: None, state: State, ahead: Sequence[Transition]) -> None:
        """Nothing of a schedule has to be remembered."""

    def at(self, memory: None, state: State, ahead: Sequence[Transition]) -> frozenset[Key]:
        """What is seen at a state, where this can happen."""
        return self.marks(state) if ahead else self.end(state)

    def end(self, state: State) -> frozenset[Key]:
        """Everything that is seen at a state where nothing can go on."""
        seen = self._answers.get(state)
        if seen is None:
            seen = self._answers[state] = self._end(state)
        return seen

    def _end(self, state: State) -> frozenset[Key]:
        if state[-1] & LOST_TRACK:
            return self.marks(state)
        ended = self.machine.life.over(state)
        found = {name for _, name in self.marks(state)} | self._found(state, ended)
        found = {name for name in found if self.levels[name] != "off"}
        keys: set[Key] = {("found", name) for name in found}
        names = None
        for question in self.questions:
            if question.unknown or not question.ends or not (ended or question.asks):
                continue
            names = facts(self.machine, state) if names is None else names
            if not question.whole and seen(question, names, found):
                keys.add(question.key)
            for given in subsets(question.whole) if question.whole else ():
                if seen(question, names, found | given):
                    keys.add(("given", (question.number, given)))
        return frozenset(keys)

    def _found(self, state: State, ended: bool) -> set[str]:
        """What checkers find at an end."""
        found: set[str] = set()
        counts = statistics(self.machine, state)
        for name in self._queues:
            of = counts[name]
            found |= {"lost_item"} if of["lost"] > 0 else set()
            found |= {"duplicated_item"} if of["duplicated"] > 0 else set()
            found |= {"fifo"} if self._kinds[name] == "fifo" and not of["fifo"] else set()
        if not ended:
            return found | {"deadlock"}
        if state[-1] & UNREAD or any(counts[name]["left"] for name in self._queues):
            found.add("unread_item")
        if any(self._leaks(name, of) for name, of in counts.items()):
            found.add("leak")
        if self.serial and self.outcome(state) not in self.serial:
            found.add("serializable")
        return found

    def _leaks(self, name: str, of: dict[str, Any]) -> bool:
        if of.get("held"):
            return True
        machine = self.machine.model.machines[name]
        return isinstance(machine, Semaphore) and machine.bounded and of["permits"] < of["initial"]

    def outcome(self, state: State) -> Any:
        """Final values and results, which a serial order has to give as well."""
        names = facts(self.machine, state)
        workers = [
            (
                name,
                repr(sorted(map(repr, of["results"])))
                if _alike(self.machine, name)
                else repr(of["results"]),
            )
            for name, of in names["workers"].items()
        ]
        return repr(names["values"]), tuple(workers)


def _alike(machine: StateMachine, name: str) -> bool:
    group = machine.model.by_name[name]
    return group[0].alike or machine.model.mentions.alike(group[0].declared)


def subsets(names: frozenset[str]) -> list[frozenset[str]]:
    """Each choice of some of them, none and all included."""
    made = [frozenset[str]()]
    for name in sorted(names):
        made += [one | {name} for one in made]
    return made


def seen(question: Question, names: dict[str, Any], found: set[str]) -> bool:
    """Whether an always or never is violated here, or a sometimes holds."""
    scope: dict[str, Any] = {}
    prepare(scope)
    scope.update(names)
    scope["found"] = {name: name in found for name in LEVELS}
    expectation = question.expectation
    if expectation.worker is not None:
        scope.update(names["workers"][expectation.worker])
    holds, problem = evaluate(expectation.expression, scope)
    if problem:
        return expectation.kind != "sometimes"
    return bool(holds) == (expectation.kind != "always")


def is_wrong(judge: Judge) -> Callable[[Key], bool]:
    """Which keys are against the scenario."""
    asked = frozenset[str]().union(*(question.asks for question in judge.questions))

    def wrong(key: Key) -> bool:
        kind, what = key
        if kind == "found":
            return judge.levels[what] == "error" and what not in asked
        return kind == "expect" and judge.questions[what].expectation.kind != "sometimes"

    return wrong
