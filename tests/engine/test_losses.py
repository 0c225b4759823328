"""What is killed from outside: workers, the hub, the spawner; the log and the others go on."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from command import scenarios
from running import run, started, write
from supervision.witness import survivors

DIE = """\
import os, pathlib, signal, sys, time

def until_it_gets(tmp, worker):
    segments = pathlib.Path(tmp).parent / "segments"
    while not any(b'"op":"get"' in path.read_bytes() for path in segments.glob(f"{worker}.*")):
        time.sleep(0.01)

def die(number):
    os.kill(os.getpid(), number)
    time.sleep(60)

def leave(code):
    sys.exit(code)

def hard(code):
    os._exit(code)

def die_with(item):
    if item == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return item
"""


@pytest.fixture(autouse=True)
def deadly(tmp_path: Path) -> None:
    """A module of functions that end their process."""
    (tmp_path / "deadly.py").write_text(DIE)


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.parametrize("number", [1, 2, 9, 11, 14, 6])
def test_process_ended_by_a_signal(method: str, number: int, tmp_path: Path) -> None:
    """The signal is the exit code, the error names it, and the run goes to its end."""
    ran = run(
        tmp_path,
        f"""
        workers:
          w:
            executor: process
            options: {{start_method: {method}}}
            call: "deadly:die"
            args: [{number}]
        """,
    )
    assert ran.exit == 1
    name = signal.Signals(number).name
    assert ran.worker("w")["state"] == "failed"
    assert ran.worker("w")["exit_code"] == -number
    assert ran.worker("w")["error"] == f"ended by {name}"


@pytest.mark.parametrize("code", [0, 1, 2, 3, 77, 127, 128, 200, 255])
def test_exit_codes(code: int, tmp_path: Path) -> None:
    """Exit codes are exact for a command and for calls that leave, politely or not."""
    ran = run(
        tmp_path,
        f"""
        workers:
          command: {{command: [sh, -c, "exit {code}"]}}
          leaves: {{executor: process, call: "deadly:leave", args: [{code}]}}
          hard: {{executor: process, call: "deadly:hard", args: [{code}]}}
          thread: {{executor: thread, call: "deadly:leave", args: [{code}]}}
        """,
    )
    codes = {name: worker["exit_code"] for name, worker in ran.result["workers"].items()}
    assert codes == dict.fromkeys(("command", "leaves", "hard", "thread"), code)
    state = "failed" if code else "succeeded"
    assert ran.states() == {
        "command": state,
        "leaves": state,
        "hard": "failed",
        "thread": state,
    }
    if code:
        assert ran.worker("command")["error"] == f"exit code {code}"
        assert ran.worker("leaves")["error"] == f"exited with {code}"


@pytest.mark.parametrize("number", [1, 2, 3, 9, 15])
def test_command_ended_by_a_signal(number: int, tmp_path: Path) -> None:
    """A command that dies by a signal has minus its number as the exit code."""
    ran = run(
        tmp_path,
        f"""
        workers: {{w: {{command: [sh, -c, "kill -{number} $$; sleep 9"]}}}}
        expect: [workers.w.exit_code == -{number}, workers.w.state == 'failed']
        """,
    )
    assert ran.exit == 0, ran.why
    assert ran.worker("w")["error"] == f"ended by {signal.Signals(number).name}"


def test_job_that_kills_its_process_fails_alone(tmp_path: Path) -> None:
    """The process of a pool is replaced; all other jobs have their results."""
    ran = run(
        tmp_path,
        """
        workers:
          w:
            executor: pool
            options: {of: process, max_workers: 2}
            jobs: [0, 1, 2, 3, 4, 5, 2, 7]
            call: "deadly:die_with"
            args: ["${job.item}"]
        expect:
          - workers.w.results == [0, 1, None, 3, 4, 5, None, 7]
          - workers.w.state == 'failed'
        """,
    )
    assert ran.exit == 0, ran.why
    jobs = ran.worker("w")["jobs"]
    assert [job["error"] for job in jobs if job["error"]] == ["its process ended by SIGKILL"] * 2
    ends = sorted(event["job"] for event in ran.of("job_ended", "w"))
    assert ends == list(range(8))


def test_reader_killed_in_its_get_loses_nothing(tmp_path: Path) -> None:
    """A process that is killed in its wait takes nothing with it; its invoke stays in the log."""
    ran = run(
        tmp_path,
        """
        queues: {q: {}, pids: {}}
        workers:
          victim:
            executor: process
            steps: [{put: pids, value: "${worker.pid}"}, {get: q}]
          killer:
            executor: thread
            steps:
              - {get: pids, into: pid}
              - {call: "deadly:until_it_gets", args: ["${run.tmp}", victim]}
              - run: [kill, "-9", "${pid}"]
              - sleep: 100ms
              - {for_each: [1, 2, 3], as: n, steps: [{put: q, value: "${n}"}]}
          heir:
            executor: process
            depends_on: [victim]
            steps: [{repeat: 3, steps: [{get: q, timeout: 5s}]}]
        expect: [workers.victim.exit_code == -9, queues.q.got == 3, queues.q.lost == 0]
        """,
    )
    assert ran.exit == 0, ran.why
    mine = [event for event in ran.events if event.get("worker") == "victim" and "op" in event]
    assert [event["event"] for event in mine] == ["invoke", "ok", "invoke", "info"]
    assert {event["op"] for event in mine[2:]} == {"get"}


TWO = """\
timeout: 25s
queues: {q: {}, other: {}}
workers:
  p: {executor: process, steps: [{log: p is up}, {get: q}]}
  t: {executor: thread, steps: [{log: up too}, {put: other, value: 1}, {get: q}]}
  o: {executor: pool, options: {of: process, max_workers: 2}, jobs: 2, steps: [{get: other}]}
  c: {command: [cat], stdin: {from: other}}
