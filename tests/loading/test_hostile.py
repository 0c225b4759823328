"""Hostile files: each is refused soon and at its place, in little memory, whatever else goes on.

The CPU time of a process of its own is measured, the least of three tries. On a busy machine it is
up to two and a half times what it is on a free one (seven busy processes on two cores), and the
bounds leave room for that. `python tests/costing.py [large]` prints the figures of each file.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import costing
from command import environment, scenarios
from hostile import LARGE, SMALL

pytestmark = pytest.mark.timeout(400)  # the first test of each kind measures all files

MIB = 2**20
MEMORY = 50 * MIB
# Seconds. On a free machine the worst of the small takes 0.09 and that of the large 1.0.
SOON = 0.3
LATER = 3.0


def measured(*words: str) -> dict[str, dict[str, Any]]:
    """What each of the files cost, by its name."""
    done = subprocess.run(
        [sys.executable, costing.__file__, "json", *words],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=360,
        check=True,
    )
    return {found["name"]: found for found in map(json.loads, done.stdout.splitlines())}


@pytest.fixture(scope="module")
def small() -> dict[str, dict[str, Any]]:
    """The figures of small files."""
    return measured()


@pytest.fixture(scope="module")
def large() -> dict[str, dict[str, Any]]:
    """The figures of large files."""
    return measured("large")


def check(found: dict[str, Any], seconds: float) -> None:
    """A refusal in good order, within the bounds."""
    assert "error" not in found
    assert found["faults"]
    assert len(found["faults"]) <= 101
    for line, column, message in found["faults"]:
        assert line >= 1 and column >= 1
        assert message and "\n" not in message and len(message) < 1_000
    assert found["memory"] < MEMORY
    assert found["cpu"] < seconds


@pytest.mark.parametrize("name", SMALL)
def test_a_small_file_is_refused_at_once(name: str, small: dict[str, dict[str, Any]]) -> None:
    """In 100 ms of a free machine and 50 MiB above the loader itself, with faults at places."""
    check(small[name], SOON)


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGE)
def test_a_large_file_is_refused_soon(name: str, large: dict[str, dict[str, Any]]) -> None:
    """In a second of a free machine, however much of it there is, and in 50 MiB."""
    check(large[name], LATER)


@pytest.mark.parametrize("name", ["quadrupling lists", "not UTF-8", "a large matrix"])
def test_the_command_refuses_them_with_exit_2(name: str, tmp_path: Path) -> None:
    """`validate` and `run` tell the fault as FILE:LINE:COLUMN and leave nothing behind."""
    costing.write(tmp_path / "file.yaml", name, large=False)
    for verb in ("validate", "run"):
        done = scenarios(verb, "file.yaml", cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert all(line.startswith("file.yaml:") for line in done.stderr.splitlines())
        assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["file.yaml"]
