"""Pools whose processes die in a job, between two of them or before the first, or cannot start."""

from __future__ import annotations

import contextlib
import os
import random
import resource
import signal
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from command import scenarios
from running import run, write
from scenarios.executors import pools
from scenarios.supervision.worker_process import WorkerProcess

WORK = """\
import os, random, signal, time

def work(index, folder):
    note(folder, f"begin {index} {os.getpid()}")
    time.sleep(random.Random(index).random() * 0.006)
    note(folder, f"end {index} {os.getpid()}")
    return index

def note(folder, text):
    fd = os.open(f"{folder}/ledger", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(fd, f"{text}\\n".encode())
    os.close(fd)

def die(index):
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)

class Last:
    def use(self):
        return 1
    def close(self):
        die(0)
"""


@pytest.fixture(autouse=True)
def module(tmp_path: Path) -> None:
    """The module that the scenarios call."""
    (tmp_path / "working.py").write_text(WORK)


class Killer:
    """Kills processes of a pool at random moments, whatever they do; `kills` has their numbers."""

    def __init__(self, ledger: Path, seed: int, pause: float) -> None:
        self._ledger = ledger
        self._random = random.Random(seed)
        self._pause = pause
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work)
        self.kills: list[int] = []

    def __enter__(self) -> Killer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._over.wait(self._random.random() * self._pause):
            lines = self._ledger.read_text().splitlines()[-4:] if self._ledger.exists() else []
            pids = [int(line.split()[2]) for line in lines]
            alive = [pid for pid in pids if _is_worker(pid)]
            if alive:
                pid = self._random.choice(alive)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    self.kills.append(pid)


def _is_worker(pid: int) -> bool:
    """Whether it still is what it was: its number may have been given to another."""
    try:
        return b"scenarios-spawner" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def killed_at_random(folder: Path, size: int, jobs: int, seed: int, pause: float) -> str:
    """Run jobs while their processes are killed: what does not hold fails; how many kills met what.

    Each job runs at most once, and one that succeeded ran to its end.
    """
    with Killer(folder / "ledger", seed, pause) as killer:
        ran = run(
            folder,
            f"""
            timeout: 100s
            workers:
              w:
                executor: pool
                options: {{of: process, max_workers: {size}}}
                jobs: {jobs}
                call: "working:work"
                args: ["${{job.index}}", {folder}]
            """,
        )
    ended = ran.worker("w")["jobs"]
    begun, done = _ledger(folder)
    assert set(begun.values()) == set(done.values()) == {1}
    lost = 0
    for index, job in enumerate(ended):
        if job["state"] == "succeeded":
            assert (job["result"], begun[index], done[index]) == (index, 1, 1)
        else:
            assert (job["state"], job["error"]) == ("failed", "its process ended by SIGKILL")
            lost += 1
    assert 0 < lost <= len(set(killer.kills))
    for kind in ("job_started", "job_ended"):
        assert sorted(event["job"] for event in ran.of(kind, "w")) == list(range(jobs))
    return f"{len(set(killer.kills))} kills, {lost} of {jobs} jobs lost with their process"


def _ledger(folder: Path) -> tuple[Counter[int], Counter[int]]:
    """How often each job began, and how often each came to its end."""
    words = [line.split() for line in (folder / "ledger").read_text().splitlines()]
    found: dict[str, Counter[int]] = {"begin": Counter(), "end": Counter()}
    for word, index, _ in words:
        found[word][int(index)] += 1
    return found["begin"], found["end"]


@pytest.mark.parametrize("size", [pytest.param(1, marks=pytest.mark.slow), 3])
def test_processes_killed_at_random(size: int, tmp_path: Path) -> None:
    """Only the jobs that they had in hand fail; all others run, and none runs twice."""
    print(killed_at_random(tmp_path, size, 80, 20_240_607, 0.02 / size))


@pytest.mark.slow
@pytest.mark.parametrize("size", [1, 4])
def test_hundreds_of_processes_killed_at_random(size: int, tmp_path: Path) -> None:
    """The same for as long as it takes to kill a few hundred of them."""
    print(killed_at_random(tmp_path, size, 500, 20_240_608, 0.02 / size))


@pytest.mark.parametrize("size", [1, pytest.param(3, marks=pytest.mark.slow)])
def test_pool_whose_every_job_ends_its_process(size: int, tmp_path: Path) -> None:
    """It comes to its end: as many processes as jobs, each with its own error."""
    ran = run(
        tmp_path,
        f"""
        timeout: 30s
        workers:
          w:
            executor: pool
            options: {{of: process, max_workers: {size}}}
            jobs: 20
            call: "working:die"
            args: ["${{job.index}}"]
        expect: ["workers.w.results == [None] * 20", workers.w.state == 'failed']
        """,
    )
    assert ran.exit == 0, ran.why
    assert {job["error"] for job in ran.worker("w")["jobs"]} == {"its process ended by SIGKILL"}
    assert ran.worker("w")["error"] == "job 0: its process ended by SIGKILL (and 19 more jobs)"


