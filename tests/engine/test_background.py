"""Draining: background workers end together, when nothing can come any more."""

from __future__ import annotations

from pathlib import Path

import pytest

from running import run

CODE = """\
import threading, time

def relay(source, target):
    while True:
        item = source.get()
        time.sleep(0.02)
        target.put(item)

def team(source, target):
    threads = [threading.Thread(target=relay, args=(source, target)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
"""
CHAIN = """\
        queues: {{a: {{}}, b: {{}}, c: {{}}, d: {{}}}}
        workers:
          one: {{executor: {one}, background: true, steps: &relay [{{forever: , steps: [
                {{get: a, into: x}}, {{sleep: 10ms}}, {{put: b, value: "${{x}}"}}]}}]}}
          two: {{executor: {two}, background: true, steps: [{{forever: , steps: [
                {{get: b, into: x}}, {{sleep: 10ms}}, {{put: c, value: "${{x}}"}}]}}]}}
          three: {{executor: {three}, background: true, steps: [{{forever: , steps: [
                {{get: c, into: x}}, {{sleep: 10ms}}, {{put: d, value: "${{x}}"}}]}}]}}
          source:
            executor: {source}
            steps: [{{for_each: "${{range(20)}}", as: n, steps: [{{put: a, value: "${{n}}"}}]}}]
        expect:
          - queues.d.put == 20 and queues.d.left == 20
          - queues.a.left + queues.b.left + queues.c.left == 0
          - "[workers.one.state, workers.two.state, workers.three.state] == ['terminated'] * 3"
"""


@pytest.mark.parametrize(
    ("source", "one", "two", "three"),
    [
        ("thread", "thread", "thread", "thread"),
        ("process", "process", "process", "process"),
        ("thread", "process", "thread", "process"),
        ("inline", "thread", "thread", "process"),
    ],
)
def test_chain_drains_to_its_end(
    source: str, one: str, two: str, three: str, tmp_path: Path
) -> None:
    """Every item goes through all of a chain, over queues in process and in the hub together."""
    ran = run(tmp_path, CHAIN.format(source=source, one=one, two=two, three=three))
    assert ran.exit == 0, ran.why
    assert {event["reason"] for event in ran.of("worker_stopping")} == {"drain"}


@pytest.mark.parametrize("of", ["thread", "process"])
@pytest.mark.parametrize("what", ["steps", "call", "call of threads"])
def test_pool_drains_when_all_its_workers_wait(of: str, what: str, tmp_path: Path) -> None:
    """A pool is not ended while one of its workers waits and another still works."""
    (tmp_path / "relays.py").write_text(CODE.replace("0.02", "0.1"))
    body = {
        "steps": "steps: [{forever: , steps: [{get: a, into: x}, {sleep: 20ms}, "
        '{put: b, value: "${x}"}]}]',
        "call": 'call: "relays:relay", args: ["${queues.a}", "${queues.b}"]',
        "call of threads": 'call: "relays:team", args: ["${queues.a}", "${queues.b}"]',
    }[what]
    ran = run(
        tmp_path,
        f"""
        queues: {{a: {{}}, b: {{}}}}
        workers:
          pool:
            {{executor: pool, options: {{of: {of}, max_workers: 3}}, jobs: 3, background: true,
             {body}}}
          source: {{executor: thread, steps: [{{repeat: 10, steps: [{{put: a, value: 1}}]}}]}}
        expect: [queues.b.put == 10, queues.a.left == 0]
        """,
    )
    assert ran.exit == 0, ran.why


@pytest.mark.parametrize("executor", ["thread", "process"])
def test_call_with_threads_of_its_own_drains(executor: str, tmp_path: Path) -> None:
    """Code whose threads wait in a live queue's get ends there, silently, when all is done."""
    (tmp_path / "relays.py").write_text(CODE)
    ran = run(
        tmp_path,
        f"""
        queues: {{a: {{}}, b: {{}}}}
        workers:
          team:
            executor: {executor}
            background: true
            call: "relays:team"
            args: ["${{queues.a}}", "${{queues.b}}"]
          source: {{executor: thread, steps: [{{repeat: 10, steps: [{{put: a, value: 1}}]}}]}}
        expect: [queues.b.put == 10, queues.a.left == 0, "run.duration < 15"]
        """,
    )
    assert ran.exit == 0, ran.why
    assert ran.said("team") == []


