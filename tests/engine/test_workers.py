"""Every executor with everything that it can run, alone and mixed."""

from __future__ import annotations

from pathlib import Path

import pytest

from running import run

EXECUTORS = {
    "inline": "executor: inline",
    "thread": "executor: thread",
    "process": "executor: process",
    "fresh": "{executor: process, options: {start_method: spawn}}",
    "pool": "executor: pool",
    "process pool": "{executor: pool, options: {of: process}}",
}
CODE = """\
import os, sys

def double(number, by=2):
    print("doubling", number)
    return number * by

def move(source, target, count):
    for _ in range(count):
        target.put(source.get() + 1)
    return os.getpid()
"""


def keys(executor: str) -> str:
    """The keys of an executor, to stand in a worker of flow style."""
    return EXECUTORS[executor].removeprefix("{").removesuffix("}")


@pytest.mark.parametrize("executor", EXECUTORS)
def test_steps(executor: str, tmp_path: Path) -> None:
    """Steps put, get and return on every executor, with a result and two events an operation."""
    ran = run(
        tmp_path,
        f"""
        queues: {{q: {{}}}}
        workers:
          w: {{{keys(executor)}, steps: [{{put: q, value: 4}}, {{get: q, into: n}},
                                       {{return: "${{n + 1}}"}}]}}
        expect:
          - workers.w.results == [5]
          - queues.q.got == 1 and queues.q.left == 0
        """,
    )
    assert ran.exit == 0, ran.why
    operations = [(event["event"], event["op"]) for event in ran.events if "op" in event]
    assert operations == [("invoke", "put"), ("ok", "put"), ("invoke", "get"), ("ok", "get")]


@pytest.mark.parametrize("executor", EXECUTORS)
def test_call(executor: str, tmp_path: Path) -> None:
    """A call runs on every executor, and what it prints is its worker's."""
    (tmp_path / "workshop.py").write_text(CODE)
    ran = run(
        tmp_path,
        f"""
        workers:
          w: {{{keys(executor)}, call: "workshop:double", args: [4], kwargs: {{by: 5}}}}
        expect: ["workers.w.results == [20]"]
        """,
    )
    assert ran.exit == 0, ran.why
    assert ran.said("w") == ["doubling 4"]
    assert ran.worker("w")["stdout"] == "doubling 4\n"


def test_command(tmp_path: Path) -> None:
    """A command runs with its words, its input and its output."""
    ran = run(
        tmp_path,
        r"""
        workers:
          w:
            command: [sh, -c, 'cat; echo "$0"', a b]
            stdin: "in\n"
        expect: ["workers.w.stdout == 'in\\na b\\n'", workers.w.exit_code == 0]
        """,
    )
    assert ran.exit == 0, ran.why
    assert ran.said("w") == ["in", "a b"]


@pytest.mark.parametrize("swap", [None, "process", "pool"])
def test_mixture(swap: str | None, tmp_path: Path) -> None:
    """Thread, process, process pool and `sort` over queues: the same items out as in."""
    (tmp_path / "workshop.py").write_text(CODE)
    ran = run(
        tmp_path,
        """
        queues: {numbers: {}, more: {maxsize: 2}, texts: {}, sorted: {}}
        workers:
          producer:
            executor: thread
            steps:
              - for_each: "${range(12)}"
                as: n
                steps: [{put: numbers, value: "${n}"}]
          worker:
            executor: process
            call: "workshop:move"
            args: ["${queues.numbers}", "${queues.more}", 12]
          pool:
            executor: pool
            options: {of: process, max_workers: 2}
            jobs: 12
            steps: [{get: more, into: n}, {put: texts, value: "item ${n + 10}"}]
          sort: {command: [sort, -r], stdin: {from: texts}, stdout: {to: sorted}}
          last:
            executor: inline
            depends_on: [sort]
            steps:
              - set: {all: []}
              - repeat: 12
                steps: [{get: sorted, into: one, timeout: 5s}, {set: {all: "${all + [one]}"}}]
              - return: ${all}
        expect:
          - "workers.last.result == [f'item {n}' for n in range(22, 10, -1)]"
          - queues.numbers.lost + queues.more.lost + queues.texts.lost + queues.sorted.lost == 0
        """,
        swaps={"producer": swap} if swap else None,
    )
    assert ran.exit == 0, ran.why


