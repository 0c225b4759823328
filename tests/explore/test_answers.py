"""What an exploration answers: findings, expectations, verdicts, and what it says of them."""

from __future__ import annotations

from typing import Any

import pytest

from exploring import RACE, explored, result

TWO_LOCKS = """
locks: {a: {}, b: {}}
workers:
  one:
    executor: thread
    steps:
      - with: a
        steps: [{with: b, steps: [{log: both}]}]
  two:
    executor: thread
    steps:
      - with: b
        steps: [{with: a, steps: [{log: both}]}]
"""


def finding(text: str, checker: str, **settings: Any) -> dict[str, Any]:
    """The one finding of a checker."""
    one: dict[str, Any]
    (one,) = [one for one in result(text, **settings)["findings"] if one["checker"] == checker]
    return one


def test_a_deadlock_tells_who_holds_and_waits() -> None:
    """Each worker with its line, what it waits for, who has it, and what it holds."""
    one = finding(TWO_LOCKS, "deadlock")
    assert one["message"] == "deadlock: nobody can go on, in a circle: one -> two -> one"
    told = [(w["worker"], w["line"], w["held_by"], w["holds"]) for w in one["waiting"]]
    assert told == [("one", 7, ["two"], ["a"]), ("two", 12, ["one"], ["b"])]
    assert (one["preemptions"], one["steps"], one["order"]) == (1, 2, "one x1, two x1")


def test_a_deadlock_without_a_circle() -> None:
    """Who waits for what will never come is in no circle."""
    text = "queues: {q: {}}\nworkers:\n  w: {executor: thread, steps: [{get: q, into: x}]}\n"
    one = finding(text, "deadlock")
    assert "no circle" in one["message"]
    assert one["waiting"][0]["waits_for"] == "waits in get q, which is empty"


def test_a_pending_worker_counts_as_unfinished() -> None:
    """It is told what it needs."""
    text = """
flags: {go: {}}
workers:
  a: {executor: thread, steps: [{wait: go}]}
  b: {executor: thread, depends_on: [a], steps: [{set_flag: go}]}
"""
    waits = [one["waits_for"] for one in finding(text, "deadlock")["waiting"]]
    assert waits == ["waits in wait go, which is not set", "has not started, needs a"]


def test_an_order_of_locks_is_a_warning() -> None:
    """Taken in both orders, but never at once: told, and no failure."""
    text = TWO_LOCKS.replace(
        "  two:\n    executor: thread", "  two:\n    executor: thread\n    depends_on: [one]"
    )
    found = result(text)
    assert (found["exit"], found["explored"]["verdict"]) == (0, "proved")
    (one,) = found["findings"]
    assert (one["checker"], one["level"]) == ("lock_order", "warn")
    assert one["message"] == (
        "one takes b while it holds a (line 7); two takes a while it holds b (line 13)"
    )


def test_a_gate_keeps_the_order_of_locks() -> None:
    """Where both are under one more lock there is nothing to warn of."""
    gate = TWO_LOCKS.replace("locks: {", "locks: {g: {}, ")
    for name in ("a", "b"):
        other = "b" if name == "a" else "a"
        within = f"{{with: {other}, steps: []}}"
        gate = gate.replace(
            f"      - with: {name}\n        steps: [{{with: {other}, steps: [{{log: both}}]}}]",
            f"      - with: g\n        steps: [{{with: {name}, steps: [{within}]}}]",
        )
    found = result(gate)
    assert (found["exit"], found["findings"]) == (0, [])


def test_a_lost_update_with_its_race_and_no_serial_order() -> None:
    """The expectation decides; race and order are warnings beside it."""
    found = result(RACE)
    assert [one["checker"] for one in found["findings"]] == [
        "expectation",
        "data_race",
        "serializable",
    ]
    assert found["findings"][0]["message"] == "values.count == 5 does not hold"
    texts = [row["text"] for row in found["findings"][0]["rows"]]
    assert (texts[0], texts[-1]) == ("read count -> 0", "write count 4; succeeded")


