"""The hub of a real run is killed or stopped, at any moment: the run fails and nothing hangs."""

from __future__ import annotations

import os
import random
import re
import signal
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from running import Ran, run
from scenarios.engine.stopping import LAST_CHANCE, SHORT_GRACE
from scenarios.wire.control import HubControl
from supervision.witness import survivors

BUSY = """
    timeout: 30s
    queues: {q: {}, bounded: {maxsize: 1}, lines: {}, empty: {}, work: {ack: task_done}}
    locks: {guard: {}}
    conditions: {bell: {}}
    barriers: {gate: {parties: 9}}
    semaphores: {seats: {permits: 0}}
    flags: {go: {}}
    values: {n: 0}
    workers:
      puts:
        executor: process
        steps:
          - forever:
            steps: [{put: q, value: 1}, {put: bounded, value: 2}, {put: work, value: 3}]
      gets:
        executor: process
        replicas: 2
        steps: [{forever: , steps: [{get: q}, {get: work}, {task_done: work}]}]
      drains: {executor: process, background: true, steps: [{forever: , steps: [{get: bounded}]}]}
      locks:
        executor: process
        replicas: 2
        steps: [{forever: , steps: [{with: guard, steps: [{update: n, to: old + 1}]}]}]
      bell: {executor: process, steps: [{acquire: bell}, {wait: bell}]}
      gate: {executor: process, steps: [{wait: gate}]}
      seat: {executor: process, steps: [{acquire: seats, timeout: 29s}]}
      flag: {executor: process, steps: [{wait: go}]}
      join: {executor: pool, options: {of: process, max_workers: 2}, jobs: 2, steps: [{get: empty}]}
      here: {executor: thread, replicas: 2, steps: [{forever: , steps: [{get: q}]}]}
      crew: {executor: pool, jobs: 2, steps: [{get: empty}]}
      cat: {command: [cat], stdin: {from: lines}}
      yes: {command: [sh, -c, "while sleep 0.01; do echo x; done"], stdout: {to: lines}}
    """
"""Everything that can be done at a hub, by every executor, for as long as it lasts."""

DRAINING = """
    timeout: 30s
    queues: {q: {}}
    values: {n: 0}
    workers:
      puts: {executor: process, steps: [{repeat: 20000, steps: [{put: q, value: 1}]}]}
      drains:
        executor: process
        background: true
        steps: [{forever: , steps: [{get: q}, {update: n, to: old + 1}]}]
      here:
        executor: thread
        background: true
        steps: [{forever: , steps: [{get: q}, {update: n, to: old + 1}]}]
    expect: [queues.q.left == 0]
    """
"""A run for most of which the engine asks the hub what is left; whole it takes seconds."""

SOON = 5.0
"""Seconds after which something hangs: the end takes a tenth of one on a quiet machine."""


@dataclass
class Death:
    """When the hub was struck, by `time.monotonic`; None where the run had ended before."""

    at: float | None = None


def strike(
    folder: Path, delay: float, number: int, death: Death, after: str = ""
) -> threading.Thread:
    """Send the hub of the run in this folder a signal, so many seconds after it was started.

    Or after the worker `after` was up.
    """

    def work() -> None:
        end = time.monotonic() + 20
        while time.monotonic() < end:
            for mark in (folder / ".scenarios").glob("runs/[0-9]*"):
                hubs = [
                    pid for pid, words in survivors(mark.name).items() if "scenarios.hub" in words
                ]
                if hubs and (not after or any(mark.glob(f"segments/{after}.*"))):
                    time.sleep(delay)
                    try:
                        os.kill(hubs[0], number)
                    except ProcessLookupError:
                        return
                    death.at = time.monotonic()
                    return
            time.sleep(0.001)

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def struck(
    folder: Path, text: str, delay: float, number: int = signal.SIGKILL, after: str = ""
) -> tuple[Ran, float]:
    """The run, and how long it took from the signal to the end; 0 where it was over before."""
    folder.mkdir()
    death = Death()
    thread = strike(folder, delay, number, death, after)
    ran = run(folder, text)
    took = time.monotonic() - death.at if death.at is not None else 0.0
    thread.join()
    return ran, took


GONE = ("the hub at ", "the hub (process ", "the hub did not come up: ")


def judge(ran: Ran, took: float) -> None:
    """One clear error for the run and for each worker that met the loss; the log to its end."""
    assert took < SOON
    assert ran.events[-1]["event"] == "run_ended"
    if ran.exit == 0:
        assert ran.result["run"].get("error") is None
        assert ran.answer("queues.q.left == 0")["answer"] == "passed"
        return
    assert (ran.exit, ran.state) == (1, "failed")
    assert ran.result["run"]["error"].startswith(GONE)
    for worker in ran.result["workers"].values():
        for one in worker.get("replicas") or worker.get("jobs") or [worker]:
            assert one["state"] in ("succeeded", "failed", "terminated", "skipped")
            told = [text for text in GONE if text in (one["error"] or "")]
            assert bool(told) == (one["state"] == "failed"), one


@pytest.mark.parametrize(
    ("text", "delay"), [(BUSY, 0.02), (BUSY, 0.5), (DRAINING, 0.4)], ids=["start", "busy", "drain"]
)
def test_hub_is_killed(text: str, delay: float, tmp_path: Path) -> None:
    """While it comes up, while all is at work, and while the engine asks it what is left."""
    judge(*struck(tmp_path / "run", text, delay))


