"""Ctrl-C and SIGTERM at any moment of the command: before, during, between and after its runs."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from command import completed, environment
from running import LIMIT, started, taken, write
from scenarios import history
from supervision.witness import left_after
from terminal import CTRL_BACKSLASH, CTRL_C, terminal

GONE = 1.0
"""Seconds until nothing is left, on a loaded machine too; the figure is in tests/supervision."""

LONG = """\
queues: {q: {}, p: {}}
workers:
  t: {executor: thread, replicas: 2, steps: [{forever: , steps: [{put: q, value: 1}, {get: q}]}]}
  p: {executor: process, replicas: 2, steps: [{forever: , steps: [{put: p, value: 1}, {get: p}]}]}
  o: {executor: pool, options: {of: process, max_workers: 2}, jobs: 50, steps: [{sleep: 1s}]}
  c: {command: [sh, -c, 'trap : TERM INT; while :; do sleep 0.05; done'], stop: {grace: 100ms}}
  r: {executor: process, steps: [{run: [sh, -c, 'setsid sleep 60 & sleep 61']}]}
  f: {command: [cat], stdin: {from: q}, stdout: {to: p}}
  i: {executor: inline, steps: [{forever: , steps: [{sleep: 1ms}]}]}
"""
SHORT = """\
matrix: {n: [1, 2, 3]}
workers: {c: {command: ["true"]}, t: {executor: thread, steps: [{sleep: 5ms}]}}
"""


def at_any_moment(folder: Path, seed: int) -> str:
    """One command that gets up to three signals; what was seen, for the figures."""
    draw = random.Random(seed)
    folder.mkdir()
    text = draw.choice([LONG, SHORT])
    write(folder, text)
    runs = folder / ".scenarios" / "runs"
    number, code, key = draw.choice([(signal.SIGINT, 130, CTRL_C), (signal.SIGTERM, 143, b"")])
    with terminal(folder, "run", "case.yaml") as command:
        command.until_main()
        if draw.random() < 0.7:
            command.until(lambda: any(runs.glob("[0-9]*")))
        command.sleep(draw.choice([0.0, 0.03, 0.3, 0.8]) * draw.random())
        sent = time.monotonic_ns()
        for _ in range(draw.choice([1, 2, 3])):
            if key:
                command.press(key)
            else:
                command.process.send_signal(number)
            command.sleep(draw.choice([0.0, 0.001, 0.02, 0.3]) * draw.random())
        got = command.wait()
    made = [*runs.glob("[0-9]*")]
    last = max((event["time"] for run in made for event in history.of_run(run)), default=0)
    ended = got == 0 and text is SHORT and len(made) == 3 and last < sent  # before the signal
    assert "Traceback" not in command.text and "Exception ignored" not in command.text, command.text
    assert got == (0 if ended else code), command.text
    for run in made:
        check_log(run)
    if ended:
        return "after their end"
    return "in or between runs" if runs.exists() else "before a run"


def check_log(run: Path) -> None:
    """Its log can be read whole, ends with the end of the run, and nothing of the run is left."""
    assert left_after(run.name, GONE)[0] == {}
    events = history.of_run(run)
    kinds = [event["event"] for event in events]
    assert events.damage() is None
    assert kinds == [] or ("run_started" in kinds and "run_ended" in kinds)


@pytest.mark.parametrize("seed", range(6))
def test_signals_at_any_moment(seed: int, tmp_path: Path) -> None:
    """Once, twice or three times, in a terminal, from the command's first line to its last."""
    at_any_moment(tmp_path / "case", seed)


@pytest.mark.slow
def test_signals_at_a_hundred_moments(tmp_path: Path) -> None:
    """The figure: exit code, log, output and what is left are right in 100 of 100."""
    with ThreadPoolExecutor(4) as pool:
        folders = [tmp_path / f"{number}" for number in range(100)]
        seeds = [random.randrange(1 << 30) for _ in folders]
        print(f"\nseeds from {seeds[0]}")
        seen = list(pool.map(at_any_moment, folders, seeds))
    print(f"100 commands got one to three signals: {dict(Counter(seen))}")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("verb", ["run", "validate"])
def test_a_signal_while_files_are_checked(
    verb: str, number: int, code: int, tmp_path: Path
) -> None:
    """Before anything runs the command ends at once, says nothing and leaves nothing."""
    steps = "\n".join(f"      - log: ${{[{n}] * 2}}" for n in range(8000))  # about a second's work
    write(tmp_path, f"workers:\n  w:\n    executor: thread\n    steps:\n{steps}\n")
    with terminal(tmp_path, verb, *["case.yaml"] * 5) as command:
        command.until_main()
        command.sleep(0.4)
        command.process.send_signal(number)
        began = time.monotonic()
        assert command.wait() == code
        assert time.monotonic() - began < LIMIT / 10
        assert command.text == ""
    assert not (tmp_path / ".scenarios").exists()


