"""A job or worker that ends its process, or raises, anywhere: it fails alone, on every executor.

The cases are those of the deadlock tests of loky and of CPython's concurrent.futures: a crash, an
exit or an error where something is pickled, unpickled, run, or given back.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import crashing
from crashing import CASES, ENDS, FATAL
from running import Ran, run, started

SLOW = pytest.mark.slow
EACH = 5.0
"""Seconds in which each case has ended."""


@pytest.fixture(autouse=True)
def module(tmp_path: Path) -> None:
    """The module that the scenarios call."""
    shutil.copy(crashing.__file__, tmp_path)


def text_of(cases: list[list[str]], executor: str, options: str, jobs: bool) -> str:
    """A scenario in which each job or replica has one of the cases, its own queue and value.

    A further process uses them, too, so that they live in the hub whoever meets the cases.
    """
    numbers = range(len(cases))
    names = ", ".join(f"q{n}: {{}}" for n in numbers)
    values = ", ".join(f"v{n}: 0" for n in numbers)
    who = "job.index" if jobs else "worker.replica"
    some = "'q0'.lower()"  # one that is computed: it may be any of them
    count = f"jobs: {len(cases)}" if jobs else f"replicas: {len(cases)}"
    return f"""
        timeout: 60s
        vars: {{cases: {json.dumps(cases)}}}
        queues: {{{names}}}
        values: {{{values}}}
        workers:
          w:
            executor: {executor}
            options: {options}
            {count}
            call: "crashing:case"
            args:
              - ${{vars.cases[{who}][0]}}
              - ${{vars.cases[{who}][1]}}
              - ${{queues['q' + str({who})]}}
              - ${{values['v' + str({who})]}}
          other:
            executor: process
            call: "crashing:look"
            args: ["${{queues[{some}]}}", "${{values[{some}.replace('q', 'v')]}}"]
        """


def judged(ran: Ran, cases: list[list[str]], prefix: str) -> None:
    """Every case has ended as it should, and nobody else has noticed."""
    worker = ran.worker("w")
    ended = worker.get("jobs") or worker["replicas"]
    found = {
        tuple(case): (one["state"], one["error"]) for case, one in zip(cases, ended, strict=True)
    }
    expected = {
        (place, how): ("succeeded", None)
        if place.startswith("result")
        else ("failed", (prefix if how in FATAL else "") + ENDS[how])
        for place, how in cases
    }
    assert found == expected
    assert {one["result"] for one in ended} == {None}
    assert ran.worker("other")["state"] == "succeeded"
    assert ran.exit == 1
    counts = [ran.result["queues"][f"q{n}"] for n in range(1, len(cases))]
    assert {(one["left"], one["lost"], one["duplicated"]) for one in counts} == {(0, 0, 0)}


@pytest.mark.parametrize(
    ("executor", "options", "jobs"),
    [
        ("process", "{start_method: fork}", False),
        pytest.param("process", "{start_method: spawn}", False, marks=SLOW),
        pytest.param("pool", "{of: process, max_workers: 1}", True, marks=SLOW),
        ("pool", "{of: process, max_workers: 3}", True),
    ],
)
def test_case_fails_alone_in_a_process(
    executor: str, options: str, jobs: bool, tmp_path: Path
) -> None:
    """Whatever ends a process or a job, wherever: its error says how, and all others go on."""
    ran = run(tmp_path, text_of(CASES, executor, options, jobs))
    judged(ran, CASES, "its process " if jobs else "")
    told(ran, jobs)


def told(ran: Ran, jobs: bool) -> None:
    """No case took long."""
    seconds = seconds_of(ran, jobs)
    print(f"{len(seconds)} cases, the longest of {max(seconds):.2f} s")
    assert max(seconds) < EACH


def seconds_of(ran: Ran, jobs: bool) -> list[float]:
    """How long each replica or job took."""
    if not jobs:
        return [float(one["duration"]) for one in ran.worker("w")["replicas"]]
    times: dict[Any, list[int]] = {}
    for event in (*ran.of("job_started", "w"), *ran.of("job_ended", "w")):
        times.setdefault(event["job"], []).append(event["time"])
    return [(end - begin) / 1e9 for begin, end in times.values()]


@pytest.mark.parametrize(
    ("executor", "options", "jobs"),
    [
        pytest.param("thread", "{}", False, marks=SLOW),
        pytest.param("inline", "{}", False, marks=SLOW),
        pytest.param("pool", "{of: thread, max_workers: 1}", True, marks=SLOW),
        ("pool", "{of: thread, max_workers: 4}", True),
    ],
)
def test_case_fails_alone_in_a_thread(
    executor: str, options: str, jobs: bool, tmp_path: Path
) -> None:
    """Exits and errors end a job or worker in the engine's own process, and nothing more."""
    cases = [case for case in CASES if case[1] not in FATAL]
    ran = run(tmp_path, text_of(cases, executor, options, jobs))
    judged(ran, cases, "")
    told(ran, jobs)


