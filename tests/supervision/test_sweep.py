"""The sweep ends what dead runs left, and nothing else."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from scenarios.supervision.sweep import sweep
from supervision.witness import left_after, new_mark, survivors


@pytest.fixture
def run(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder of runs with one run in it, which left a process in a session of its own."""
    mark = new_mark()
    (tmp_path / mark).mkdir()
    (tmp_path / mark / "lock").touch()
    environment = {**os.environ, "SCENARIOS_RUN": mark}
    nap = [sys.executable, "-c", "import time; time.sleep(60)"]
    code = f"import subprocess; subprocess.Popen({nap!r})"
    subprocess.run(
        [sys.executable, "-c", code], env=environment, start_new_session=True, check=True
    )
    end = time.monotonic() + 10
    while not survivors(mark) and time.monotonic() < end:
        time.sleep(0.001)  # its program is started, and its environment not yet to be seen
    yield tmp_path, mark
    for pid in survivors(mark):
        os.kill(pid, signal.SIGKILL)


def test_a_dead_run(run: tuple[Path, str]) -> None:
    """Its processes are ended and counted."""
    folder, mark = run
    assert sweep(folder) == 1
    assert left_after(mark, 1.0)[0] == {}
    assert sweep(folder) == 0


def test_a_run_that_is_alive(run: tuple[Path, str]) -> None:
    """While its lock is held nothing is touched, be it by this very process."""
    folder, mark = run
    with open(folder / mark / "lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert sweep(folder) == 0
    assert len(survivors(mark)) == 1


def test_runs_of_another_folder(
    run: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A mark that this folder does not know is left alone, and so is one without a lock."""
    folder, mark = run
    assert sweep(tmp_path_factory.mktemp("other")) == 0
    assert sweep(folder / "no-such-folder") == 0
    (folder / mark / "lock").unlink()
    assert sweep(folder) == 0
    assert len(survivors(mark)) == 1


def test_processes_older_than_the_run(run: tuple[Path, str]) -> None:
    """What started before the run did is not the run's, whatever it says."""
    folder, mark = run
    later = time.time() + 60
    os.utime(folder / mark / "lock", (later, later))
    assert sweep(folder) == 0
    assert len(survivors(mark)) == 1


def test_its_own_ancestors(run: tuple[Path, str]) -> None:
    """A run inside of a dead run's process ends neither itself nor what it stands on."""
    folder, mark = run
    code = (
        f"import sys; from scenarios.supervision.sweep import sweep; print(sweep({str(folder)!r}))"
    )
    path = os.pathsep.join(sys.path)
    environment = {**os.environ, "SCENARIOS_RUN": mark, "PYTHONPATH": path}
    inner = [sys.executable, "-c", code]
    outer = f"import subprocess, sys; print(subprocess.run({inner!r}, check=True).returncode)"
    done = subprocess.run(
        [sys.executable, "-c", outer], env=environment, capture_output=True, text=True, check=True
    )
    assert {"1", "0"} == set(done.stdout.split())


def test_it_is_cheap(tmp_path: Path) -> None:
    """Every run begins with one, so that it must cost less than 10 ms (here: the best of 20)."""
    times = []
    for _ in range(20):
        start = time.perf_counter()
        sweep(tmp_path)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.010
