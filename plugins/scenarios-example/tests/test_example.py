"""The installed plugin runs scenarios."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

FILE = """\
version: 1
name: example
queues:
  q: {}
  nothing: {}
workers:
  writer:
    executor: example
    steps:
      - for_each: [1, 2, 3]
        as: n
        steps:
          - {put: q, value: "${n}"}
      - return: ${worker.thread}
  reader:
    executor: process
    steps:
      - {get: q, into: a, timeout: 5s}
      - {get: q, into: b, timeout: 5s}
      - {get: q, into: c, timeout: 5s}
      - return: ["${a}", "${b}", "${c}"]
  waiting:
    executor: example
    background: true
    stop: {action: terminate}
    steps:
      - {get: nothing, into: item}
timeout: 20s
expect:
  - workers.writer.result == 'example-writer'
  - workers.reader.result == [1, 2, 3]
  - workers.waiting.state == 'terminated'
"""


def run(folder: Path, text: str) -> Any:
    """Exit code and result of a run, by the command line."""
    (folder / "example.yaml").write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "scenarios", "run", "example.yaml", "--format", "json"],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_entry_point_is_there() -> None:
    """The distribution names its module in the group `scenarios`."""
    found = {entry.name: entry.value for entry in entry_points(group="scenarios")}
    assert found["example"] == "scenarios_example"


def test_workers_share_with_a_process(tmp_path: Path) -> None:
    """Its workers run in their own threads, share a queue with a process, and can be stopped."""
    code, result = run(tmp_path, FILE)
    assert code == 0, result


@pytest.mark.parametrize(
    ("damage", "with_this"),
    [("[1, 2, 3]\n        as", "[3, 2, 1]\n        as"), ("put: q", "put: nothing")],
)
def test_damage_is_noticed(damage: str, with_this: str, tmp_path: Path) -> None:
    """A swapped order and items that go elsewhere fail the run."""
    assert damage in FILE
    code, _ = run(tmp_path, FILE.replace(damage, with_this))
    assert code == 1


def test_failure_of_a_step_fails_the_worker(tmp_path: Path) -> None:
    """A failed step ends the worker, and the run says why."""
    text = FILE.replace("      - return: ${worker.thread}", "      - fail: on purpose")
    code, result = run(tmp_path, text)
    assert code == 1
    assert result["workers"]["writer"]["error"] == "on purpose"