@pytest.mark.parametrize(
    ("executor", "how", "code"),
    [
        ("thread", "kill", -9),
        pytest.param("pool", "segfault", -11, marks=SLOW),
        pytest.param("inline", "hard", 3, marks=SLOW),
    ],
)
def test_what_ends_the_engine_leaves_nothing(
    executor: str, how: str, code: int, tmp_path: Path
) -> None:
    """Threads share the engine's process: its end is theirs, and all that it has started ends."""
    text = f"""
        workers:
          beside: {{executor: process, steps: [{{log: up}}, {{sleep: 60s}}]}}
          w:
            executor: {executor}
            depends_on: {{beside: {{condition: started}}}}
            call: "crashing:case"
            args: [run, {how}, null, null]
        """
    with started(tmp_path, text) as command:
        assert command.wait() == code, command.err
        segments = b"".join(path.read_bytes() for path in (command.run / "segments").iterdir())
    assert segments.count(b'"event":"invoke","worker":"w"') == 1


# -- items that end who reads them ----------------------------------------------------------------


@pytest.mark.parametrize(
    "how", ["kill", *(pytest.param(how, marks=SLOW) for how in ("hard", "leave", "error"))]
)
def test_item_ends_one_reader_and_no_other(how: str, tmp_path: Path) -> None:
    """It is taken by the first who reads it; the items behind it go to the others."""
    ran = run(
        tmp_path,
        f"""
        queues: {{q: {{}}}}
        workers:
          puts: {{executor: process, call: "crashing:put", args: ["${{queues.q}}", {how}]}}
          more:
            executor: process
            depends_on: [puts]
            steps: [{{for_each: [1, 2], as: n, steps: [{{put: q, value: "${{n}}"}}]}}]
          reader:
            executor: process
            depends_on: [more]
            replicas: 3
            steps:
              - {{get: q, into: n, timeout: 5s}}
              - return: ${{n}}
        expect:
          - sorted(n for n in workers.reader.results if n) == [1, 2]
          - queues.q.got == 3 and queues.q.lost == 0 and queues.q.duplicated == 0
          - workers.reader.state == 'failed'
        """,
    )
    assert ran.exit == 0, ran.why
    (failed,) = [one for one in ran.worker("reader")["replicas"] if one["state"] == "failed"]
    assert failed["error"] == {"leave": "SystemExit: 4"}.get(how, ENDS[how])
    assert failed["error_line"] == 13


def test_item_that_cannot_be_read_fails_its_step(tmp_path: Path) -> None:
    """The step fails as any other: what is held is released, and `try` catches it."""
    ran = run(
        tmp_path,
        """
        queues: {q: {}}
        locks: {guard: {}}
        workers:
          puts:
            executor: process
            replicas: 2
            call: "crashing:put"
            args: ["${queues.q}", "${'leave' if worker.replica else 'error'}"]
          holds:
            executor: process
            depends_on: [puts]
            steps:
              - with: guard
                steps:
                  - {get: q, timeout: 5s}
          tries:
            executor: process
            depends_on: [holds]
            steps:
              - {acquire: guard, timeout: 2s}
              - try:
                  - {get: q, timeout: 5s}
                except:
                  - return: ${error}
        expect: [workers.holds.state == 'failed']
        """,
    )
    assert ran.exit == 0, ran.why
    assert ran.worker("holds")["error_line"] == 15
    told = {ran.worker("holds")["error"], ran.worker("tries")["result"]}
    assert told == {"ValueError: no luck", "SystemExit: 4"}


ENGINE = """\
import os

class Leaver:
    def __reduce__(self):
        return os._exit, (0,)

class Rude:
    def __repr__(self):
        raise SystemExit(0)
    __str__ = __eq__ = __repr__
    __hash__ = None

def set_leaver(value):
    value.set(Leaver())

def set_rude(value):
    value.set([1, Rude()])

def put_leaver(queue):
    queue.put("first")
    queue.put(Leaver())
"""


def test_engine_reads_no_object_of_a_worker(tmp_path: Path) -> None:
    """A value whose reading would end the engine, and with exit code 0, is told by its kind."""
    (tmp_path / "leaver.py").write_text(ENGINE)
    ran = run(
        tmp_path,
        """
        values: {left: 0, rude: 0}
        workers:
          sets: {executor: process, call: "leaver:set_leaver", args: ["${values.left}"]}
          rude: {executor: thread, call: "leaver:set_rude", args: ["${values.rude}"]}
          fails: {executor: process, steps: [fail: really]}
        expect: [values.rude != 3]
        """,
    )
    assert ran.exit == 1
    assert ran.states() == {"sets": "succeeded", "rude": "succeeded", "fails": "failed"}
    assert ran.result["values"] == {
        "left": "<an object of posix._exit>",
        "rude": [1, "<an object of leaver.Rude>"],
    }


@pytest.mark.parametrize("executor", ["process", pytest.param("thread", marks=SLOW)])
def test_object_that_a_command_is_fed(executor: str, tmp_path: Path) -> None:
    """No line can be made of it: the command has what came before, and fails with the reason."""
    (tmp_path / "leaver.py").write_text(ENGINE)
    ran = run(
        tmp_path,
        f"""
        queues: {{q: {{}}}}
        workers:
          puts: {{executor: {executor}, call: "leaver:put_leaver", args: ["${{queues.q}}"]}}
          cat: {{command: [cat], stdin: {{from: q}}}}
        expect: [workers.cat.state == 'failed', workers.cat.stdout == "first\\n"]
        """,
    )
    assert ran.exit == 0, ran.why
    assert ran.worker("cat")["error"].startswith("get q: ")
    assert "put text or" in ran.worker("cat")["error"]
