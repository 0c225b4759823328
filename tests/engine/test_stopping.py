"""How workers are stopped: terminated, forced, out of time; and who cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from running import run
from scenarios import verdict

STUBBORN = """\
import signal, threading, time

def ignore(seconds=60):
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("up")
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        time.sleep(0.01)

def spin(seconds=60):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        pass

def nap(seconds=60):
    try:
        print("up")
        time.sleep(seconds)
    finally:
        print("cleaned up")
"""
NAMES = {"thread": "thread", "process": "process", "inline": "inline", "pool": "pool"}
NAMES["process pool"] = "pool"
IGNORING_COMMAND = "[sh, -c, 'trap : TERM INT; echo up; while :; do sleep 0.05; done']"


@pytest.mark.parametrize("executor", ["thread", "process", "pool", "process pool"])
def test_terminate_ends_steps_with_their_clean_up(executor: str, tmp_path: Path) -> None:
    """A background worker is terminated in its wait; `finally` runs, and its lock is free again."""
    options = "\n            options: {of: process}" if executor == "process pool" else ""
    ran = run(
        tmp_path,
        f"""
        queues: {{q: {{}}, done: {{}}}}
        locks: {{guard: {{}}}}
        flags: {{ready: {{}}}}
        workers:
          w:
            executor: {NAMES[executor]}{options}
            background: true
            stop: {{action: terminate}}
            steps:
              - try:
                - with: guard
                  steps: [{{set_flag: ready}}, {{get: q}}]
                finally: [{{put: done, value: 1}}]
          first: {{executor: thread, steps: [{{wait: ready}}]}}
        expect:
          - workers.w.state == 'terminated'
          - queues.done.put == 1 and locks.guard.acquired == 1
          - run.duration < 15
        """,
    )
    assert ran.exit == 0, ran.why
    assert len(ran.of("worker_stopping", "w")) == 1


@pytest.mark.parametrize("executor", ["process", "pool"])
def test_terminate_ends_a_call(executor: str, tmp_path: Path) -> None:
    """A call in a process is left by an exception that runs its `finally`; exit by SIGTERM."""
    (tmp_path / "stubborn.py").write_text(STUBBORN)
    options = "{of: process}" if executor == "pool" else "{}"
    ran = run(
        tmp_path,
        f"""
        workers:
          w:
            executor: {executor}
            options: {options}
            background: true
            stop: {{action: terminate}}
            ready: {{log: up}}
            call: "stubborn:nap"
          first: {{executor: thread, depends_on: {{w: {{condition: ready}}}}, steps: []}}
        expect: [run.duration < 15]
        """,
    )
    assert ran.exit == 0, ran.why
    assert ran.states()["w"] == "terminated"
    assert ran.said("w") == ["up", "cleaned up"]
    if executor == "process":
        assert ran.worker("w")["exit_code"] == -15


def test_terminate_ends_a_command_and_all_below_it(tmp_path: Path) -> None:
    """SIGTERM goes to the group of a command; its own end is `terminated`, whatever its code."""
    ran = run(
        tmp_path,
        """
        workers:
          plain: {command: [sleep, "60"], background: true, stop: {action: terminate}}
          polite:
            command: [sh, -c, 'trap "exit 3" TERM; echo up; sleep 60 & wait']
            background: true
            stop: {action: terminate}
            ready: {log: up}
          first: {executor: thread, depends_on: {polite: {condition: ready}}, steps: []}
        expect:
          - workers.plain.state == 'terminated' and workers.plain.exit_code == -15
          - workers.polite.state == 'terminated' and workers.polite.exit_code == 3
          - run.duration < 15
        """,
    )
    assert ran.exit == 0, ran.why


@pytest.mark.parametrize("kind", ["command", "process", "process pool"])
def test_force_after_grace(kind: str, tmp_path: Path) -> None:
    """A worker that ignores SIGTERM is killed when its grace is over."""
    (tmp_path / "stubborn.py").write_text(STUBBORN)
    what = {
        "command": f"command: {IGNORING_COMMAND}",
        "process": "executor: process, call: 'stubborn:ignore'",
        "process pool": "executor: pool, options: {of: process}, call: 'stubborn:ignore'",
    }[kind]
    ran = run(
        tmp_path,
        f"""
        workers:
          w:
            {{{what}, background: true, stop: {{action: terminate, grace: 200ms}},
             ready: {{log: up}}}}
          first: {{executor: thread, depends_on: {{w: {{condition: ready}}}}, steps: []}}
        expect: [workers.w.state == 'terminated', run.duration < 15]
        """,
    )
    assert ran.exit == 0, ran.why
    if kind != "process pool":
        assert ran.worker("w")["exit_code"] == -9


@pytest.mark.parametrize("executor", ["thread", "process", "inline", "pool", "process pool"])
def test_timeout_of_an_attempt(executor: str, tmp_path: Path) -> None:
    """A worker that takes too long is timed out, wherever it waits."""
    options = ", options: {of: process}" if executor == "process pool" else ""
    ran = run(
        tmp_path,
        f"""
        queues: {{q: {{}}}}
        workers:
          w: {{executor: {NAMES[executor]}{options}, timeout: 200ms, steps: [{{get: q}}]}}
        expect: [workers.w.state == 'timed_out', workers.w.result == None, run.duration < 15]
        """,
    )
    assert ran.exit == 0, ran.why
    assert ran.worker("w")["error"] == "did not end within its time-out of 0.2s"


def test_timeout_of_a_command(tmp_path: Path) -> None:
    """The same for a command, also one that ignores SIGTERM."""
    ran = run(
        tmp_path,
        f"""
        workers:
          w:
            command: {IGNORING_COMMAND}
            depends_on: [spawner]
            timeout: 1500ms
            stop: {{grace: 100ms}}
          spawner: {{command: ["true"]}}
        expect: [workers.w.state == 'timed_out', workers.w.exit_code == -9, run.duration < 15]
        """,
    )
    assert ran.exit == 0, ran.why
    assert ran.worker("w")["stdout"] == "up\n"


def test_timeout_of_the_run_says_who_waits_for_what(tmp_path: Path) -> None:
    """Out of time, the run tells of each thread of each worker what it does, at which line."""
    (tmp_path / "taker.py").write_text("def f(q):\n    q.get()\n")
    ran = run(
        tmp_path,
        """
        timeout: 1500ms
        queues: {q: {}, shared: {}}
        locks: {guard: {}}
        workers:
          a:
            executor: thread
            steps:
              - acquire: guard
              - get: q
          b:
            executor: thread
            depends_on: {a: {condition: started}}
            steps: [sleep: 300ms, {acquire: guard}]
          c:
            executor: process
            steps:
              - log: before
              - get: shared
          d: {executor: pool, options: {of: process}, call: "taker:f", args: ["${queues.shared}"]}
          e: {command: [sleep, "60"]}
          f: {executor: process, steps: [sleep: 60s]}
        """,
    )
    assert (ran.exit, ran.state) == (1, "timed_out")
    assert set(ran.states().values()) == {"timed_out"}
    assert ran.result["run"]["error"] == "the run did not end within its time-out of 1.5s"
    told = ran.result["notices"]
    assert told == [
        "a is in get q (line 9)",
        "b is in acquire guard (line 13)",
        "c is in get shared (line 18)",
        "d@0 is in get shared (line 19)",
        "e runs (line 20)",
        "f is in sleep (line 21)",
    ]


@pytest.mark.parametrize("of", ["thread", "process"])
def test_timeout_of_the_run_names_a_pool(of: str, tmp_path: Path) -> None:
    """Its jobs were only stopped; that it was out of time is told of the worker, at its line."""
    ran = run(
        tmp_path,
        f"""
        timeout: 500ms
        workers:
          p:
            executor: pool
            options: {{of: {of}, max_workers: 1}}
            jobs: 2
            steps: [sleep: 60s]
        """,
    )
    first, second = verdict.failures(ran.result)
    assert (first.line, second.line) == (0, ran.result["workers"]["p"]["line"])
    assert second.message == (
        """worker "p" timed out: did not end within the run's time-out of 0.5s"""
    )


