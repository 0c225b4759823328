"""Real runs are paths of the state machine, on threads and on processes; changed logs are not."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from explore.programs import document, text_of
from loads import SPECS
from running import Ran
from running import run as run_text
from scenarios import history
from scenarios import plan as planning
from scenarios.errors import ScenariosError
from scenarios.explore.budget import Limits
from scenarios.explore.conforming import LIMITS, Conformity, check
from scenarios.explore.model import model_of
from scenarios.loading import load
from scenarios.plan import Plan

GALLERY = Path(__file__).parents[2] / "scenarios"
FILES = sorted(
    path
    for folder in ("tutorial", "bugs", "patterns")
    for path in (GALLERY / folder).glob("*.yaml")
)
HANGS = {  # in every order of their steps: their runs have no end that could be compared
    "barrier-parties", "full-ring", "pool-deadlock", "self-deadlock", "stale-copy",
}  # fmt: skip

Events = list[dict[str, Any]]


def plan_of(path: Path, executor: str | None = None) -> Plan | None:
    """The plan of a file whose workers are steps; None where an executor cannot run it."""
    swaps: dict[str | None, str] = {} if executor is None else {None: executor}
    try:
        made = planning.make(load(path, swaps=swaps, specs=SPECS).scenarios[0], specs=SPECS, seed=7)
    except ScenariosError:
        return None
    return None if model_of(made).unmodelled else made


def ran(tmp_path: Path, plan: Plan) -> Ran:
    """A real run of a plan."""
    from scenarios import engine, runs

    with runs.create(tmp_path, plan.scenario.name, None, plan.scenario.text) as folder:
        result = engine.run(plan, folder=folder, observer=lambda event: None)
        return Ran(result, folder.path)


def conformity(
    plan: Plan, of: Ran, events: Events | None = None, limits: Limits = LIMITS
) -> Conformity:
    """Whether a run, or the same with another log, is a path of the machine."""
    read = list(history.of_run(of.folder)) if events is None else events
    return check(plan, read, result=of.result, folder=str(of.folder), limits=limits)


@pytest.mark.slow
@pytest.mark.parametrize("executor", ["thread", "process"])
@pytest.mark.parametrize("chunk", range(4))
def test_every_gallery_scenario_is_a_path(chunk: int, executor: str, tmp_path: Path) -> None:
    """Whatever order the system chose, the machine has it, with the same answers and end."""
    looked = 0
    for path in FILES[chunk::4]:
        plan = plan_of(path, executor) or plan_of(path)
        if plan is None or path.stem in HANGS or plan.scenario.timeout > 30:
            continue
        of = ran(tmp_path, plan)
        found = conformity(plan, of)
        assert found.answer != "differs", f"{path.name}: {found}"  # unknown: of inexact answers
        looked += found.answer == "conforms"
    assert looked > 5


@pytest.mark.slow
@pytest.mark.parametrize("executor", [None, "process"])
def test_random_programs_run_for_real_are_paths(executor: str | None, tmp_path: Path) -> None:
    """Those of the fuzz, as they stand and with processes; one that is too long is left out."""
    answers: Counter[str] = Counter()
    for number in range(20_000, 20_000 + 20):
        folder = tmp_path / str(number)
        folder.mkdir()
        path = folder / "scenario.yaml"
        path.write_text(text_of(document(number)) + "timeout: 1s\n")
        plan = plan_of(path, executor)
        if plan is None:
            continue
        of = ran(folder, plan)
        found = conformity(plan, of, limits=Limits(states=100_000, seconds=20.0))
        assert found.answer != "differs", f"{number}: {found}\n{path.read_text()}"
        answers[found.answer] += 1
    print(f"random programs, run for real: {dict(answers)}")
    assert answers["conforms"] >= 15


QUEUE = """
queues: {q: {}}
workers:
  a: {executor: EXECUTOR, steps: [{put: q, value: 1}, {put: q, value: 2}]}
  b:
    executor: EXECUTOR
    steps: [{get: q, into: x}, {get: q, into: y}, {return: ["${x}", "${y}"]}]
"""
LOCK = """
locks: {g: {}}
values: {n: 0}
workers:
  a: {executor: EXECUTOR, steps: [{with: g, steps: [{read: n, into: x}, {write: n, value: 1}]}]}
  b:
    executor: EXECUTOR
    depends_on: [a]
    steps: [{with: g, steps: [{read: n, into: x}]}, {return: "${x}"}]