def test_error_of_a_dead_process_is_at_its_step(tmp_path: Path) -> None:
    """Which step that was is read from what it had recorded; also of a step inside of others."""
    ran = run(
        tmp_path,
        """
        locks: {guard: {}}
        workers:
          w:
            executor: pool
            options: {of: process, max_workers: 1}
            jobs: 2
            steps:
              - log: hello
              - with: guard
                steps:
                  - {call: "working:die", args: ["${job.index}"]}
          alone:
            executor: process
            steps:
              - log: hello
              - {call: "working:die", args: [0]}
        expect: [workers.w.state == 'failed' and workers.alone.state == 'failed']
        """,
    )
    assert ran.exit == 0, ran.why
    assert [job["error_line"] for job in ran.worker("w")["jobs"]] == [11, 11]
    assert ran.worker("w")["error_line"] == 11
    assert ran.worker("alone")["error_line"] == 16
    assert [event["line"] for event in ran.of("job_ended", "w")] == [11, 11]


def test_death_is_told_with_worker_line_and_next_command(tmp_path: Path) -> None:
    """What people read: which job, where in the file, how it ended, and how to see it again."""
    text = """
        workers:
          w:
            executor: pool
            options: {of: process, max_workers: 1}
            jobs: 2
            steps:
              - if: job.index == 1
                steps: [{call: "working:die", args: [1]}]
        """
    write(tmp_path, text)
    done = scenarios("run", "case.yaml", "--seed", "7", cwd=tmp_path)
    assert done.returncode == 1
    lines = [line.strip() for line in done.stdout.splitlines()]
    assert 'case.yaml:8: worker "w[1]" failed: its process ended by SIGKILL' in lines
    assert lines[-1] == "to repeat it: scenarios run case.yaml --seed 7"


def test_process_that_dies_after_its_last_job(tmp_path: Path) -> None:
    """No job has failed, so the pool has not; what happened is told."""
    ran = run(
        tmp_path,
        """
        locals: {last: {call: "working:Last", close: close}}
        workers:
          w:
            executor: pool
            options: {of: process, max_workers: 1}
            jobs: 2
            steps: [{call: local.last.use, into: x}, {return: "${x}"}]
        expect: ["workers.w.results == [1, 1]", workers.w.state == 'succeeded']
        """,
    )
    assert ran.exit == 0, ran.why
    (notice,) = ran.result["notices"]
    assert notice.startswith("worker w: process ")
    assert notice.endswith(" ended by SIGKILL after job 1")


class Stillborn(WorkerProcess):
    """A process that is killed when it asks for its first job."""

    def __init__(self, *args: Any, next_job: Any, **words: Any) -> None:
        super().__init__(*args, next_job=self._dies, **words)

    def _dies(self) -> None:
        self.child.kill()
        self.child.wait(20)  # it would leave if it had its answer first


@pytest.mark.slow
def test_pool_whose_processes_die_before_they_take_a_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It tries three times in the place of each, and fails with how they ended."""
    monkeypatch.setattr(pools, "WorkerProcess", Stillborn)
    ran = run(
        tmp_path,
        """
        workers:
          w: {executor: pool, options: {of: process, max_workers: 1}, jobs: 2, steps: []}
        expect: [workers.w.state == 'failed']
        """,
    )
    assert ran.exit == 0, ran.why
    error = "its processes end before they take a job: ended by SIGKILL"
    assert ran.worker("w")["error"] == error
    assert [job["state"] for job in ran.worker("w")["jobs"]] == ["terminated", "terminated"]


@pytest.fixture
def few_files() -> Any:
    """Few more files than are open now may be opened in this process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = len(os.listdir("/proc/self/fd"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (used + 24, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("few_files")
def test_pool_that_cannot_have_all_of_its_processes(tmp_path: Path) -> None:
    """Those that it has do all of the jobs, and it is told why there were fewer."""
    ran = run(
        tmp_path,
        """
        workers:
          w:
            executor: pool
            options: {of: process, max_workers: 40}
            jobs: 60
            steps: [{sleep: 10ms}, {return: "${job.index}"}]
        expect: ["workers.w.results == list(range(60))"]
        """,
    )
    assert ran.exit == 0, ran.why
    # where other files are opened at the very moment, that is told as well
    notice, *others = sorted(ran.result["notices"], key=lambda told: "fewer processes" not in told)
    assert all("too many open files" in other.lower() for other in others), others
    assert "it had fewer processes: a process cannot be started: " in notice
    assert "`ulimit -n`" in notice


@pytest.mark.slow
@pytest.mark.usefixtures("few_files")
def test_processes_beyond_what_the_system_allows(tmp_path: Path) -> None:
    """They fail with what to do, and those that could be started end as they should."""
    ran = run(
        tmp_path,
        "workers: {w: {executor: process, replicas: 40, steps: [sleep: 500ms]}}",
    )
    assert ran.exit == 1
    states = Counter(one["state"] for one in ran.worker("w")["replicas"])
    assert states["succeeded"] > 0 and states["failed"] > 0
    assert states.total() == 40
    assert "`ulimit -n`" in ran.worker("w")["error"]
