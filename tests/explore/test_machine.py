"""The state machine: each kind of step and resource, by all the ends that it can come to."""

from __future__ import annotations

import pytest

from exploring import RACE, ends, explored, machine, outcomes, plan
from loads import with_steps
from scenarios.explore.machine import Options
from scenarios.explore.model import model_of

SPURIOUS, EARLY, EXACT = Options(spurious=True), Options(early=True), Options(exact=True)


def workers(steps: dict[str, str], top: str) -> str:
    """A file with these threads; each worker's steps are in flow style, one a line."""
    text = top.strip() + "\nworkers:\n"
    for name, lines in steps.items():
        text += f"  {name}:\n    executor: thread\n    steps:\n"
        text += "".join(f"      - {line}\n" for line in lines.strip().splitlines())
    return text


def test_reads_and_writes_can_be_taken_apart() -> None:
    """Five racy increments may end with anything from 1 to 5."""
    assert outcomes(RACE, "values.count") == {"1", "2", "3", "4", "5"}


def test_update_cannot_be_taken_apart() -> None:
    """An update is one step."""
    text = workers(
        {"a": "{update: n, to: old + 1}", "b": "{update: n, to: old * 2}"}, "values: {n: 1}"
    )
    assert outcomes(text, "values.n") == {"3", "4"}


def test_each_mention_of_a_value_is_a_read_of_its_own() -> None:
    """Between two mentions in one expression another can write."""
    text = workers(
        {"a": 'return: "${values.n + values.n}"', "b": "{write: n, value: 1}"}, "values: {n: 0}"
    )
    assert outcomes(text, "workers.a.result") == {"0", "1", "2"}


@pytest.mark.parametrize(
    ("kind", "order"),
    [("fifo", {"[2, 1]"}), ("lifo", {"[1, 2]"}), ("priority", {"[1, 2]"})],
)
def test_kinds_of_queues(kind: str, order: set[str]) -> None:
    """What was put first, last, or is smallest comes first."""
    text = workers(
        {
            "a": "{put: q, value: 2}\n{put: q, value: 1}\n{get: q, into: x}\n{get: q, into: y}\n"
            'return: ["${x}", "${y}"]'
        },
        f"queues: {{q: {{kind: {kind}}}}}",
    )
    assert outcomes(text, "workers.a.result") == order


def test_a_full_queue_makes_its_putter_wait() -> None:
    """With room for one item the second put comes after the first get."""
    text = workers(
        {
            "a": "{put: q, value: 1}\n{put: q, value: 2}\n{update: log, to: \"old + ['put 2']\"}",
            "b": "{update: log, to: \"old + ['get']\"}\n{get: q, into: x}",
        },
        "queues: {q: {maxsize: 1}}\nvalues: {log: []}",
    )
    assert outcomes(text, "values.log") == {"['get', 'put 2']"}


def test_an_empty_queue_and_nobody_to_fill_it() -> None:
    """A get that can never be done is no end."""
    assert outcomes(workers({"a": "{get: q, into: x}"}, "queues: {q: {}}"), "0") == {"stuck"}


def test_join_waits_for_task_done() -> None:
    """A queue's join comes after the last task_done."""
    text = workers(
        {
            "a": "{put: q, value: 1}\n{join: q}\n{update: log, to: \"old + ['joined']\"}",
            "b": "{get: q, into: x}\n{update: log, to: \"old + ['done']\"}\n{task_done: q}",
        },
        "queues: {q: {}}\nvalues: {log: []}",
    )
    assert outcomes(text, "values.log") == {"['done', 'joined']"}


def test_a_lock_keeps_two_steps_together() -> None:
    """Between acquire and release nobody else has it."""
    steps = "{with: g, steps: [{read: n, into: x}, {write: n, value: '${x + 1}'}]}"
    text = workers({"a": steps, "b": steps}, "locks: {g: {}}\nvalues: {n: 0}")
    assert outcomes(text, "values.n") == {"2"}


def test_a_lock_is_taken_once_and_a_reentrant_one_twice() -> None:
    """Taking a plain lock twice waits for ever."""
    steps = {"a": "{with: g, steps: [{with: g, steps: [{log: twice}]}]}"}
    assert outcomes(workers(steps, "locks: {g: {}}"), "0") == {"stuck"}
    assert outcomes(workers(steps, "locks: {g: {kind: rlock}}"), "0") == {"0"}