"""
BARRIER = """
barriers: {m: {parties: 2}}
values: {n: 0}
workers:
  a: {executor: EXECUTOR, steps: [{update: n, to: old + 1}, {wait: m}, {read: n, into: x}]}
  b: {executor: EXECUTOR, steps: [{sleep: 30ms}, {update: n, to: old + 1}, {wait: m}]}
"""
CODE = """
values: {n: 0}
workers:
  a:
    executor: EXECUTOR
    steps:
      - {call: "random:random", into: x}
      - {run: [date, +%N], into: y}
      - {write: n, value: "${[x, y.exit_code]}"}
  b: {executor: EXECUTOR, depends_on: [a], steps: [{read: n, into: z}, {return: "${z}"}]}
"""


def ops(events: Events, event: str, op: str) -> Events:
    """The events of one kind of operation."""
    return [one for one in events if one["event"] == event and one.get("op") == op]


def swap_gets(events: Events) -> None:
    """The second item came before the first."""
    first, second = ops(events, "ok", "get")
    for key in ("value", "item"):
        first[key], second[key] = second[key], first[key]


def got_twice(events: Events) -> None:
    """The first item came once more."""
    first, second = ops(events, "ok", "get")
    second.update(value=first["value"], item=first["item"])


def got_before_put(events: Events) -> None:
    """A get had ended before the put of its item began."""
    put, get = ops(events, "invoke", "put")[0]["time"], ops(events, "ok", "get")[0]
    begun = ops(events, "invoke", "get")[0]
    begun["time"], get["time"] = put - 2, put - 1
    events.sort(key=lambda one: one["time"])


def another_value(events: Events) -> None:
    """A read gave what nobody had written."""
    ops(events, "ok", "read")[-1]["value"] = 5


def no_release(events: Events) -> None:
    """The lock was not given back, and the next one had it all the same."""
    for event in ("invoke", "ok"):
        events.remove(ops(events, event, "release")[0])


def other_holder(events: Events) -> None:
    """The lock was taken by two at once: the second one's acquire came before the release."""
    released = ops(events, "ok", "release")[0]
    for event in ("invoke", "ok"):
        taken = ops(events, event, "acquire")[1]
        taken["time"] = ops(events, "ok", "acquire")[0]["time"] + (1 if event == "invoke" else 2)
    assert released["time"] > taken["time"]
    events.sort(key=lambda one: one["time"])


def left_early(events: Events) -> None:
    """One went on from the barrier before the other had come."""
    waits = ops(events, "ok", "wait")
    begun = ops(events, "invoke", "wait")
    first = min(begun, key=lambda one: one["time"])
    mine = next(one for one in waits if one["worker"] == first["worker"])
    mine["time"] = first["time"] + 1
    events.sort(key=lambda one: one["time"])


def other_answer(events: Events) -> None:
    """Python code had given something else than what was written then."""
    ops(events, "ok", "call")[0]["value"] = 5.0


def other_exit(events: Events) -> None:
    """A command had ended otherwise than what was written then."""
    ops(events, "ok", "run")[0]["value"]["exit_code"] = 5


MUTATIONS: list[tuple[str, Callable[[Events], None]]] = [
    (QUEUE, swap_gets),
    (QUEUE, got_twice),
    (QUEUE, got_before_put),
    (LOCK, another_value),
    (LOCK, no_release),
    (LOCK, other_holder),
    (BARRIER, left_early),
    (CODE, other_answer),
    (CODE, other_exit),
]


@pytest.mark.parametrize("executor", ["thread", "process"])
@pytest.mark.parametrize(("text", "change"), MUTATIONS, ids=[one[1].__name__ for one in MUTATIONS])
def test_a_changed_log_is_rejected(
    text: str, change: Callable[[Events], None], executor: str, tmp_path: Path
) -> None:
    """The log as it was conforms; changed in one thing it does not."""
    of = run_text(tmp_path, text.replace("EXECUTOR", executor))
    plan = plan_of(Path(of.result["file"]))
    assert plan is not None
    events = list(history.of_run(of.folder))
    assert conformity(plan, of, copy.deepcopy(events)).answer == "conforms"
    changed = copy.deepcopy(events)
    change(changed)
    assert changed != events
    assert conformity(plan, of, changed).answer == "differs"
