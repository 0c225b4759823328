"""Orders as text, their files, and following them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exploring import RACE, explored, judge, machine, plan
from scenarios.errors import UsageError
from scenarios.explore import reporting, schedule
from scenarios.explore.judge import is_wrong
from scenarios.explore.machine import FREE
from scenarios.explore.replaying import Divergence, regressions, replay

NAMES = st.sampled_from(["a", "reader.0", "post#2", "a-b", "stop(a)", "timeout(r.1)", "drain()"])


@given(st.lists(NAMES, max_size=30))
def test_run_lengths_are_the_order(order: list[str]) -> None:
    """What is shortened is lengthened to the same."""
    assert schedule.lengthen(schedule.shorten(order)) == tuple(order)


@pytest.mark.parametrize("text", ["a x0", "a b", "a,,b", "x3 x", "a x", "(a)"])
def test_an_order_that_cannot_be_read(text: str) -> None:
    """It is told with an example."""
    with pytest.raises(UsageError, match=r"writer x3, reader x1"):
        schedule.lengthen(text)


def test_a_schedule_is_a_small_text_file() -> None:
    """What is written is read again, key by key."""
    found = explored(RACE)
    (made,) = [
        one for key, one in reporting.schedules(found, "1.2", {}).items() if key[0] == "expect"
    ]
    text = schedule.dump(made)
    assert schedule.parse(text, "file") == made
    assert 'order: "w.0 x1, w.1 x8' in text or "order: " in text
    assert len(text.splitlines()) < 20


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("scenarios_schedule: 2\n", "no schedule of format 1"),
        ("scenarios_schedule: 1\nfile: x\n", "file:2: a line of a schedule is a key and a JSON"),
        ("scenarios_schedule: 1\n", "lacks or has a wrong key"),
    ],
)
def test_a_damaged_file(text: str, message: str) -> None:
    """It is refused with the place and what to do."""
    with pytest.raises(UsageError, match=message):
        schedule.parse(text, "file")


def test_a_replay_is_the_same_each_time() -> None:
    """100 of 100."""
    found = explored(RACE)
    order = schedule.names(machine(RACE), found.shortest["expect", 0].path)
    first = replay(plan(RACE), FREE, order, "here")
    for _ in range(99):
        again = replay(plan(RACE), FREE, order, "here")
        assert (again.path, again.keys) == (first.path, first.keys)
    assert ("expect", 0) in first.keys


def test_a_partial_order_goes_on_without_switching() -> None:
    """What is not said is done by the one who is at it."""
    found = replay(plan(RACE), FREE, ["w.3"], "here")
    assert schedule.shorten(schedule.names(found.machine, found.path[:2])) == "w.3 x2"
    assert not any(map(is_wrong(found.judge), found.keys))


def test_an_order_that_the_scenario_does_not_allow() -> None:
    """The step, who was to go on, and who can."""
    with pytest.raises(Divergence, match=r"at step 3 of 3: w\.0 cannot go on there, w\.1, .* can"):
        replay(plan(RACE), FREE, ["w.0", "w.0", "w.0"], "here")
    with pytest.raises(Divergence, match=r"at step 1 of 1: x is no worker of it"):
        replay(plan(RACE), FREE, ["x"], "here")


def test_schedules_of_a_file_are_tests() -> None:
    """Each is followed to its end: right, wrong, or not possible any more."""
    text = RACE + "schedules: {right: [w.0, w.0, w.1], wrong: [w.0, w.1], gone: [v], odd: {a: 1}}\n"
    of = machine(text)
    told = {one.name: one.problem for one in regressions(of, judge(of))}
    assert told["right"] == ""
    assert told["wrong"] == "it leads to: values.count == 5"
    assert "v is no worker of it" in told["gone"]
    assert "a schedule is a list of names" in told["odd"]
    assert explored(text).exit == 1