"""


def _one(mark: str, word: str) -> int:
    (pid,) = [pid for pid, words in survivors(mark).items() if word in words]
    return pid


def test_hub_that_is_killed_ends_the_run(tmp_path: Path) -> None:
    """Without its hub a run fails at once, with one clear error."""
    with started(tmp_path, TWO, "--format", "json") as command:
        command.until("p is up", "up too")
        began = time.monotonic()
        os.kill(_one(command.run.name, "scenarios.hub"), signal.SIGKILL)
        assert command.wait() == 1, command.err
        assert time.monotonic() - began < 12
        result = command.result()
        assert result["run"]["state"] == "failed"
        assert "hub" in result["run"]["error"]
        assert command.events()[-1]["event"] == "run_ended"
        assert "Traceback" not in command.err


def test_spawner_that_is_killed_ends_the_run(tmp_path: Path) -> None:
    """Without its spawner a run fails at once, and says what was ended."""
    with started(tmp_path, TWO, "--format", "json") as command:
        command.until("p is up", "up too")
        began = time.monotonic()
        below = survivors(command.run.name)
        guard = next(pid for pid in below if _parent(pid) == command.process.pid)
        spawner = next(pid for pid in below if _parent(pid) == guard)
        os.kill(spawner, signal.SIGKILL)
        assert command.wait() == 1, command.err
        assert time.monotonic() - began < 12
        result = command.result()
        assert result["run"]["state"] == "failed"
        assert "ended from outside" in result["run"]["error"]
        assert command.events()[-1]["event"] == "run_ended"
        assert "Traceback" not in command.err


def _parent(pid: int) -> int:
    """Its parent's number; 0 where it has ended."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()[1])
    except OSError:
        return 0


def test_killed_engine_leaves_nothing_but_a_readable_log(tmp_path: Path) -> None:
    """After SIGKILL of the engine all that was done is in the segments, and no process is left."""
    with started(tmp_path, TWO) as command:
        command.until("p is up", "up too")
        command.process.kill()
        assert command.wait() == -signal.SIGKILL
        lines = [
            line
            for path in (command.run / "segments").iterdir()
            for line in path.read_bytes().rstrip(b"\0").splitlines()
        ]
    assert any(b'"message":"up too"' in line for line in lines)
    assert any(b'"event":"worker_started"' in line for line in lines)


def test_next_run_ends_what_a_dead_run_left(tmp_path: Path) -> None:
    """A process that carries the mark of a run that is no more is ended by the next run."""
    dead = run(tmp_path, "workers: {w: {executor: thread, steps: []}}")
    mark = dead.result["run"]["id"]
    left = subprocess.Popen(["sleep", "60"], env={**os.environ, "SCENARIOS_RUN": mark})
    try:
        assert scenarios("run", "case.yaml", cwd=tmp_path).returncode == 0
        assert left.wait(10) == -signal.SIGKILL
    finally:
        left.kill()
        left.wait()


def test_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """Where no run can be stored nothing runs, exit 2."""
    (tmp_path / ".scenarios").write_text("a file in the way")
    write(tmp_path, "workers: {w: {command: [touch, ran]}}")
    done = scenarios("run", "case.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert "cannot write the run folder" in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "ran").exists()


def test_item_that_cannot_travel(tmp_path: Path) -> None:
    """Putting what cannot be pickled into a queue between processes fails that put."""
    (tmp_path / "odd.py").write_text("def put(q):\n    q.put(lambda: 1)\n")
    ran = run(
        tmp_path,
        """
        queues: {q: {}}
        workers:
          w: {executor: process, call: "odd:put", args: ["${queues.q}"]}
          next: {executor: process, depends_on: [w], steps: [{put: q, value: 1}, {get: q}]}
        expect: [workers.w.state == 'failed', queues.q.put == 1]
        """,
    )
    assert ran.exit == 0, ran.why
    assert "lambda" in ran.worker("w")["error"]
