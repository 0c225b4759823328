"""What an exploration answers: findings, expectations, verdicts, and what it says of them."""

from __future__ import annotations

from typing import Any

import pytest

from exploring import RACE, explored, plan, result
from scenarios.explore import reporting
from scenarios.explore.budget import Limits
from scenarios.explore.exploring import MODES, Mode
from scenarios.explore.machine import FREE, Options
from scenarios.explore.replaying import replay
from scenarios.explore.schedule import lengthen

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
        "serializable",
        "data_race",
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
            "p read local.mine.user, which an earlier job on its thread had set",
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


def test_who_reads_an_earlier_local_after_a_wait() -> None:
    """At the line of the read, be it after an operation of its own or one that another ended."""
    text = (
        "locals: {mine: {user: none}}\nlocks: {g: {}}\nworkers:\n  p:\n    executor: pool\n"
        "    options: {max_workers: 1}\n    jobs: [ann, bob]\n    steps:\n"
        "      - with: g\n        steps: []\n"
        "      - log: '${local.mine.user}'\n      - set: {local.mine.user: '${job.item}'}\n"
    )
    assert finding(text, "isolation")["line"] == 11


def test_a_thread_local_that_each_job_sets_is_isolated() -> None:
    """Reading what the same job has set is no finding."""
    text = (
        "locals: {mine: {user: none}}\nworkers:\n  p:\n    executor: pool\n"
        "    options: {max_workers: 1}\n    jobs: [ann, bob]\n    steps:\n"
        "      - set: {local.mine.user: '${job.item}'}\n      - return: ${local.mine.user}\n"
    )
    assert result(text)["findings"] == []


# -- what many states show together ------------------------------------------------------------

RACES = """
values: {x: 0, y: 0}
workers:
  a: {executor: thread, steps: [{read: x, into: t}, {write: x, value: "${t + 1}"}]}
  b: {executor: thread, steps: [{write: x, value: 7}, {write: y, value: 1}]}
  c: {executor: thread, steps: [{read: y, into: t}]}
checks: {data_race: error}
"""

ORDERS = """
locks: {one: {}, two: {}}
flags: {go: {}}
workers:
  a: {executor: thread, steps: [{with: one, steps: [{with: two, steps: []}]}, {set_flag: go}]}
  b: {executor: thread, steps: [{wait: go}, {with: two, steps: [{with: one, steps: []}]}]}
checks: {lock_order: error}
"""


def replayed(text: str, order: str) -> dict[str, Any]:
    """What following an order of a text shows."""
    return reporting.replayed(replay(plan(text), FREE, lengthen(order), "here"), "it")


@pytest.mark.parametrize("mode", MODES)
def test_each_race_has_a_schedule_that_replays(mode: Mode) -> None:
    """It ends with both accesses, the write first, and shows the race again."""
    found = result(RACES, mode=mode, seed=1, limits=Limits(schedules=300, seconds=30))
    races = [one for one in found["findings"] if one["checker"] == "data_race"]
    assert {one["message"].split(" of ")[1][0] for one in races} == {"x", "y"}
    for one in races:
        first, second = one["rows"][-2:]
        assert first["text"].startswith("write ")
        assert first["worker"] != second["worker"]
        assert one["message"].endswith("can come in either order")
        again = replayed(RACES, one["order"])
        assert one["message"] in {other["message"] for other in again["findings"]}
        assert again["exit"] == 1


@pytest.mark.parametrize("mode", ["prove", "dpor", "random"])
def test_a_circle_of_locks_has_a_schedule_that_replays(mode: Mode) -> None:
    """All its orders are in one schedule, here without a deadlock."""
    found = result(ORDERS, mode=mode, limits=Limits(schedules=300, seconds=30))
    (one,) = found["findings"]
    assert (one["checker"], one["preemptions"], one["steps"]) == ("lock_order", 0, 7)
    again = replayed(ORDERS, one["order"])
    assert [other["message"] for other in again["findings"]] == [one["message"]]
    assert again["exit"] == 1


STUCK = """
values: {mine: false, yours: false}
workers:
  a:
    executor: thread
    steps:
      - {write: mine, value: true}
      - {while: values.yours, steps: [{sleep: 1ms}]}
      - {write: mine, value: false}
  b:
    executor: thread
    steps:
      - {write: yours, value: true}
      - {while: values.mine, steps: [{sleep: 1ms}]}
      - {write: yours, value: false}
checks: {data_race: off}
"""


def test_a_livelock_says_who_goes_round_and_replays() -> None:
    """Nobody has to sleep for it to come about; without an end the replay stops as it is known."""
    found = result(STUCK)
    (one,) = found["findings"]
    assert one["message"] == "no end can be reached: a (line 7) and b (line 13) go round and round"
    assert (one["line"], one["hidden_by_sleeps"], one["steps"]) == (7, False, 2)
    again = replayed(STUCK, one["order"])
    assert [other["message"] for other in again["findings"]] == [one["message"]]
    assert (again["exit"], len(again["rows"])) == (1, 2)


