"""Pools beyond what every executor does: many jobs, deaths before a job, clean-up that fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from running import run


@pytest.mark.parametrize("of", ["thread", "process"])
def test_jobs_run_at_once_up_to_the_number_of_workers(of: str, tmp_path: Path) -> None:
    """Not more jobs than `max_workers` at a time, and that many."""
    ran = run(
        tmp_path,
        f"""
        values: {{now: 0, most: 0}}
        barriers: {{together: {{parties: 3}}}}
        workers:
          w:
            executor: pool
            options: {{of: {of}, max_workers: 3}}
            jobs: 9
            steps:
              - {{update: now, to: old + 1, into: before}}
              - {{update: most, to: "max(old, before + 1)"}}
              - wait: together
              - sleep: 50ms
              - {{update: now, to: old - 1}}
        expect: [values.most == 3, values.now == 0]
        """,
    )
    assert ran.exit == 0, ran.why


def test_processes_that_end_before_a_job(tmp_path: Path) -> None:
    """A pool whose processes cannot even begin fails, and does not try for ever."""
    ran = run(
        tmp_path,
        """
        workers:
          w:
            executor: pool
            options: {of: process, max_workers: 1}
            jobs: 2
            env: {PYTHONPATH: x}
            cwd: nowhere
            steps: []
        """,
    )
    assert ran.exit == 1
    assert "nowhere" in ran.worker("w")["error"]
    assert ran.result["run"]["duration"] < 15


@pytest.mark.parametrize("of", ["thread", "process"])
def test_error_of_the_clean_up_is_told(of: str, tmp_path: Path) -> None:
    """A local that cannot be closed fails the pool after its last job."""
    (tmp_path / "fragile.py").write_text(
        "class Fragile:\n    def use(self): return 1\n"
        "    def close(self): raise OSError('still open')\n"
    )
    ran = run(
        tmp_path,
        f"""
        locals: {{thing: {{call: "fragile:Fragile", close: close}}}}
        workers:
          w:
            executor: pool
            options: {{of: {of}, max_workers: 1}}
            jobs: 2
            steps: [{{call: local.thing.use, into: x}}, {{return: "${{x}}"}}]
        expect:
          - workers.w.results == [1, 1]
          - workers.w.state == 'failed' and locals.thing.closed == 0
        """,
    )
    assert ran.exit == 0, ran.why
    assert ran.worker("w")["error"] == "local thing: close failed: OSError: still open"


def test_job_is_no_line_longer_than_its_pool(tmp_path: Path) -> None:
    """Several failed jobs are told by the first one and a number; each has its own error."""
    ran = run(
        tmp_path,
        """
        workers:
          w:
            executor: pool
            jobs: 4
            steps: [{assert: job.index == 1, message: "no ${job.index}"}]
        """,
    )
    assert ran.worker("w")["error"] == "job 0: no 0 (and 2 more jobs)"
    assert [job["error"] for job in ran.worker("w")["jobs"]] == ["no 0", None, "no 2", "no 3"]


def test_no_jobs_at_all(tmp_path: Path) -> None:
    """An empty list of jobs is done at once."""
    ran = run(tmp_path, "workers: {w: {executor: pool, jobs: [], steps: [fail: x]}}")
    assert (ran.exit, ran.worker("w")["results"]) == (0, [])