def test_inline_comes_last_in_file_order(tmp_path: Path) -> None:
    """Inline workers run on the calling thread, one after the other, when the others started."""
    ran = run(
        tmp_path,
        """
        workers:
          first: {executor: inline, steps: [{return: "${worker.thread}"}]}
          second: {executor: inline, steps: [log: second]}
          other: {executor: thread, steps: [sleep: 50ms]}
        expect: [workers.first.result == 'MainThread']
        """,
    )
    assert ran.exit == 0, ran.why
    order = [(event["event"], event["worker"]) for event in ran.events if "worker" in event]
    assert order.index(("worker_started", "other")) < order.index(("worker_started", "first"))
    assert order.index(("worker_ended", "first")) < order.index(("worker_started", "second"))


@pytest.mark.parametrize("executor", ["thread", "process"])
def test_replicas(executor: str, tmp_path: Path) -> None:
    """Replicas know their number, have results of their own, and together the worst state."""
    ran = run(
        tmp_path,
        f"""
        workers:
          w:
            executor: {executor}
            replicas: 3
            steps:
              - assert: worker.replica != 1
                message: number ${{worker.replica}}
              - return: ${{worker.name}}
        expect:
          - workers.w[0].state == 'succeeded' and workers.w[1].state == 'failed'
          - workers.w.results == ['w.0', None, 'w.2'] and workers.w.result == None
          - workers.w.state == 'failed' and workers.w.error == 'number 1'
        """,
    )
    assert ran.exit == 0, ran.why
    assert {event["replica"] for event in ran.of("worker_ended", "w.1")} == {1}


@pytest.mark.parametrize("of", ["thread", "process"])
def test_jobs(of: str, tmp_path: Path) -> None:
    """Jobs get their index and item, have new variables each time, and fail alone."""
    ran = run(
        tmp_path,
        f"""
        locals: {{mine: {{count: 0}}}}
        workers:
          w:
            executor: pool
            options: {{of: {of}, max_workers: 1}}
            jobs: [{{who: a}}, {{who: b}}, {{who: c}}]
            steps:
              - set: {{local.mine.count: "${{local.mine.count + 1}}"}}
              - assert: job.item.who != 'b'
              - set: {{seen: "${{job.index}} ${{job.item.who}} ${{local.mine.count}}"}}
              - return: ${{seen}}
        expect:
          - workers.w.results == ['0 a 1', None, '2 c 3']
          - workers.w.state == 'failed'
          - locals.mine.made == 1
        """,
    )
    assert ran.exit == 0, ran.why
    assert [event["job"] for event in ran.of("job_started", "w")] == [0, 1, 2]
    assert [event["state"] for event in ran.of("job_ended", "w")] == [
        "succeeded",
        "failed",
        "succeeded",
    ]
    assert [job["state"] for job in ran.worker("w")["jobs"]] == ["succeeded", "failed", "succeeded"]


def test_started_is_told_first(tmp_path: Path) -> None:
    """The start of a worker is in the log, and told, before anything that it does."""
    ran = run(
        tmp_path,
        """
        workers:
          t: {executor: thread, steps: [log: x]}
          p: {executor: process, steps: [log: x]}
          c: {command: [echo, x]}
          i: {executor: inline, steps: [log: x]}
          o: {executor: pool, steps: [log: x]}
          op: {executor: pool, options: {of: process}, steps: [log: x]}
        """,
    )
    for name in ran.states():
        mine = [event["event"] for event in ran.events if event.get("worker") == name]
        assert (mine[0], mine[-1]) == ("worker_started", "worker_ended"), mine
        told = [event["event"] for event in ran.seen if event.get("worker") == name]
        assert told[0] == "worker_started", told
