"""Jobs that ruin their process fail alone; what they fork, close or overflow harms nobody else."""

from __future__ import annotations

import json
import shutil
import time
from collections import Counter
from pathlib import Path

import pytest

import misbehaving
from command import scenarios
from running import run, write
from scenarios.engine.supervisor import Supervisor
from scenarios.errors import PluginFault

CUT_OFF = "lost its channel to the engine: let its code close only what it has opened"
TOLD = {
    "recursion": "RecursionError: maximum recursion depth exceeded",
    "memory": "MemoryError",
    "mute": "Mute: (its text cannot be told)",
    "close": f"its process {CUT_OFF}",
    "replace": f"its process {CUT_OFF}",
    "interrupt": "its process ended by SIGINT",
}
"""The error of each job; of the others there is none."""


@pytest.fixture(autouse=True)
def module(tmp_path: Path) -> None:
    """The module that the scenarios call."""
    shutil.copy(misbehaving.__file__, tmp_path)


def ledger(folder: Path) -> Counter[str]:
    """How often each job began."""
    return Counter((folder / "ledger").read_text().splitlines())


def test_job_that_ruins_its_process_fails_alone(tmp_path: Path) -> None:
    """In a pool of one process: each job after it has a new one, and its own result."""
    ruins = [*TOLD, "overflow", "unseen", "fork", "fork and fail"]
    jobs = [name for ruin in ruins for name in (ruin, "fine")]
    ran = run(
        tmp_path,
        f"""
        workers:
          w:
            executor: pool
            options: {{of: process, max_workers: 1}}
            jobs: {json.dumps(jobs)}
            call: "misbehaving:misbehave"
            args: ["${{job.item}}", {tmp_path}]
        expect: [workers.w.state == 'failed']
        """,
    )
    assert ran.exit == 0, ran.why
    ended = list(zip(jobs, ran.worker("w")["jobs"], strict=True))
    errors = {name: job["error"] for name, job in ended if job["error"]}
    overflow = errors.pop("overflow")  # newer versions of Python count calls of C as well
    assert overflow.startswith(("its process ended by SIGSEGV", "RecursionError: "))
    assert errors == TOLD
    results = {"fine": "fine", "fork": "parent", "fork and fail": "parent"}
    assert [job["result"] for _, job in ended] == [results.get(name) for name in jobs]
    assert ledger(tmp_path) == Counter(jobs)
    own = {path.read_text() for path in tmp_path.glob("own*")}
    assert own == {"mine"}
    assert "ValueError: the child fails" in ran.worker("w")["stderr"]
    assert [event["job"] for event in ran.of("job_ended", "w")] == list(range(len(jobs)))


def test_job_without_any_memory_fails_alone(tmp_path: Path) -> None:
    """Whether there is room to tell why or not."""
    ran = run(
        tmp_path,
        f"""
        workers:
          w:
            executor: pool
            options: {{of: process, max_workers: 1}}
            jobs: [fill, fine, fill, fine]
            call: "misbehaving:misbehave"
            args: ["${{job.item}}", {tmp_path}]
        expect: ["workers.w.results == [None, 'fine', None, 'fine']"]
        """,
    )
    assert ran.answer("workers.w.results == [None, 'fine', None, 'fine']")["answer"] == "passed"
    told = {job["error"] for job in ran.worker("w")["jobs"] if job["error"]}
    assert told <= {"MemoryError", "its process ended with exit code 1 before its work was done"}


@pytest.mark.parametrize("method", ["fork", pytest.param("spawn", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("name", "state", "error"),
    [
        ("replace", "failed", CUT_OFF),
        pytest.param("fork", "succeeded", None, marks=pytest.mark.slow),
        ("garbage", "failed", "wrote what is no message into its channel to the engine: "),
    ],
)
def test_worker_that_ruins_its_process(
    name: str, state: str, error: str | None, method: str, tmp_path: Path
) -> None:
    """A process of its own ends as a pool's does, and the run goes to its end."""
    ran = run(
        tmp_path,
        f"""
        workers:
          w:
            executor: process
            options: {{start_method: {method}}}
            call: "misbehaving:misbehave"
            args: [{name}, {tmp_path}]
          beside: {{executor: process, steps: [sleep: 200ms]}}
        """,
    )
    assert ran.states() == {"w": state, "beside": "succeeded"}
    assert (ran.worker("w")["error"] or "").startswith(error or "")
    assert ledger(tmp_path) == {name: 1}
    assert {path.read_text() for path in tmp_path.glob("own*")} <= {"mine"}


@pytest.mark.parametrize(
    "executor",
    ["thread", *(pytest.param(other, marks=pytest.mark.slow) for other in ("inline", "pool"))],
)
def test_child_that_a_thread_forks_ends_when_it_comes_back(executor: str, tmp_path: Path) -> None:
    """It is a copy of the engine, which would go on with the run: nothing happens twice."""
    text = f"""
        workers:
          w:
            executor: {executor}
            call: "misbehaving:misbehave"
            args: [fork, {tmp_path}]
        expect: [workers.w.result == 'parent']
        """
    write(tmp_path, text)
    done = scenarios("run", "case.yaml", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr.count("* succeeded") == 1
    assert ledger(tmp_path) == {"fork": 1}


CHATTER = """\
import os, time

def chatter():
    for number in range(4):
        if not os.fork():
            end = time.monotonic() + 1
            while time.monotonic() < end:
                print(str(number) * 9000)
            return
    return "x" * 900_000
"""


@pytest.mark.slow
def test_children_that_talk_cut_no_message_of_their_worker(tmp_path: Path) -> None:
    """What it tells in many pieces arrives whole, and so does each line of theirs."""
    (tmp_path / "chatting.py").write_text(CHATTER)
    ran = run(
        tmp_path,
        """
        workers:
          w:
            executor: pool
            options: {of: process, max_workers: 1}
            jobs: 12
            call: "chatting:chatter"
        expect: ["[len(text) for text in workers.w.results] == [900000] * 12"]
        """,
    )
    assert ran.exit == 0, ran.why
    said = {event["text"] for event in ran.seen if event["event"] == "output"}
    assert said <= {str(number) * 9000 for number in range(4)}


def test_run_whose_engine_has_lost_its_way_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when a thread has used up the memory of the engine's process: nobody waits for ever."""
    monkeypatch.setattr("scenarios.engine.STUCK", 0.2)
    monkeypatch.setattr(Supervisor, "run", lambda self: time.sleep(3))
    with pytest.raises(PluginFault, match="does not come to an end: its process may have no mem"):
        run(
            tmp_path,
            """
            timeout: 100ms
            workers: {w: {executor: thread, stop: {grace: 0s}, steps: []}}
            """,
        )