BIG = """\
workers: {w: {executor: thread, steps: [{return: "${['x' * 1000] * 900}"}]}}
"""


@pytest.mark.parametrize("signals", [1, 2])
def test_a_signal_while_a_result_is_printed(signals: int, tmp_path: Path) -> None:
    """The first one lets it be printed whole, however slowly it is read; the second does not."""
    write(tmp_path, BIG)
    with subprocess.Popen(
        [sys.executable, "-m", "scenarios", "run", "case.yaml", "--format", "json", "--quiet"],
        cwd=tmp_path,
        env=environment(PYTHONUNBUFFERED="1"),  # as in containers: a harder case
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as command:
        assert command.stdout is not None and command.stderr is not None
        first = command.stdout.read(1)  # it prints, and the rest is more than a pipe holds
        for _ in range(signals):
            command.send_signal(signal.SIGINT)
            taken(command, signal.SIGINT)
            time.sleep(0.1)
        if signals == 2:
            assert command.wait(LIMIT) == 130
        printed = first + command.stdout.read()
        assert command.wait(LIMIT) == 130
        assert command.stderr.read() == b""
    if signals == 1:
        assert json.loads(printed)["exit"] == 0
    (run,) = (tmp_path / ".scenarios" / "runs").glob("[0-9]*")
    check_log(run)
    assert json.loads((run / "result.json").read_text())["exit"] == 0


def test_a_signal_leaves_the_runs_that_are_left(tmp_path: Path) -> None:
    """Those that had ended, and the one that was stopped, are printed as one document."""
    text = """\
matrix: {n: [1, 2, 3, 4, 5]}
workers: {w: {executor: thread, steps: [{sleep: "${0.01 if matrix.n < 3 else 60}"}]}}
"""
    with started(tmp_path, text, "--format", "json", "--quiet") as command:
        runs = tmp_path / ".scenarios" / "runs"
        end = time.monotonic() + LIMIT
        while len([*runs.glob("[0-9]*")]) < 3 and time.monotonic() < end:
            time.sleep(0.01)
        command.signal()
        assert command.wait() == 130
        assert [result["exit"] for result in json.loads(command.out)] == [0, 0, 130]


LATE = """\
import os, signal, sys, time
from scenarios.cli import main, running
from scenarios.engine.signals import Signals

hear, show = Signals._heard, running.View.show

def late(self, number):
    time.sleep(0.3)
    hear(self, number)

def shown(self, result):
    show(self, result)
    os.kill(os.getpid(), signal.SIGINT)

Signals._heard, running.View.show = late, shown
sys.exit(main(["run", "case.yaml"]))
"""


def test_a_signal_that_is_heard_late(tmp_path: Path) -> None:
    """The last moment in which it counts is the end of the runs, however late its thread is."""
    write(tmp_path, "workers: {w: {executor: thread, steps: []}}")
    done = completed(sys.executable, "-c", LATE, cwd=tmp_path)
    assert "case: passed" in done.stdout
    assert done.returncode == 130, done.stderr


@pytest.mark.parametrize("key", [CTRL_BACKSLASH, b""], ids=["quit", "hang up"])
def test_a_terminal_that_goes_away(key: bytes, tmp_path: Path) -> None:
    """A run that dies of Ctrl-\\, or with its terminal, leaves nothing; its log can be read."""
    write(tmp_path, LONG)
    runs = tmp_path / ".scenarios" / "runs"
    with terminal(tmp_path, "run", "case.yaml") as command:
        command.until(lambda: "started  pid" in command.text)
        if key:
            command.press(key)
            number = signal.SIGQUIT
        else:
            command.hang_up()
            number = signal.SIGHUP
        assert command.process.wait(LIMIT) == -number
    (run,) = runs.glob("[0-9]*")
    assert left_after(run.name, GONE)[0] == {}
    events = history.of_run(run)
    assert "worker_started" in [event["event"] for event in events]
    assert events.skipped == events.torn  # the line that was being written, and no other


HARD = """\
import time

def nap():
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            time.sleep(1)
        except BaseException:
            pass
"""


def test_a_third_signal_closes_the_log(tmp_path: Path) -> None:
    """The engine leaves at once, whatever runs, and its log says so."""
    (tmp_path / "naps.py").write_text(HARD)
    text = "workers: {w: {executor: inline, call: 'naps:nap', stop: {grace: 20s}}}\n"
    with started(tmp_path, text) as command:
        command.until("started")
        command.until_begun()
        for _ in range(3):
            command.signal()
            time.sleep(0.05)
        assert command.wait(5) == 130
        ended = [event for event in history.of_run(command.run) if event["event"] == "run_ended"]
        assert [(event["state"], event["exit"]) for event in ended] == [("terminated", 130)]