def test_thread_that_cannot_be_stopped_is_named(tmp_path: Path) -> None:
    """A thread in a call outlives the run, which says so, and what to do."""
    (tmp_path / "stubborn.py").write_text(STUBBORN)
    ran = run(
        tmp_path,
        """
        workers:
          w:
            executor: thread
            background: true
            stop: {grace: 100ms}
            ready: {log: up, interval: 10ms}
            call: "stubborn:ignore"
            args: [8]
          first: {executor: thread, depends_on: {w: {condition: ready}}, steps: []}
        expect: [workers.w.state == 'terminated']
        """,
    )
    assert ran.exit == 0, ran.why
    (notice,) = ran.result["notices"]
    assert notice.startswith("worker w (line 2) did not end when it was stopped and still runs")
    assert "use executor: process" in notice


@pytest.mark.parametrize("function", ["spin", "nap"])
def test_inline_call_is_ended_by_force(function: str, tmp_path: Path) -> None:
    """A call on the main thread ends by an exception when the run is out of time."""
    (tmp_path / "stubborn.py").write_text(STUBBORN)
    ran = run(
        tmp_path,
        f"""
        timeout: 300ms
        workers:
          w: {{executor: inline, call: "stubborn:{function}", args: [60]}}
        """,
    )
    assert (ran.exit, ran.state, ran.states()) == (1, "timed_out", {"w": "timed_out"})
    assert ran.result["run"]["duration"] < 20