def test_a_semaphore_lets_as_many_in_as_it_has_permits() -> None:
    """Two permits: two at once, and never three."""
    steps = (
        "{acquire: s}\n{update: inside, to: old + 1}\n"
        "{update: most, to: 'max(old, values.inside)'}\n"
        "{update: inside, to: old - 1}\n{release: s}"
    )
    top = "semaphores: {s: {permits: 2}}\nvalues: {inside: 0, most: 0}"
    text = workers({"a": steps, "b": steps, "c": steps}, top)
    assert outcomes(text, "values.most") == {"1", "2"}


def test_not_to_block() -> None:
    """`block: false` goes on with `otherwise` where it would wait."""
    steps = "{acquire: g, block: false, otherwise: [{return: no}]}\n{release: g}\nreturn: yes"
    text = workers({"a": steps, "b": steps}, "locks: {g: {}}")
    assert outcomes(text, "sorted([workers.a.result, workers.b.result])") == {
        "['no', 'yes']",
        "['yes', 'yes']",
    }


CONDITION = workers(
    {
        "waiter": "{with: c, steps: [{if: 'not values.ready', steps: [{wait: c}]}, "
        "{read: ready, into: seen}, {return: '${seen}'}]}",
        "setter": "{with: c, steps: [{write: ready, value: true}, {notify: c}]}",
    },
    "conditions: {c: {}}\nvalues: {ready: false}",
)


def test_a_wait_gives_the_lock_back_and_takes_it_again() -> None:
    """Who waits is notified with the lock, and sees what was set."""
    assert outcomes(CONDITION, "workers.waiter.result") == {"True"}


def test_a_spurious_wake_up() -> None:
    """With it a wait may end though nothing was set."""
    assert outcomes(CONDITION, "workers.waiter.result", SPURIOUS) == {"True", "False"}


def test_the_first_waiter_is_notified_first() -> None:
    """One notify wakes the one who waited first, and no other."""
    steps = (
        "{with: c, steps: [{update: queue, to: \"old + ['%s']\"}, {wait: c}, "
        "{update: out, to: \"old + ['%s']\"}]}"
    )
    text = workers(
        {
            "a": steps % ("a", "a"),
            "b": steps % ("b", "b"),
            "n": "{while: len(values.queue) < 2, steps: [{sleep: 1s}]}\n"
            "{with: c, steps: [{notify: c}, {notify: c}]}",
        },
        "conditions: {c: {}}\nvalues: {queue: [], out: []}",
    )
    assert outcomes(text, "values.out == values.queue") == {"True"}


def test_a_barrier_opens_for_all_at_once() -> None:
    """Nobody is past it before all have come."""
    steps = "{update: came, to: old + 1}\n{wait: b}\n{assert: values.came == 3}"
    text = workers(
        {"x": steps, "y": steps, "z": steps}, "barriers: {b: {parties: 3}}\nvalues: {came: 0}"
    )
    assert outcomes(text, "[workers.x.state, workers.y.state]") == {"['succeeded', 'succeeded']"}


def test_a_barrier_without_enough_parties() -> None:
    """Two at a barrier for three wait for ever."""
    text = workers({"x": "{wait: b}", "y": "{wait: b}"}, "barriers: {b: {parties: 3}}")
    assert outcomes(text, "0") == {"stuck"}


def test_a_flag_is_waited_for() -> None:
    """Who waits for a flag comes after it was set."""
    text = workers(
        {
            "a": "{wait: go}\n{update: log, to: \"old + ['went']\"}",
            "b": "{update: log, to: \"old + ['set']\"}\n{set_flag: go}",
        },
        "flags: {go: {}}\nvalues: {log: []}",
    )
    assert outcomes(text, "values.log") == {"['set', 'went']"}


TIMED = workers(
    {
        "a": "{get: q, into: x, timeout: 1s, otherwise: [{return: late}]}\nreturn: '${x}'",
        "b": "{sleep: 2s}\n{put: q, value: item}",
    },
    "queues: {q: {}}",
)


def test_a_sleep_may_outlast_a_time_out_or_not() -> None:
    """It may end at any moment, and in exact time this one does only after the time-out."""
    assert outcomes(TIMED, "workers.a.result") == {"'item'", "'late'"}


HELPED = workers(
    {
        "a": "{get: q, into: x, timeout: 1s, otherwise: [{return: late}]}\nreturn: '${x}'",
        "b": "{wait: go}\n{put: q, value: item}",
        "c": "{set_flag: go}",
    },
    "queues: {q: {}}\nflags: {go: {}}",
)


