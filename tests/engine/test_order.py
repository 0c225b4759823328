"""The order of events of many processes, compared with the order in which the hub acted."""

from __future__ import annotations

from itertools import combinations, pairwise
from typing import Any

import pytest

from running import Ran, run

RUN = """\
queues: {{free: {{}}, sync: {{sync: true}}}}
locks: {{guard: {{}}}}
values: {{count: 0}}
flags: {{ready: {{}}}}
barriers: {{all: {{parties: 5}}}}
workers:
  p:
    executor: process
    replicas: 2
    steps: &writer
      - {{wait: all}}
      - repeat: {rounds}
        steps:
          - {{put: free, value: 1}}
          - {{put: sync, value: 1}}
          - {{update: count, to: old + 1}}
          - {{with: guard, steps: [{{update: count, to: old + 1}}]}}
  t: {{executor: thread, steps: *writer}}
  s: {{executor: process, options: {{start_method: spawn}}, steps: *writer}}
  r:
    executor: process
    steps:
      - {{wait: all}}
      - {{set_flag: ready}}
      - {{repeat: {all}, steps: [{{get: free}}, {{get: sync}}]}}
  last: {{executor: thread, steps: [{{wait: ready}}]}}
"""

Span = tuple[dict[str, Any], dict[str, Any]]
"""The beginning and the end of an operation."""


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """A run of six workers in five processes that share everything."""
    done = run(tmp_path_factory.mktemp("order"), RUN.format(rounds=60, all=240))
    assert done.exit == 0, done.why
    return done


def spans(events: list[dict[str, Any]], op: str, name: str) -> list[Span]:
    """Every operation of a kind on a resource, in the order of its end."""
    begun: dict[str, dict[str, Any]] = {}
    found = []
    for event in events:
        if event.get("op") == op and event.get("object") == name:
            if event["event"] == "invoke":
                begun[event["worker"]] = event
            elif event["event"] == "ok":
                found.append((begun.pop(event["worker"]), event))
    return found


def before(one: Span, other: Span) -> bool:
    """Whether one was over when the other began: no order of the hub can turn them round."""
    return place(one[1]) < place(other[0])


def place(event: dict[str, Any]) -> tuple[int, int, int]:
    """Where an event stands."""
    return event["time"], event["pid"], event["seq"]


def consistent(ordered: list[Span]) -> bool:
    """Whether the order in which the hub acted contradicts none of the log's."""
    return not any(before(late, early) for early, late in combinations(ordered, 2))


def test_the_log_is_in_the_order_of_time(ran: Ran) -> None:
    """Of one process in the order of its numbers as well."""
    times = [event["time"] for event in ran.events]
    assert times == sorted(times)
    for pid in {event["pid"] for event in ran.events if "pid" in event}:
        mine = [event for event in ran.events if event.get("pid") == pid]
        threads = {event["thread"] for event in mine}
        for thread in threads:
            numbers = [event["seq"] for event in mine if event["thread"] == thread]
            assert numbers == sorted(set(numbers))
        assert len(mine) == len({event["seq"] for event in mine})


def test_every_item_is_put_before_it_is_got(ran: Ran) -> None:
    """The put of each begins before its get ends, in the file and by the clock."""
    begun, got = {}, {}
    for number, event in enumerate(ran.events):
        if (event.get("op"), event["event"]) == ("put", "invoke"):
            begun[event["item"]] = number
        elif (event.get("op"), event["event"]) == ("get", "ok"):
            got[event["item"]] = number
    assert len(begun) == len(got) == 480
    assert all(begun[item] < got[item] for item in got)


def test_a_counter_counts_in_the_order_of_the_hub(ran: Ran) -> None:
    """Each update has the value before it: that is the hub's order, and the log's allows it."""
    updates = sorted(spans(ran.events, "update", "count"), key=lambda span: span[1]["old"])
    assert [end["old"] for _, end in updates] == list(range(480))
    assert all(end["value"] == end["old"] + 1 for _, end in updates)
    assert consistent(updates)


def test_a_queue_whose_puts_wait_is_in_the_order_of_its_puts(ran: Ran) -> None:
    """One reader gets the items as the hub got them: no put that was over comes after another."""
    order = [end["item"] for _, end in spans(ran.events, "get", "sync")]
    puts = {end["item"]: (begin, end) for begin, end in spans(ran.events, "put", "sync")}
    assert consistent([puts[item] for item in order])


@pytest.mark.parametrize("queue", ["free", "sync"])
def test_the_items_of_one_writer_stay_in_order(queue: str, ran: Ran) -> None:
    """Whether its puts wait or not."""
    order = [end["item"].split(":") for _, end in spans(ran.events, "get", queue)]
    for writer in {who for who, _ in order}:
        numbers = [int(number) for who, number in order if who == writer]
        assert numbers == sorted(numbers)


def test_one_holder_at_a_time(ran: Ran) -> None:
    """Who has acquired the lock has it until the release begins; no other's time cuts that."""
    acquired = [end for _, end in spans(ran.events, "acquire", "guard")]
    released = [begin for begin, _ in spans(ran.events, "release", "guard")]
    held = sorted(
        (place(start), place(end))
        for worker in {event["worker"] for event in acquired}
        for start, end in zip(
            (event for event in acquired if event["worker"] == worker),
            (event for event in released if event["worker"] == worker),
            strict=True,
        )
    )
    assert len(held) == 240
    assert all(end < start for (_, end), (start, _) in pairwise(held))


def test_who_waits_goes_on_after_it_may(ran: Ran) -> None:
    """Nobody is past the barrier before the last has come, nor the flag before it is set."""
    waits = spans(ran.events, "wait", "all")
    assert max(place(begin) for begin, _ in waits) < min(place(end) for _, end in waits)
    ((set_, _),) = spans(ran.events, "set_flag", "ready")
    ((_, went),) = spans(ran.events, "wait", "ready")
    assert place(set_) < place(went)