def test_a_beginning_that_leads_into_a_livelock_and_one_that_goes_round() -> None:
    """It ends where it comes round; a livelock is told only where it is one."""
    assert replayed(STUCK, "a x1, b x1")["findings"][0]["checker"] == "livelock"
    waits = replayed(STUCK.replace("while: values.mine", "while: false"), "b x1, a x1")
    assert waits["findings"] == []
    assert len(waits["rows"]) < 10


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("{never: found.data_race and values.y == 2}", "passed"),
        ("{never: found.data_race and values.y == 1}", "failed"),
        ("{never: not found.lock_order and values.y == 1}", "failed"),
        ("{sometimes: found.data_race and values.x == 7}", "passed"),
        ("{sometimes: found.livelock or values.x == 8}", "passed"),
        ("{sometimes: found.livelock or values.x == 9}", "failed"),
    ],
)
def test_what_many_states_show_beside_what_ends_do(asked: str, answer: str) -> None:
    """Each end is judged by what is found in all of them."""
    text = f"{RACES}expect: [{asked}]\n"
    found = result(text)
    assert found["expectations"][0]["answer"] == answer
    order = found["expectations"][0].get("order")
    if answer == "passed" and "sometimes" in asked:
        assert replay(plan(text), FREE, lengthen(order), "here").possible == {("expect", 0)}


def test_a_search_that_was_cut_knows_no_absence() -> None:
    """What was not found may still be there."""
    text = RACES.replace("data_race: error", "data_race: off") + "expect: [{never: %s}]\n"
    few = Limits(states=3, seconds=30)
    for asked in ("not found.lock_order", "not found.lock_order and values.y < 9"):
        assert result(text % asked)["expectations"][0]["answer"] == "failed"
        assert result(text % asked, mode="prove", limits=few)["expectations"][0]["answer"] == (
            "unknown"
        )


def test_a_race_that_pauses_hide() -> None:
    """With exact time one is always before the other."""
    text = """
values: {x: 0}
workers:
  a: {executor: thread, steps: [{write: x, value: 1}]}
  b: {executor: thread, steps: [{sleep: 1s}, {write: x, value: 2}]}
"""
    assert finding(text, "data_race")["hidden_by_sleeps"] is True
    assert finding(text.replace("{sleep: 1s}, ", ""), "data_race")["hidden_by_sleeps"] is False


def test_who_waits_for_itself() -> None:
    """A circle of one."""
    steps = "[{acquire: g}, {acquire: g}]"
    text = f"locks: {{g: {{}}}}\nworkers: {{w: {{executor: thread, steps: {steps}}}}}\n"
    one = finding(text, "deadlock")
    assert one["message"] == "deadlock: nobody can go on: w waits for itself"
    assert (one["circle"], one["waiting"][0]["held_by"]) == (["w"], ["w"])


def test_what_a_never_forbids_is_not_declared() -> None:
    """Only what the file expects is."""
    never = result(TWO_LOCKS + "expect: [{never: found.deadlock}]\n")
    told = {one["checker"]: one["declared"] for one in never["findings"] if one["level"] == "error"}
    assert told == {"deadlock": False, "expectation": False}
    sometimes = result(TWO_LOCKS + "expect: [{sometimes: found.deadlock}]\n")
    assert [one["declared"] for one in sometimes["findings"] if one["level"] == "error"] == [True]


def test_a_sometimes_that_never_shows_names_options_with_more_schedules() -> None:
    """As far as the scenario has what they change."""
    text = RACES + "expect: [{sometimes: values.x == 99}]\n"
    assert result(text)["expectations"][0]["note"] == "no schedule shows it"
    timed = text.replace("{read: y, into: t}", "{acquire: l, timeout: 1s}") + "locks: {l: {}}\n"
    note = result(timed)["expectations"][0]["note"]
    assert note == "no schedule shows it; with --timeouts any there are more"


# -- queues in hand ----------------------------------------------------------------------------


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


def test_exact_time_proves_nothing() -> None:
    """Its schedules are some of all: what holds or never shows in them is not decided."""
    text = """
values: {x: 0}
workers:
  a: {executor: thread, steps: [{write: x, value: 1}]}
  b: {executor: thread, steps: [{sleep: 1s}, {write: x, value: 2}]}
checks: {data_race: off}
expect: [values.x == 2, {sometimes: values.x == 1}, {sometimes: values.x == 2}]
"""
    found = result(text, Options(exact=True))
    assert (found["exit"], found["explored"]["verdict"]) == (3, "no bug in exact time")
    assert [one["answer"] for one in found["expectations"][:3]] == ["unknown", "unknown", "passed"]
    free = result(text)
    assert [one["answer"] for one in free["expectations"][:3]] == ["failed", "passed", "passed"]
    wrong = result(text.replace("values.x == 2,", "values.x == 1,"), Options(exact=True))
    assert (wrong["exit"], wrong["explored"]["verdict"]) == (1, "bug")


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


def test_what_went_wrong_is_shown_before_the_race_that_lets_it() -> None:
    """The first schedule is the one that is shown as a table."""
    found = result(RACE + "checks: {data_race: error, serializable: error}\n")
    told = [one["checker"] for one in found["findings"]]
    assert told == ["serializable", "expectation", "data_race"]