@pytest.mark.parametrize(
    ("text", "checker", "message"),
    [
        (
            "locks: {g: {}}\nworkers:\n  w: {executor: thread, steps: [{acquire: g}]}\n",
            "leak",
            "lock g is still held at the end, by w",
        ),
        (
            "semaphores: {s: {permits: 2}}\nworkers:\n"
            "  w: {executor: thread, steps: [{acquire: s}]}\n",
            "leak",
            "semaphore s lacks 1 permit at the end, taken by w",
        ),
        (
            "locks: {g: {}}\nflags: {held: {}}\nworkers:\n"
            "  a: {executor: thread, steps: [{acquire: g}, {set_flag: held}]}\n"
            "  b: {executor: thread, steps: [{wait: held}, {release: g}]}\n",
            "mutual_exclusion",
            "b released g, which a held",
        ),
        (
            "workers:\n  w: {executor: thread, steps: [{fail: no luck}]}\n",
            "crash",
            'worker "w" failed: no luck',
        ),
        (
            "locals: {mine: {user: none}}\nworkers:\n  p:\n    executor: pool\n"
            "    options: {max_workers: 1}\n    jobs: [ann, bob]\n    steps:\n"
            "      - if: job.index == 0\n        steps: [set: {local.mine.user: '${job.item}'}]\n"
            "      - return: ${local.mine.user}\n",
            "isolation",
            "p read a thread-local that an earlier job on its thread had set",
        ),
        (
            "queues: {q: {}}\nworkers:\n  w: {executor: thread, steps: [{put: q, value: 1}]}\n",
            "unread_item",
            "queue q holds 1 item at the end that nobody took",
        ),
    ],
)
def test_what_checkers_find(text: str, checker: str, message: str) -> None:
    """One sentence each, that names the culprit."""
    assert finding(text, checker)["message"] == message


def test_a_thread_local_that_each_job_sets_is_isolated() -> None:
    """Reading what the same job has set is no finding."""
    text = (
        "locals: {mine: {user: none}}\nworkers:\n  p:\n    executor: pool\n"
        "    options: {max_workers: 1}\n    jobs: [ann, bob]\n    steps:\n"
        "      - set: {local.mine.user: '${job.item}'}\n      - return: ${local.mine.user}\n"
    )
    assert result(text)["findings"] == []


def test_an_item_in_the_hand_of_a_stopped_reader() -> None:
    """Taken, and nothing done with it: told as a warning."""
    text = """
queues: {q: {}, out: {}}
workers:
  w: {executor: thread, steps: [{put: q, value: 1}]}
  r:
    executor: thread
    background: true
    stop: {action: terminate}
    steps: [{forever: , steps: [{get: q, into: x}, {put: out, value: "${x}"}]}]
expect: [{sometimes: found.unread_item and queues.q.left == 0 and queues.out.put == 0}]
"""
    assert result(text)["exit"] == 0


GREEDY = """
locks: {g: {}}
values: {done: false}
workers:
  greedy:
    executor: thread
    steps:
      - repeat: 4
        steps: [{acquire: g}, {release: g}]
  humble:
    executor: thread
    steps:
      - while: not values.done
        steps:
          - acquire: g
            block: false
            otherwise: [{continue: }]
          - {write: done, value: true}
          - {release: g}
checks: {starvation: {level: error, bound: %d}}
"""


def test_starvation_where_it_is_asked() -> None:
    """Refused once, then passed over by three more; who waits in turn is never passed over."""
    found = result(GREEDY % 2)
    assert (found["exit"], found["explored"]["verdict"]) == (1, "bug")
    (one,) = [one for one in found["findings"] if one["checker"] == "starvation"]
    assert one["message"] == "humble waited for g and was passed over 3 times"
    assert result(GREEDY % 3)["exit"] == 0
    lines = ["            block: false\n", "            otherwise: [{continue: }]\n"]
    patient = (GREEDY % 1).replace(lines[0], "").replace(lines[1], "")
    assert result(patient)["exit"] == 0
    assert result((GREEDY % 1).replace("level: error", "level: off"))["exit"] == 0


# -- expectations ------------------------------------------------------------------------------

COIN = """
values: {side: none}
workers:
  heads: {executor: thread, steps: [{write: side, value: heads}]}
  tails: {executor: thread, steps: [{write: side, value: tails}]}
expect:
"""