def test_a_time_out_comes_when_only_timers_can_go_on() -> None:
    """Who does something else goes on at once, so that the item always comes in time."""
    assert outcomes(HELPED, "workers.a.result") == {"'item'"}


def test_a_time_out_may_come_at_any_moment() -> None:
    """With `--timeouts any` it may be over before."""
    assert outcomes(HELPED, "workers.a.result", EARLY) == {"'item'", "'late'"}


def test_exact_time_decides_between_a_sleep_and_a_time_out() -> None:
    """One second is over before two."""
    assert outcomes(TIMED, "workers.a.result", EXACT) == {"'late'"}


def test_exact_time_orders_sleeps() -> None:
    """The shorter sleep ends first; in free time either may."""
    text = workers(
        {
            "a": "{sleep: 2s}\n{update: log, to: \"old + ['a']\"}",
            "b": "{sleep: 1s}\n{update: log, to: \"old + ['b']\"}",
        },
        "values: {log: []}",
    )
    assert outcomes(text, "values.log") == {"['a', 'b']", "['b', 'a']"}
    assert outcomes(text, "values.log", EXACT) == {"['b', 'a']"}


def test_failures_are_caught_and_cleaned_up() -> None:
    """except and finally run as in a real worker, `error` is the text."""
    text = with_steps(
        """
        - try:
            - try:
                - fail: oh
              finally:
                - {update: n, to: old + 1}
          except:
            - return: "${error}, ${values.n}"
        """,
        "values: {n: 0}",
    )
    assert outcomes(text, "workers.w.result") == {"'oh, 1'"}


def test_loops() -> None:
    """for_each, repeat, while, break and continue."""
    text = with_steps(
        """
        - for_each: [1, 2, 3, 4]
          as: i
          steps:
            - {if: i == 2, steps: [{continue: }]}
            - {if: i == 4, steps: [{break: }]}
            - {update: n, to: old + i}
        - repeat: 2
          steps: [{update: n, to: old * 10}]
        - while: values.n < 1000
          steps: [{update: n, to: old + 300}]
        """,
        "values: {n: 0}",
    )
    assert outcomes(text, "values.n") == {"1000"}


POOL = """
values: {order: []}
locals: {mine: {n: 0}}
workers:
  p:
    executor: pool
    options: {of: thread, max_workers: 2}
    jobs: [a, b, c]
    steps:
      - set: {local.mine.n: "${local.mine.n + 1}"}
      - {update: order, to: "old + [job.item]"}
      - return: ${local.mine.n}
"""


def test_a_pool_with_fewer_workers_than_jobs() -> None:
    """Two threads take three jobs in their order; thread-locals stay from job to job."""
    orders = outcomes(POOL, "values.order")
    assert orders == {"['a', 'b', 'c']", "['a', 'c', 'b']", "['b', 'a', 'c']", "['b', 'c', 'a']"}
    assert outcomes(POOL, "max(workers.p.results)") == {"2", "3"}


def test_dependencies() -> None:
    """A worker starts once the other has succeeded, and is skipped where it cannot."""
    text = """
values: {log: []}
workers:
  first: {executor: thread, steps: [{update: log, to: "old + [1]"}, {fail: no}]}
  after: {executor: thread, depends_on: [first], steps: [{update: log, to: "old + [2]"}]}
  never:
    executor: thread
    depends_on: {first: {condition: succeeded}}
    steps: [{update: log, to: "old + [3]"}]
"""
    assert outcomes(text, "values.log") == {"[1, 2]"}
    assert outcomes(text, "workers.never.state") == {"'skipped'"}


READER = """
queues: {q: {}}
workers:
  writer: {executor: thread, steps: [{put: q, value: 1}, {put: q, value: 2}]}
  reader:
    executor: process
    background: true
    stop: {action: %s}
    steps: [{forever: , steps: [{get: q, into: x}, {log: "${x}"}]}]
"""


def test_a_reader_that_is_terminated() -> None:
    """Once the writer is done the reader may be stopped before any of its gets."""
    assert outcomes(READER % "terminate", "queues.q.left") == {"0", "1", "2"}
    assert outcomes(READER % "terminate", "workers.reader.state") == {"'terminated'"}


def test_a_reader_that_is_drained() -> None:
    """It ends when nothing is left."""
    assert outcomes(READER % "drain", "queues.q.left") == {"0"}


