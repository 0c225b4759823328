"""A process that may open no further file, at every stage of a run."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from command import completed
from running import run, write
from scenarios.history import of_run
from scenarios.supervision.output import OutputPump

RUN = """\
timeout: 10s
queues: {q: {}}
workers:
  p: {executor: process, replicas: 2, steps: [{log: up}, {repeat: 20, steps: [{put: q, value: 1}]}]}
  t: {executor: thread, replicas: 20, steps: [{repeat: 2, steps: [{get: q, timeout: 1s}]}]}
  c: {command: [echo, out]}
"""


def limited(folder: Path, files: int) -> subprocess.CompletedProcess[str]:
    """The real command with so many open files at most."""
    write(folder, RUN)
    words = f'ulimit -n {files}; exec "$0" -m scenarios run case.yaml --format json'
    return completed("bash", "-c", words, sys.executable, cwd=folder)


@pytest.mark.parametrize(
    "files", [12, 24, *(pytest.param(n, marks=pytest.mark.slow) for n in (16, 20, 28, 32, 44, 64))]
)
def test_a_run_without_open_files_left(files: int, tmp_path: Path) -> None:
    """It ends with the limit as the reason; no fault of the engine, and the log is readable."""
    done = limited(tmp_path, files)
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode in (0, 1), done.stdout + done.stderr
    result = json.loads(done.stdout)
    if done.returncode:
        assert "too many open files" in done.stdout.lower()
    history = of_run(Path(result["run"]["folder"]))
    kinds = {event["event"] for event in history}
    assert history.damage() is None
    assert "run_ended" in kinds


def test_the_reason_has_its_cure(tmp_path: Path) -> None:
    """The message says what to raise."""
    done = limited(tmp_path, 12)
    assert "(`ulimit -n`)" in json.loads(done.stdout)["run"]["error"]


@pytest.mark.parametrize("options", ["{of: process, max_workers: 1}", "{of: process}"])
def test_no_thread_that_reads_what_processes_write(
    options: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pool that cannot have one fails with the reason, and starts nobody whom none would hear."""

    def full(*_: object) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(OutputPump, "__init__", full)
    ran = run(
        tmp_path, f"workers: {{w: {{executor: pool, options: {options}, jobs: 2, steps: []}}}}"
    )
    assert (ran.exit, ran.states()) == (1, {"w": "failed"})
    assert "a process cannot be started: [Errno 24]" in ran.worker("w")["error"]
    assert "(`ulimit -n`)" in ran.worker("w")["error"]