@pytest.mark.parametrize(
    ("expectation", "answer", "verdict", "exit_code"),
    [
        ("{always: values.side != 'none'}", "passed", "proved", 0),
        ("{always: values.side == 'heads'}", "failed", "bug", 1),
        ("{never: values.side == 'tails'}", "failed", "bug", 1),
        ("{sometimes: values.side == 'tails'}", "passed", "proved", 0),
        ("{sometimes: values.side == 'edge'}", "failed", "bug", 1),
        ("{never: found.deadlock}", "passed", "proved", 0),
        ("{sometimes: found.data_race}", "passed", "proved", 0),
        ("{never: found.data_race}", "failed", "bug", 1),
        ("{always: run.duration < 5}", "unknown", "inconclusive", 3),
    ],
)
def test_expectations_over_all_schedules(
    expectation: str, answer: str, verdict: str, exit_code: int
) -> None:
    """always in each, never in none, sometimes in one at least."""
    found = result(f"{COIN}  - {expectation}\n")
    assert found["expectations"][0]["answer"] == answer
    assert (found["explored"]["verdict"], found["exit"]) == (verdict, exit_code)


def test_a_sometimes_has_its_witness() -> None:
    """The schedule that shows it, as short as can be."""
    found = result(f"{COIN}  - {{sometimes: values.side == 'tails'}}\n")
    assert found["expectations"][0]["order"] == "heads x1, tails x1"


def test_found_as_declared() -> None:
    """A deadlock that the file declares passes; expectations ask only of what came to its end."""
    found = result(
        TWO_LOCKS + "expect: [{sometimes: found.deadlock}, workers.one.state == 'succeeded']"
    )
    assert (found["explored"]["verdict"], found["exit"]) == ("declared", 0)
    (one,) = [one for one in found["findings"] if one["checker"] == "deadlock"]
    assert one["declared"] is True


def test_levels() -> None:
    """`checks` turns a warning into an error, and an error off."""
    assert result(RACE + "checks: {serializable: error}\n")["exit"] == 1
    off = result(TWO_LOCKS + "checks: {deadlock: off, lock_order: off}\n")
    assert (off["exit"], off["findings"]) == (0, [])


def test_hidden_by_sleeps() -> None:
    """What cannot come about where pauses take their time is told so."""
    text = """
queues: {q: {}}
workers:
  writer: {executor: thread, steps: [{put: q, value: 1}, {sleep: 1s}]}
  reader:
    executor: thread
    background: true
    stop: {action: terminate}
    steps: [{forever: , steps: [{get: q, into: x}]}]
expect: [queues.q.left == 0]
"""
    found = result(text)
    (one,) = [one for one in found["findings"] if one["checker"] == "expectation"]
    assert (found["exit"], one["hidden_by_sleeps"]) == (1, True)
    without = result(text.replace(", {sleep: 1s}", ""))
    (one,) = [one for one in without["findings"] if one["checker"] == "expectation"]
    assert one["hidden_by_sleeps"] is False


# -- what cannot be followed -------------------------------------------------------------------


def test_a_call_that_is_not_declared_pure() -> None:
    """It is named with its line, and nothing is proved; with `pure` it is."""
    step = '{call: "math:sqrt", args: [4], into: x}'
    text = f"workers:\n  w:\n    executor: thread\n    steps:\n      - {step}\n"
    found = result(text)
    assert (found["exit"], found["explored"]["verdict"]) == (3, "inconclusive")
    (one,) = found["unmodelled"]
    assert (one["worker"], one["line"]) == ("w", 5)
    assert "math:sqrt" in one["why"]
    assert result(text.replace("into: x", "into: x, pure: true"))["exit"] == 0


def test_a_command_in_a_step_is_not_followed() -> None:
    """What comes before it is explored all the same."""
    text = """
locks: {g: {}}
workers:
  a: {executor: thread, steps: [{acquire: g}, {release: g}, {run: [echo]}]}
  b: {executor: thread, steps: [{release: g}]}
"""
    found = result(text)
    assert found["exit"] == 1  # a lock that nobody holds is released, whatever the command does
    assert [(one["worker"], one["line"]) for one in found["unmodelled"]] == [("a", 3)]


def test_a_scenario_that_cannot_be_explored() -> None:
    """It says which worker and why."""
    found = result('workers:\n  w: {executor: thread, call: "time:time"}\n')
    assert (found["exit"], found["explored"]["verdict"]) == (3, "inconclusive")
    assert found["unmodelled"][0]["why"] == (
        "it runs the Python code time:time, whose steps nobody knows"
    )


def test_faults_are_named_as_left_out() -> None:
    """Declared faults are not explored yet, so nothing is proved."""
    text = COIN.replace("expect:\n", "faults: [{kill: heads, at: 1s}]\n")
    found = explored(text)
    assert (found.exit, found.unmodelled[0].worker) == (3, "heads")
