"""The searches: how much they look at, what they find, and where they stop."""

from __future__ import annotations

import pytest

from exploring import RACE, budget, explored, judge, machine
from scenarios.explore.budget import Limits
from scenarios.explore.dpor import dpor
from scenarios.explore.exploring import MODES, Mode
from scenarios.explore.judge import is_wrong
from scenarios.explore.livelock import livelock
from scenarios.explore.machine import Options
from scenarios.explore.minimal import minimal
from scenarios.explore.prove import prove
from scenarios.explore.sampling import sample
from scenarios.explore.shrinking import cost_of, shrink

SPIN = """
values: {go: false}
workers:
  waiter: {executor: thread, steps: [{while: not values.go, steps: []}]}
  setter: {executor: thread, steps: [{write: go, value: true}]}
"""
"""One that asks again and again, which ends since states repeat."""

POLITE = """
values: {a: false, b: false}
workers:
  one:
    executor: thread
    steps:
      - {write: a, value: true}
      - {while: values.b, steps: [{write: a, value: false}, {write: a, value: true}]}
      - {write: a, value: false}
  two:
    executor: thread
    steps:
      - {write: b, value: true}
      - {while: values.a, steps: []}
      - {write: b, value: false}
"""


def philosophers(count: int, *, ordered: bool) -> str:
    """Each takes the fork on the left first, or the one of the lower number."""
    text = "locks:\n" + "".join(f"  f{number}: {{}}\n" for number in range(count)) + "workers:\n"
    for number in range(count):
        forks = [number, (number + 1) % count]
        first, second = sorted(forks) if ordered else forks
        text += (
            f"  p{number}:\n    executor: thread\n    steps:\n"
            f"      - {{with: f{first}, steps: [{{with: f{second}, steps: [{{log: eats}}]}}]}}\n"
        )
    return text


def test_state_search_visits_like_workers_as_one() -> None:
    """Five like workers have few states with symmetry; their counterexample is [1, 10]."""
    of = machine(RACE)
    covered = prove(of, judge(of), budget(), wrong=lambda _: False)
    assert (covered.complete, covered.states) == (True, 112)
    (shortest,) = minimal(of, judge(of), {("expect", 0)}, budget()).values()
    assert (shortest.preemptions, shortest.steps) == (1, 10)


def test_partial_order_reduction_looks_at_each_trace_once() -> None:
    """Five racy increments have 113,400 interleavings and 14,400 traces."""
    of = machine(RACE)
    covered = dpor(of, judge(of), budget(), wrong=lambda _: False)
    assert (covered.complete, covered.schedules) == (True, 14_400)


def test_a_time_out_that_may_come_early_is_no_last_resort() -> None:
    """It ends the foreground, which can stop the other one before its only step."""
    text = """
conditions: {ready: {}}
workers:
  idle: {executor: thread, background: true, steps: [{sleep: 1s}]}
  patient:
    executor: thread
    steps: [{with: ready, steps: [{wait: ready, timeout: 1s, otherwise: []}]}]
expect: [{always: "workers.idle.state != 'terminated'"}]
"""
    found = explored(text, Options(early=True), mode="dpor")
    assert found.covered.complete
    assert found.wrong == [("expect", 0)]


def test_ten_philosophers_by_partial_order_reduction() -> None:
    """What has too many states for a quick search has few schedules that differ."""
    of = machine(philosophers(10, ordered=True))
    covered = dpor(of, judge(of), budget(), wrong=lambda _: False)
    assert covered.complete
    assert ("found", "deadlock") not in covered.sights
    assert covered.schedules < 2_000


RELAY = """
queues: {q: {}}
values: {v: 0}
workers:
  a: {executor: thread, steps: [{write: v, value: 1}]}
  b: {executor: thread, replicas: 2, steps: [{size: q}]}
  c: {executor: inline, depends_on: [b], steps: [{write: v, value: 2}]}
expect: [{sometimes: values.v == 1}, {sometimes: values.v == 2}]
"""


@pytest.mark.parametrize("mode", MODES)
def test_whoever_ends_last_starts_the_next(mode: Mode) -> None:
    """Which step starts another worker depends on the order: partial orders must not rely on it."""
    found = explored(RELAY, mode=mode, limits=Limits(schedules=200, seconds=30))
    assert [found.schedule(("expect", number)) is not None for number in (0, 1)] == [True, True]


@pytest.mark.parametrize("count", [3, 5])
def test_philosophers(count: int) -> None:
    """The left fork first: a deadlock once each has one. The lower fork first: none."""
    bug = explored(philosophers(count, ordered=False))
    shortest = bug.shortest["found", "deadlock"]
    assert (bug.verdict, shortest.preemptions, shortest.steps) == ("bug", 1, count)
    assert explored(philosophers(count, ordered=True)).verdict == "proved"