def test_a_stop_runs_the_clean_up() -> None:
    """Who is stopped inside a wait or before a step releases what it holds."""
    text = """
queues: {q: {}}
locks: {g: {}}
values: {cleaned: false}
workers:
  short: {executor: thread, steps: [{sleep: 1s}]}
  b:
    executor: thread
    background: true
    stop: {action: terminate}
    steps:
      - with: g
        steps:
          - {try: [{get: q, into: x}], finally: [{write: cleaned, value: true}]}
expect: [locks.g.max_holders <= 1]
"""
    # it may be stopped before it takes the lock
    assert outcomes(text, "values.cleaned") == {"True", "False"}
    assert outcomes(text, "locks.g.max_holders") == {"0", "1"}


@pytest.mark.parametrize("step", ["{write: v, value: 7}", "{update: v, to: old + 7}"])
def test_a_stop_inside_a_clean_up(step: str) -> None:
    """The operation that it comes to begins again, as it was."""
    text = f"""
values: {{v: 0}}
workers:
  b:
    executor: thread
    background: true
    stop: {{action: terminate}}
    steps: [{{try: [], finally: [{step}]}}]
"""
    assert outcomes(text, "[values.v, workers.b.state]") == {
        "[7, 'succeeded']",
        "[7, 'terminated']",
    }


def test_restarts() -> None:
    """A worker that fails begins again, with new variables, as often as it may."""
    text = """
values: {tries: 0}
workers:
  w:
    executor: thread
    restart: {policy: on-failure, max: 3, backoff: 1s}
    steps:
      - {update: tries, to: old + 1, into: before}
      - {assert: before == 2}
"""
    assert outcomes(text, "[values.tries, workers.w.restarts, workers.w.state]") == {
        "[3, 2, 'succeeded']"
    }
    assert outcomes(text, "values.tries", EXACT) == {"3"}


def test_who_waits_to_start_again_was_restarted() -> None:
    """Also where that never comes: the main thread is another's, who waits for ever."""
    text = """
queues: {q: {}}
workers:
  a: {executor: inline, restart: {policy: always, max: 1, backoff: 1s}, steps: []}
  b: {executor: inline, steps: [{get: q}]}
expect: [{always: found.deadlock and workers.a.restarts == 1}]
"""
    found = explored(text, EXACT)
    assert (found.verdict, found.wrong) == ("no bug in exact time", [])
    assert ("found", "deadlock") in found.covered.sights


def test_ends_of_one_moment_come_in_the_order_of_the_file() -> None:
    """A pool without jobs is over before the worker that comes after it ends."""
    text = """
workers:
  a: {executor: pool, jobs: 0, steps: []}
  b: {executor: thread, background: true, restart: {policy: always, max: 3}, steps: []}
"""
    assert outcomes(text, "workers.b.restarts") == {"0"}


def test_with_the_foreground_gone_nobody_waits_for_a_background_worker_any_more() -> None:
    """Who depends on one that has just started does not start, however soon that one ends."""
    text = """
workers:
  a: {executor: thread, steps: []}
  b: {executor: thread, background: true, depends_on: [a], steps: []}
  c: {executor: thread, background: true, depends_on: [b], steps: []}
"""
    found = outcomes(text, "[workers[name].state for name in ('b', 'c')]")
    assert found == {"['succeeded', 'skipped']"}


def test_who_is_drained_hears_of_it_one_after_the_other() -> None:
    """The clean-up of one that is drained can still reach another that has not heard of it."""
    text = """
queues: {a: {}, b: {}}
values: {seen: []}
workers:
  f: {executor: thread, steps: [{put: a, value: 1}]}
  m:
    executor: thread
    background: true
    steps: [{try: [{forever: , steps: [{get: a}]}], finally: [{put: b, value: bye}]}]
  n:
    executor: thread
    background: true
    steps: [{forever: , steps: [{get: b, into: x}, {write: seen, value: "${x}"}]}]
"""
    assert outcomes(text, "values.seen") == {"[]", "'bye'"}


def test_a_worker_that_fails_while_it_is_terminated_does_not_start_again() -> None:
    """Once it is asked to end there is no attempt more; it is when the end of f is heard."""
    text = """
values: {tries: 0}
workers:
  f: {executor: thread, steps: []}
  b:
    executor: thread
    background: true
    stop: {action: terminate}
    restart: {policy: on-failure, max: 2}
    steps: [{update: tries, to: old + 1}, {fail: always}]
"""
    found = outcomes(text, "[values.tries, workers.b.state, workers.b.restarts]")
    failed = {f"[{tries}, 'failed', {tries - 1}]" for tries in (1, 2, 3)}
    assert found == failed | {f"[{tries}, 'terminated', {tries}]" for tries in (0, 1, 2)}