def test_failure_is_not_hidden_by_a_stop(tmp_path: Path) -> None:
    """A background worker that fails while it is stopped has failed."""
    (tmp_path / "fragile.py").write_text(
        "def f(q):\n    try:\n        q.get()\n    finally:\n        raise ValueError('mine')\n"
    )
    ran = run(
        tmp_path,
        """
        queues: {q: {}}
        workers:
          w: {executor: thread, background: true, call: "fragile:f", args: ["${queues.q}"]}
          first: {executor: thread, steps: [sleep: 100ms]}
        """,
    )
    assert ran.exit == 1
    assert ran.states()["w"] == "failed"
    assert ran.worker("w")["error"] == "ValueError: mine"


def test_run_step_is_stopped_with_all_that_it_started(tmp_path: Path) -> None:
    """A `run` step ends at its time-out although what its command started holds its output."""
    ran = run(
        tmp_path,
        """
        workers:
          p:
            executor: process
            steps: &steps
              - try:
                - {run: [sh, -c, "echo in; sleep 61 & sleep 62"], timeout: 200ms}
                except: [{return: "${error}"}]
          t: {executor: thread, steps: *steps}
          left:
            executor: process
            steps: [{run: [sh, -c, "echo x; sleep 63 &"], into: r}, {return: "${r}"}]
        expect:
          - workers.p.result.endswith('was not done within 0.2s')
          - workers.t.result == workers.p.result
          - "workers.left.result == {'exit_code': 0, 'stdout': 'x\\\\n', 'stderr': ''}"
          - run.duration < 15
        """,
    )
    assert ran.exit == 0, ran.why


@pytest.mark.parametrize("executor", ["thread", "process"])
def test_a_log_is_no_place_to_stop_at(executor: str, tmp_path: Path) -> None:
    """Steps without a scheduling point belong to the one before them, whenever the stop comes."""
    ran = run(
        tmp_path,
        f"""
        flags: {{up: {{}}}}
        workers:
          w:
            executor: {executor}
            background: true
            stop: {{action: terminate}}
            steps:
              - set_flag: up
              - repeat: 5000
                steps: [log: x]
              - return: all
          f: {{executor: thread, steps: [wait: up]}}
        expect: [workers.w.result == 'all']
        """,
    )
    assert ran.exit == 0, ran.why
    assert len(ran.said("w")) == 5000