@pytest.mark.slow
@pytest.mark.parametrize(("text", "most"), [(BUSY, 0.8), (DRAINING, 0.6)], ids=["busy", "draining"])
def test_hub_is_killed_at_many_moments(text: str, most: float, tmp_path: Path) -> None:
    """From before it has come up to after the last worker has ended."""
    rng = random.Random(20_240_607)
    exits, times = [], []
    for number in range(10):
        ran, took = struck(tmp_path / str(number), text, rng.random() * most)
        judge(ran, took)
        exits.append(ran.exit)
        times.append(took)
    print(f"{sum(exits)} of {len(exits)} runs lost their hub, ended within {max(times):.2f} s")
    assert sum(exits) > len(exits) / 2  # or the moments come too late


def test_hub_that_dies_when_all_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it held can no longer be told: the run fails, whatever its workers did."""
    ask = HubControl.statistics

    def late(self: HubControl) -> dict[str, dict[str, object]]:
        (mark,) = (tmp_path / ".scenarios").glob("runs/[0-9]*")
        (pid,) = [pid for pid, words in survivors(mark.name).items() if "scenarios.hub" in words]
        os.kill(pid, signal.SIGKILL)
        return ask(self)

    monkeypatch.setattr(HubControl, "statistics", late)
    ran = run(
        tmp_path,
        """
        queues: {q: {}}
        workers: {w: {executor: process, steps: [{put: q, value: 1}]}}
        expect: [queues.q.left == 1]
        """,
    )
    assert (ran.exit, ran.state) == (1, "failed")
    assert ran.result["run"]["error"].startswith("the hub at ")
    assert ran.states() == {"w": "succeeded"}
    assert ran.answer("queues.q.left == 1")["answer"] == "unknown"


@pytest.mark.slow
def test_hub_that_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It answers nobody and closes nothing: time-outs end the run, and say what everybody did."""
    monkeypatch.setattr(HubControl.__init__, "__defaults__", (1.0,))  # seconds; else 10
    text = BUSY.replace("timeout: 30s", "timeout: 2s")
    ran, took = struck(tmp_path / "run", text, 0.3, signal.SIGSTOP, after="seat")
    assert (ran.exit, ran.state) == (1, "timed_out")
    held = r"did not end within .* time-out of 2s: the hub \(process \d+\), which .* is stopped by"
    assert re.search(held, ran.result["run"]["error"])
    assert re.search(held, ran.result["workers"]["seat"]["error"])
    assert any(" is in get q (line " in notice for notice in ran.result["notices"])
    print(f"ended {took:.1f} s after the hub was stopped")
    assert took < 2 + SHORT_GRACE + SOON


@pytest.mark.parametrize("stopped", ["spawner", "guard"])
def test_who_watches_is_stopped(stopped: str, tmp_path: Path) -> None:
    """The spawner tells of no end and ends nobody: the run says so; its end waits for neither."""
    (tmp_path / "stopping.py").write_text(STOPPING)
    began = time.monotonic()
    ran = run(
        tmp_path,
        f"""
        timeout: 3s
        flags: {{up: {{}}}}
        workers:
          tells:
            executor: thread
            depends_on: {{w: {{condition: started}}}}
            steps: [{{set_flag: up}}]
          w:
            executor: process
            steps: [{{wait: up}}, {{call: "stopping:{stopped}"}}, {{sleep: 30s}}]
        """,
    )
    took = time.monotonic() - began
    assert ran.state == "timed_out"
    told = [text for text in ran.result["notices"] if "is stopped by a signal" in text]
    if stopped == "spawner":
        assert told[0].startswith("worker w (line 8) cannot be ended, nor its end be known: the sp")
        assert "the spawner (process " in ran.result["run"]["error"]
    assert len(told) == (stopped == "spawner")
    assert took < 3 + SHORT_GRACE + LAST_CHANCE + SOON


def test_spawner_is_stopped_before_a_start(tmp_path: Path) -> None:
    """The start is given up once that is seen, and not after the 30 s of a busy machine."""
    (tmp_path / "stopping.py").write_text(STOPPING)
    began = time.monotonic()
    ran = run(
        tmp_path,
        """
        timeout: 4s
        flags: {stopped: {}}
        workers:
          w:
            executor: process
            steps: [{call: "stopping:spawner"}, {set_flag: stopped}, {sleep: 30s}]
          sees: {executor: thread, steps: [{wait: stopped}]}
          late: {command: [sleep, "30"], depends_on: {sees: {condition: succeeded}}}
        """,
    )
    took = time.monotonic() - began
    told = r"the spawner \(process \d+\), .* is stopped by a signal and does not say whether"
    assert re.match(told, ran.result["workers"]["late"]["error"])
    assert took < 4 + SHORT_GRACE + LAST_CHANCE + SOON


STOPPING = """\
import os, signal

def spawner():
    os.kill(os.getppid(), signal.SIGSTOP)

def guard():
    with open(f"/proc/{os.getppid()}/stat") as file:
        os.kill(int(file.read().rpartition(")")[2].split()[1]), signal.SIGSTOP)
"""


def test_complaints_of_the_hub_are_told(tmp_path: Path) -> None:
    """A stranger that it has shown the door, for one; the run itself goes on."""
    (tmp_path / "rude.py").write_text(RUDE)
    ran = run(
        tmp_path,
        """
        queues: {q: {}}
        workers:
          w: {executor: process, call: "rude:knock", args: ["${queues.q}"]}
        expect: [queues.q.got == 1]
        """,
    )
    assert ran.exit == 0, ran.why
    told = "the hub said: the hub ended the connection of thief: a wrong token"
    assert told in ran.result["notices"]


RUDE = """\
import socket
from scenarios.wire import client, frames

def knock(queue):
    queue.put(1)
    (mine,) = client._clients
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(mine._address)
        sock.sendall(frames.frame(frames.HELLO, frames.hello(b"guess", "thief", 1)))
        assert sock.recv(100) == b""
    return queue.get()
"""
