"""Ctrl-C and SIGTERM on the real command, at chosen and at random moments."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import pytest

from running import started

WORKERS = {
    "thread": "executor: thread, steps: [{log: up}, {get: q}]",
    "thread call": "executor: thread, call: 'naps:wait', args: ['${queues.q}']",
    "process": "executor: process, steps: [{log: up}, {get: q}]",
    "process call": "executor: process, call: 'naps:nap'",
    "inline": "executor: inline, steps: [{log: up}, {get: q}]",
    "inline sleep": "executor: inline, steps: [{log: up}, {sleep: 60s}]",
    "pool": "executor: pool, jobs: 3, steps: [{log: up}, {get: q}]",
    "process pool": "executor: pool, options: {of: process, max_workers: 2}, jobs: 3, "
    "steps: [{log: up}, {run: [sleep, '60']}]",
    "command": "command: [sh, -c, 'echo up; sleep 60 & sleep 61']",
}
STUBBORN = {
    "inline call": "executor: inline, call: 'naps:nap'",
    "thread call": "executor: thread, call: 'naps:nap'",
    "command": "command: [sh, -c, 'trap : TERM INT; echo up; while :; do sleep 0.05; done']",
    "process": "executor: process, call: 'naps:ignore'",
}
NAPS = """\
import signal, time

def wait(q):
    print("up")
    q.get()

def nap():
    print("up")
    time.sleep(60)

def ignore():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("up")
    time.sleep(60)
"""


def text(what: str) -> str:
    """A scenario with one worker."""
    return f"queues: {{q: {{}}}}\nworkers:\n  w: {{{what}, stop: {{grace: 20s}}}}\n"


@pytest.mark.parametrize("kind", WORKERS)
def test_first_signal_stops(kind: str, tmp_path: Path) -> None:
    """One signal ends any worker well before its grace; said is who ran; the log is whole."""
    number, code, words = signal.SIGINT, 130, "Ctrl-C"
    if kind in ("thread", "process call"):
        number, code, words = signal.SIGTERM, 143, "SIGTERM"
    (tmp_path / "naps.py").write_text(NAPS)
    began = time.monotonic()
    with started(tmp_path, text(WORKERS[kind]), "--format", "json") as command:
        command.until("up")
        command.signal(number)
        assert command.wait() == code, command.err
        assert time.monotonic() - began < 18
        result = json.loads(command.out)
        assert result["run"]["state"] == result["workers"]["w"]["state"] == "terminated"
        assert result["run"]["error"] == f"stopped by {words} while w ran"
        assert result["exit"] == code
        events = command.events()
    assert [events[0]["event"], events[-1]["event"]] == ["run_started", "run_ended"]
    assert [event["state"] for event in events if event["event"] == "worker_ended"] == [
        "terminated"
    ]


@pytest.mark.parametrize("kind", STUBBORN)
def test_second_signal_kills(kind: str, tmp_path: Path) -> None:
    """Two signals end what the first does not end; a thread in a call is given up and named."""
    (tmp_path / "naps.py").write_text(NAPS)
    began = time.monotonic()
    with started(tmp_path, text(STUBBORN[kind]), "--format", "json") as command:
        command.until("up")
        command.signal()
        time.sleep(0.5)
        assert command.process.poll() is None
        command.signal()
        assert command.wait() == 130, command.err
        assert time.monotonic() - began < 18
        result = json.loads(command.out)
        assert result["workers"]["w"]["state"] == "terminated"
        assert command.events()[-1]["event"] == "run_ended"
        named = any("still runs" in notice for notice in result["notices"])
        assert named == (kind == "thread call")


@pytest.mark.parametrize("kind", ["inline call", "process"])
def test_third_signal_leaves_at_once(kind: str, tmp_path: Path) -> None:
    """Three signals end the engine at once, whatever runs; nothing is left of the run."""
    (tmp_path / "naps.py").write_text(NAPS)
    with started(tmp_path, text(STUBBORN[kind])) as command:
        command.until("up")
        for _ in range(3):
            command.signal()
            time.sleep(0.05)
        assert command.wait(5) == 130


def test_signal_ends_the_command_and_not_only_the_run(tmp_path: Path) -> None:
    """After a signal the files that follow are not run."""
    (tmp_path / "next.yaml").write_text("workers: {n: {executor: thread, steps: [{log: next}]}}\n")
    with started(tmp_path, text(WORKERS["thread"]), "next.yaml") as command:
        command.until("up")
        command.signal()
        assert command.wait() == 130
        assert "next" not in command.err
        assert len(list((tmp_path / ".scenarios" / "runs").iterdir())) == 1
