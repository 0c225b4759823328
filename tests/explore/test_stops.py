"""The grace of a stop, and the pause before another attempt: in the machine and in real runs."""

from __future__ import annotations

import copy
import random
from pathlib import Path

import pytest

from explore.test_conforming import conformity, ops, plan_of
from exploring import ends, explored, machine
from running import run
from scenarios import history
from scenarios.explore.acting import KILL, RESTART
from scenarios.explore.facts import facts
from scenarios.explore.machine import FREE, Options, Transition
from scenarios.explore.real import drive

EXACT = Options(exact=True)

STOPPED = """
values: {{n: 0, m: 0}}
flags: {{f: {{}}, g: {{}}}}
locks: {{l: {{}}}}
checks: {{leak: off}}
workers:
  b:
    executor: EXECUTOR
    background: true
    stop: {{action: terminate, grace: 300ms}}
    steps: {steps}
  m: {{executor: EXECUTOR, steps: [{{sleep: 50ms}}]}}
"""

CLEAN_UPS = {
    "waits for ever": "[{try: [wait: f], finally: [wait: g]}]",
    "sleeps for too long": "[{try: [wait: f], finally: [{sleep: 1s}, {update: n, to: old + 1}]}]",
    "sleeps not for long": "[{try: [wait: f], finally: [{sleep: 1ms}, {update: n, to: old + 1}]}]",
    "holds a lock": "[{with: l, steps: [{try: [wait: f], finally: [wait: g]}]}]",
    "has another around it": (
        "[{try: [{try: [wait: f], finally: [wait: g]}],"
        " finally: [{log: bye}, {update: n, to: old + 1}]}]"
    ),
    "goes round": "[{try: [wait: f], finally: [{while: not flags.g, steps: [{sleep: 5ms}]}]}]",
    "waits with a time-out": "[{try: [wait: f], finally: [{wait: g, timeout: 5s}]}]",
}


def text_of(steps: str, executor: str = "thread") -> str:
    """A worker that is stopped, and what it does then."""
    return STOPPED.format(steps=steps).replace("EXECUTOR", executor)


def values_of(text: str, options: Options = FREE) -> set[int]:
    """What the value n may be at the end; the worker is terminated in any case."""
    of = machine(text, options)
    found = [facts(of, state) for state in ends(of)]
    assert {one["workers"]["b"]["state"] for one in found} == {"terminated"}
    return {one["values"]["n"] for one in found}


def test_who_sleeps_in_its_clean_up_may_be_forced_or_not() -> None:
    """In free time a sleep takes as long as it likes; in exact time the grace decides."""
    long, short = CLEAN_UPS["sleeps for too long"], CLEAN_UPS["sleeps not for long"]
    assert values_of(text_of(long)) == values_of(text_of(short)) == {0, 1}
    assert values_of(text_of(long), EXACT) == {0}
    # it may be stopped before it has begun with what the clean-up belongs to
    assert 1 in values_of(text_of(short), EXACT)


def test_who_can_go_on_is_not_forced() -> None:
    """The grace is longer than steps take."""
    steps = "[{try: [wait: f], finally: [{update: n, to: 1}, {update: n, to: old + 1}]}]"
    for options in (FREE, EXACT):
        assert values_of(text_of(steps), options) <= {0, 2}


def test_after_force_nothing_more_is_done() -> None:
    """Not even by the clean-up around it."""
    assert values_of(text_of(CLEAN_UPS["has another around it"])) == {0}


@pytest.mark.parametrize("options", [FREE, EXACT])
def test_without_a_grace_a_process_may_be_gone_before_it_hears_of_its_stop(
    options: Options,
) -> None:
    """Its clean-up runs, or not a step of it; a thread's is refused, but for what it logs."""
    steps = "[{try: [{wait: f}], finally: [{update: n, to: old + 1}, {update: m, to: old + 1}]}]"
    for executor, expected in (
        ("process", {(0, 0, -9), (0, 0, -15), (1, 0, -9), (1, 1, -15)}),
        ("thread", {(0, 0, None), (1, 1, None)}),
    ):
        of = machine(text_of(steps, executor).replace("300ms", "0s"), options)
        found = {
            (made["values"]["n"], made["values"]["m"], made["workers"]["b"]["exit_code"])
            for made in (facts(of, state) for state in ends(of))
        }
        assert found <= expected
        assert {one[2] for one in found} == {one[2] for one in expected}


@pytest.mark.parametrize("grace", ["0s", "300ms"])
def test_a_run_with_or_without_a_grace_is_a_path(grace: str, tmp_path: Path) -> None:
    """Whichever signal the process has met."""
    steps = "[{forever: , steps: [{with: l, steps: [{update: n, to: old + 1}]}, {sleep: 1ms}]}]"
    text = text_of(steps, "process").replace("300ms", grace)
    for number in range(5):
        folder = tmp_path / str(number)
        folder.mkdir()
        of = run(folder, text)
        plan = plan_of(Path(of.result["file"]))
        assert plan is not None
        found = conformity(plan, of)
        assert found.answer == "conforms", found


@pytest.mark.parametrize(("executor", "free"), [("thread", False), ("process", True)])
def test_a_lock_of_one_that_was_forced(executor: str, free: bool) -> None:
    """A dead process gives it back; a thread's stays held, and is told as a leak."""
    text = text_of(CLEAN_UPS["holds a lock"], executor).replace("leak: off", "leak: error")
    found = explored(text)
    assert found.verdict == ("proved" if free else "bug")
    assert (("found", "leak") in found.shortest) is not free