def test_spinning_ends() -> None:
    """A loop that asks for a value comes back to the same state, and is no livelock."""
    assert explored(SPIN).verdict == "proved"


def test_politeness_for_ever() -> None:
    """Steps that go on without an end in reach are a livelock, steps that can end are none."""
    assert explored(POLITE).verdict == "proved"
    stuck = SPIN.replace("{write: go, value: true}", "{write: go, value: false}")
    found = explored(stuck)
    assert (found.verdict, found.wrong) == ("bug", [("found", "livelock")])
    of = machine(stuck)
    assert livelock(of, budget()) is not None


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_finds_the_lost_update(mode: Mode) -> None:
    """Whatever search is asked for."""
    found = explored(RACE, mode=mode, seed=3)
    assert (found.verdict, found.exit) == ("bug", 1)
    assert ("expect", 0) in found.shortest


@pytest.mark.parametrize("mode", ["random", "pct", "pos"])
def test_sampling_proves_nothing(mode: Mode) -> None:
    """However many schedules passed."""
    found = explored(philosophers(3, ordered=True), mode=mode, limits=Limits(schedules=300))
    assert (found.verdict, found.exit) == ("no bug within 300 schedules", 3)


def test_the_same_seed_draws_the_same_schedules() -> None:
    """Two samplings of one seed are one, and another seed gives another."""

    def drawn(seed: int) -> object:
        of = machine(RACE)
        return sample(of, judge(of), budget(), wrong=is_wrong(judge(of)), seed=seed).sights

    assert drawn(5) == drawn(5)
    assert drawn(5) != drawn(6)


def test_a_sampled_schedule_is_shrunk() -> None:
    """It shows the same with no more preemptions and steps, mostly with far less."""
    of = machine(RACE)
    drawn = sample(of, judge(of), budget(), wrong=is_wrong(judge(of)), seed=5)
    key = ("expect", 0)
    shorter = shrink(of, judge(of), key, drawn.sights[key], budget())
    assert cost_of(of, shorter) == (1, 10)


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (Limits(states=50), "50 states"),
        (Limits(seconds=0.05), "seconds"),
        (Limits(states=10**9, memory=1), "GiB of memory"),
    ],
)
def test_a_budget_that_runs_out(limits: Limits, said: str) -> None:
    """What was covered is told, and nothing is called proved."""
    found = explored(philosophers(10, ordered=True), limits=limits, mode="prove")
    assert said in found.covered.spent
    assert (found.exit, found.covered.complete) == (3, False)
    assert found.verdict == f"no bug within {found.covered.states:,} states"


def test_automatic_mode_goes_on_to_schedules() -> None:
    """Where states are too many, partial-order reduction decides."""
    found = explored(philosophers(7, ordered=True), limits=Limits(states=2_000, seconds=40))
    assert (found.verdict, found.exit) == ("proved", 0)
    assert found.covered.how == "state search, then partial-order reduction"


def test_a_worker_that_never_ends_is_not_proved() -> None:
    """Values that grow for ever have no end of states."""
    text = """
values: {n: 0}
workers:
  w: {executor: thread, steps: [{forever: , steps: [{update: n, to: old + 1}]}]}
"""
    found = explored(text, limits=Limits(states=500, schedules=3, seconds=5))
    assert found.exit == 3


@pytest.mark.parametrize("mode", [mode for mode in MODES if mode != "prove"])
def test_schedules_are_counted_exactly(mode: Mode) -> None:
    """In all searches together, where there are several."""
    limits = Limits(states=100, schedules=37, seconds=30)
    found = explored(philosophers(9, ordered=True), mode=mode, limits=limits)
    assert found.covered.schedules <= 37
    assert mode == "dpor" or found.covered.schedules == 37
    assert found.covered.spent in ("37 schedules", "100 states")
    assert (found.exit, found.verdict) == (3, f"no bug within {found.covered.schedules} schedules")


@pytest.mark.parametrize("search", [1, 2])
def test_ctrl_c_loses_nothing_that_was_found(search: int) -> None:
    """In the search of states, or in the one for the shortest schedule, which is not needed."""
    searches = []

    def tell(text: str) -> None:
        searches.extend([text] if text.startswith("512 states") else [])
        if len(searches) == search:
            raise KeyboardInterrupt

    found = explored(philosophers(5, ordered=False), mode="prove", tell=tell)
    assert found.interrupted
    assert found.covered.complete == (search == 2)
    shown = {key for key in found.covered.sights if found.schedule(key) is not None}
    assert found.covered.sights.keys() - shown <= {("found", "lock_order")}
    assert found.exit == (1 if found.wrong else 130)
    if search == 2:
        whole = explored(philosophers(5, ordered=False), mode="prove")
        assert found.wrong == whole.wrong == [("found", "deadlock")]
        assert not whole.interrupted