def test_reader_of_a_background_command_waits_for_its_last_words(tmp_path: Path) -> None:
    """A chain through `sort`, which says nothing before its input is over, loses nothing."""
    ran = run(
        tmp_path,
        """
        queues: {a: {}, b: {}, c: {}, d: {}}
        workers:
          before:
            executor: process
            background: true
            steps: [{forever: , steps: [{get: a, into: x}, {sleep: 10ms}, {put: b, value: "${x}"}]}]
          sort: {command: [sort], background: true, stdin: {from: b}, stdout: {to: c}}
          after:
            executor: thread
            background: true
            steps: [{forever: , steps: [{get: c, into: x}, {sleep: 10ms}, {put: d, value: "${x}"}]}]
          source:
            executor: thread
            steps: [{for_each: [b, c, a], as: x, steps: [{put: a, value: "${x}"}]}]
        expect:
          - queues.d.put == 3 and queues.c.left == 0
          - workers.sort.state == 'succeeded'
          - workers.after.state == 'terminated'
        """,
    )
    assert ran.exit == 0, ran.why
    got = [event["value"] for event in ran.of("ok", "after") if event["op"] == "get"]
    assert got == ["a", "b", "c"]


def test_who_reads_nothing_ends_first(tmp_path: Path) -> None:
    """A background ticker ends before those who read what it puts, who then read all of it."""
    ran = run(
        tmp_path,
        """
        queues: {ticks: {}}
        flags: {ticking: {}}
        workers:
          reader:
            executor: process
            background: true
            steps: [{forever: , steps: [{get: ticks}]}]
          ticker:
            executor: thread
            background: true
            steps:
              - {put: ticks, value: 1}
              - set_flag: ticking
              - {forever: , steps: [{put: ticks, value: 1}, {sleep: 1ms}]}
          first: {executor: thread, steps: [wait: ticking]}
        expect: [queues.ticks.left == 0, queues.ticks.put > 0]
        """,
    )
    assert ran.exit == 0, ran.why
    ends = [event["worker"] for event in ran.of("worker_ended")]
    assert ends == ["first", "ticker", "reader"]


def test_reader_that_starts_again_still_drains(tmp_path: Path) -> None:
    """A background reader that fails in the middle of draining is restarted and goes on."""
    ran = run(
        tmp_path,
        """
        queues: {a: {}}
        values: {seen: 0}
        workers:
          reader:
            executor: thread
            background: true
            restart: {policy: on-failure, max: 1, backoff: 20ms}
            steps:
              - forever:
                steps:
                  - {get: a, into: x}
                  - {update: seen, to: old + 1}
                  - {assert: values.seen != 3, message: third}
          source: {executor: thread, steps: [{repeat: 6, steps: [{put: a, value: 1}]}]}
        expect: [queues.a.left == 0, values.seen == 6, workers.reader.restarts == 1]
        """,
    )
    assert ran.exit == 0, ran.why


def test_drain_that_cannot_come_is_bounded_by_the_run(tmp_path: Path) -> None:
    """A background worker that waits for something else than a queue ends with the run's time."""
    ran = run(
        tmp_path,
        """
        timeout: 700ms
        queues: {a: {}}
        flags: {never: {}}
        workers:
          w: {executor: thread, background: true, steps: [{wait: never}, {get: a}]}
          first: {executor: thread, steps: []}
        """,
    )
    assert (ran.exit, ran.state) == (1, "timed_out")
    assert ran.result["notices"] == ["w is in wait never (line 5)"]


def test_terminate_comes_before_drain(tmp_path: Path) -> None:
    """Those to be terminated end first; what they had put is drained."""
    ran = run(
        tmp_path,
        """
        queues: {a: {}}
        flags: {putting: {}}
        workers:
          reader: {executor: thread, background: true, steps: [{forever: , steps: [{get: a}]}]}
          puts:
            executor: process
            background: true
            stop: {action: terminate}
            steps:
              - {put: a, value: 1}
              - set_flag: putting
              - {forever: , steps: [{put: a, value: 1}, {sleep: 1ms}]}
          first: {executor: thread, steps: [wait: putting]}
        expect: [queues.a.left == 0, queues.a.put > 0]
        """,
    )
    assert ran.exit == 0, ran.why


def test_who_can_start_when_the_foreground_is_done_does(tmp_path: Path) -> None:
    """A background worker whose dependency ends last starts and is drained, whatever else is told
    to the engine at that moment.
    """
    for _ in range(5):
        ran = run(
            tmp_path,
            """
            queues: {q: {}}
            workers:
              last: {executor: thread, steps: [{put: q, value: 1}]}
              busy:
                executor: thread
                background: true
                replicas: 8
                depends_on: {last: {condition: started}}
                steps: []
              reader:
                executor: thread
                background: true
                depends_on: [last]
                steps: [{forever: , steps: [{get: q}]}]
            """,
        )
        assert ran.worker("reader")["state"] == "terminated"
        assert ran.result["queues"]["q"]["got"] == 1


def test_who_starts_when_the_foreground_is_done_starts_once(tmp_path: Path) -> None:
    """It is asked to end as soon as it has started, however quickly it fails."""
    for _ in range(5):
        ran = run(
            tmp_path,
            """
            workers:
              last: {executor: thread, steps: []}
              quick:
                executor: thread
                background: true
                depends_on: [last]
                restart: {policy: always, max: 3, backoff: 0s}
                steps: [{fail: at once}]
            """,
        )
        assert ran.worker("quick")["restarts"] == 0