def test_a_clean_up_that_goes_round_is_no_livelock() -> None:
    """Force ends it."""
    assert explored(text_of(CLEAN_UPS["goes round"])).verdict == "proved"


@pytest.mark.parametrize("executor", ["thread", "process"])
@pytest.mark.parametrize("clean_up", CLEAN_UPS)
def test_a_run_with_force_is_a_path(clean_up: str, executor: str, tmp_path: Path) -> None:
    """Whether it was forced in a wait, in a sleep or between two steps."""
    forced = clean_up != "sleeps not for long"
    text = text_of(CLEAN_UPS[clean_up], executor)
    for old, new in {
        "g: {}": "g: {}, r: {}", "[wait: f]": "[{set_flag: r}, {wait: f}]",
        "{sleep: 50ms}": "{wait: r}", "300ms": "300ms" if forced else "10s",
    }.items():  # fmt: skip
        assert old in text
        text = text.replace(old, new)
    of = run(tmp_path, text)
    plan = plan_of(Path(of.result["file"]))
    assert plan is not None
    found = conformity(plan, of)
    assert found.answer == "conforms", found
    assert (KILL in {kind for kind, _ in found.path}) is forced


def test_force_before_the_grace_is_over_is_no_path(tmp_path: Path) -> None:
    """A log in which the clean-up was ended too early is rejected."""
    of = run(tmp_path, text_of(CLEAN_UPS["waits for ever"]))
    plan = plan_of(Path(of.result["file"]))
    assert plan is not None
    events = list(history.of_run(of.folder))
    assert conformity(plan, of, copy.deepcopy(events)).answer == "conforms"
    stopped = next(one for one in events if one["event"] == "worker_stopping")
    forced = ops(events, "fail", "wait")[-1]["time"]
    for one in events:
        if one["time"] > stopped["time"] + 200_000_000:
            one["time"] -= forced - stopped["time"] - 100_000_000
    assert ops(events, "fail", "wait")
    assert conformity(plan, of, events).answer == "differs"


@pytest.mark.parametrize("clean_up", CLEAN_UPS)
def test_real_threads_are_forced_where_the_machine_says(clean_up: str) -> None:
    """Random orders, each driven on real threads to the same end."""
    kinds = set()
    for seed in range(6):
        of = machine(text_of(CLEAN_UPS[clean_up]))
        draw, state, path = random.Random(seed), of.initial(), list[Transition]()
        while (ahead := of.enabled(state)) and len(path) < 60:
            path.append(draw.choice(ahead))
            state = of.step(state, path[-1])
        kinds |= {kind for kind, _ in path}
        assert drive(of.model.plan, of, tuple(path)).differences == ()
    assert KILL in kinds


# -- pauses ------------------------------------------------------------------------------------

AGAIN = """
values: {n: 0}
flags: {f: {}}
workers:
  b:
    executor: EXECUTOR
    background: true
    stop: {action: terminate}
    restart: {policy: always, max: 2, backoff: PAUSE}
    steps: [{update: n, to: old + 1}, {set_flag: f}]
  m: {executor: EXECUTOR, steps: [{wait: f}]}
"""


def again(executor: str, pause: str) -> str:
    """A background worker that starts again, and is stopped."""
    return AGAIN.replace("EXECUTOR", executor).replace("PAUSE", pause)


def test_a_stop_in_a_pause_ends_it() -> None:
    """It is terminated, and the attempt that it waited for never comes."""
    of = machine(again("thread", "1s"))
    found = {
        (made["values"]["n"], made["workers"]["b"]["state"], made["workers"]["b"]["restarts"])
        for made in (facts(of, state) for state in ends(of))
    }
    assert found == {
        (1, "succeeded", 0),  # it was asked to end before its end was heard
        (1, "terminated", 1),
        (2, "terminated", 1),
        (2, "succeeded", 1),
        (2, "terminated", 2),
        (3, "terminated", 2),
        (3, "succeeded", 2),
    }


@pytest.mark.parametrize("executor", ["thread", "process"])
@pytest.mark.parametrize("pause", ["2s", "1ms"])
def test_a_run_that_ends_in_a_pause_is_a_path(pause: str, executor: str, tmp_path: Path) -> None:
    """With the end that was recorded: how often it was restarted, and without an exit code."""
    of = run(tmp_path, again(executor, pause))
    plan = plan_of(Path(of.result["file"]))
    assert plan is not None
    found = conformity(plan, of)
    assert found.answer == "conforms", found
    if pause == "2s":  # where it was heard to end before the others, it waits to start again
        assert RESTART not in {kind for kind, _ in found.path}
        told = of.result["workers"]["b"]
        assert (told["state"], told["restarts"]) in (("terminated", 1), ("succeeded", 0))


def test_a_pause_on_real_threads() -> None:
    """Its end is a step of its own, whose order replays."""
    kinds = set()
    for seed in range(10):
        of = machine(again("thread", "1s"))
        draw, state, path = random.Random(seed), of.initial(), list[Transition]()
        while ahead := of.enabled(state):
            path.append(draw.choice(ahead))
            state = of.step(state, path[-1])
        kinds |= {kind for kind, _ in path}
        assert drive(of.model.plan, of, tuple(path)).differences == ()
    assert RESTART in kinds