def test_a_wait_whose_time_is_over_says_so_once_it_has_its_lock_again() -> None:
    """The sentence is that of a real run, whoever held the lock when the time was over."""
    text = workers(
        {
            "a": "acquire: c\n{wait: c, timeout: 2s}",
            "b": "acquire: c\nsleep: 0s\nrelease: c",
        },
        "conditions: {c: {}}",
    )
    found = outcomes(text, "workers.a.error", EARLY)
    assert found == {"'wait c was not done within 2s'", "stuck"}  # a may end with the lock


def test_what_was_in_hand_goes_back_when_its_thread_is_gone() -> None:
    """A worker that has done its last step is not gone yet, and others may look before it is."""
    text = workers(
        {
            "a": "{put: t, value: 1}\nget: t\nset_flag: f",
            "b": "wait: f\n{get: t, block: false, into: x, otherwise: [{return: none}]}\n"
            'return: "${x}"',
        },
        "queues: {t: {ack: task_done}}\nflags: {f: {}}",
    )
    assert outcomes(text, "workers.b.result") == {"'none'", "1"}


def test_nobody_drains_while_an_item_is_in_hand() -> None:
    """A reader that never says that it is done with an item keeps the run from its end."""
    text = """
queues: {t: {ack: task_done}}
workers:
  w: {executor: thread, steps: [{put: t, value: 1}]}
  r: {executor: thread, background: true, steps: [{forever: , steps: [{get: t}, DONE]}]}
"""
    assert outcomes(text.replace(", DONE", ""), "workers.r.state") == {"stuck"}
    assert outcomes(text.replace("DONE", "{task_done: t}"), "workers.r.state") == {"'terminated'"}


def test_what_can_start_when_the_foreground_is_done_does() -> None:
    """A background worker whose dependency ends last still starts; one that has to wait on never
    does.
    """
    text = """
queues: {q: {}}
workers:
  last: {executor: thread, steps: [{put: q, value: 1}]}
  reader: {executor: thread, background: true, depends_on: [last], steps: [{get: q}, {get: q}]}
  other: {executor: thread, background: true, depends_on: [reader], steps: []}
"""
    states = "[workers.reader.state, workers.other.state, queues.q.left]"
    assert outcomes(text, states) == {"['terminated', 'skipped', 0]"}


@pytest.mark.parametrize(
    "worker",
    [
        "executor: thread",
        "executor: pool\n    options: {of: thread, max_workers: 1}\n    jobs: 1",
    ],
)
def test_a_restarted_worker_is_another_party(worker: str) -> None:
    """What an attempt still holds at its end is not the next attempt's, as between threads."""
    text = f"""
locks: {{k: {{kind: rlock}}}}
values: {{late: 0}}
workers:
  w:
    {worker}
    restart: {{policy: always, max: 1}}
    steps:
      - {{acquire: k, timeout: 1s, otherwise: [{{update: late, to: old + 1}}]}}
"""
    assert outcomes(text, "[values.late, workers.w.restarts]") == {"[1, 1]"}


def test_inline_workers_come_last_and_one_after_the_other() -> None:
    """The second inline worker starts when the first has ended."""
    text = """
values: {log: []}
workers:
  one: {executor: inline, steps: [{update: log, to: "old + [1]"}, {update: log, to: "old + [2]"}]}
  two: {executor: inline, steps: [{update: log, to: "old + [3]"}]}
"""
    assert outcomes(text, "values.log") == {"[1, 2, 3]"}


def test_pure_calls_are_one_step() -> None:
    """A call that is declared pure is called once for each argument."""
    text = with_steps('- {call: "operator:add", args: [2, 3], into: x, pure: true}\n- return: ${x}')
    of = machine(text)
    assert len(ends(of)) == 1
    assert of.acting.calls.assumed == {}
    assert outcomes(text, "workers.w.result") == {"5"}


def test_commands_and_code_are_named() -> None:
    """What cannot be modelled is told with its worker and line."""
    made = plan('workers:\n  a: {command: [echo]}\n  b: {executor: thread, call: "time:time"}\n')
    told = [(one.worker, one.line) for one in model_of(made).unmodelled]
    assert told == [("a", 2), ("b", 3)]
