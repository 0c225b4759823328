"""A real disk that is full at every write of a run, or becomes full while it lasts."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from command import completed, scenarios
from running import started, write
from scenarios.history import of_run
from segments import disk

RUN = """\
queues: {q: {}}
workers:
  p:
    executor: process
    steps: [{log: up}, {repeat: 100, steps: [{put: q, value: "${'x' * 200}"}]}]
  t: {executor: thread, steps: [{repeat: 100, steps: [{get: q}]}]}
  c: {command: [sh, -c, "touch ran; echo out; seq 2000 >&2"]}
  f: {executor: thread, call: "failing:fail"}
expect: [queues.q.got == 100, workers.f.state == 'failed']
"""

MADE_UP = frozenset({"events_lost", "info"})
"""Events that stand for others that are missing."""


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A disk of 512 KiB."""
    with disk(tmp_path_factory.mktemp("disk"), "size=512k") as mounted:
        yield mounted


def ordinary(folder: Path) -> Counter[str]:
    """How many events of each kind a run has stored; the log must be readable to its end."""
    history = of_run(folder)
    found = Counter(event["event"] for event in history if event["event"] not in MADE_UP)
    assert history.damage() is None
    return found


def ran(cwd: Path, root: Path) -> tuple[subprocess.CompletedProcess[str], Path | None]:
    """The real command with its run folder on a disk of its own, and that folder."""
    (cwd / "ran").unlink(missing_ok=True)
    (cwd / "failing.py").write_text("def fail():\n    raise ValueError('no')\n")
    write(cwd, RUN)
    words = ("run", "case.yaml", "--format", "json", "--run-dir", str(root))
    done = scenarios(*words, cwd=cwd)
    folders = sorted(root.glob(".scenarios/runs/*"))
    return done, folders[-1] if folders else None


def check(cwd: Path, root: Path, whole: int) -> dict[str, Any] | None:
    """A run on a disk with any room; its result, or None where it was refused."""
    done, folder = ran(cwd, root)
    assert "Traceback" not in done.stderr, done.stderr
    if done.returncode == 2:
        assert "cannot write the run folder" in done.stderr
        assert "--run-dir DIR" in done.stderr
        assert not (cwd / "ran").exists()
        assert folder is None
        return None
    assert done.returncode == 0, done.stdout + done.stderr
    assert folder is not None
    result: dict[str, Any] = json.loads(done.stdout)
    assert (cwd / "ran").exists()
    lost = result["run"].get("lost_events", 0)
    assert ordinary(folder).total() + lost == whole
    told = [one for one in result["notices"] if "had no room in the log" in one]
    assert len(told) == (1 if lost else 0)
    stored = folder / "result.json"
    for name in ("outputs/c.stderr", "tracebacks/f.txt", "result.json"):
        missing = any(f"cannot write {folder / name}" in one for one in result["notices"])
        assert (folder / name).exists() != missing, name
    if stored.exists():
        assert json.loads(stored.read_text())["workers"] == result["workers"]
    return result


def fill(root: Path, free: int) -> None:
    """Leave so many bytes free."""
    subprocess.run(["rm", "-rf", str(root / ".scenarios"), str(root / "full")], check=True)
    (root / "full").write_bytes(bytes((512 << 10) - free))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> int:
    """How many events the run has where there is room."""
    cwd = tmp_path_factory.mktemp("whole")
    done, folder = ran(cwd, cwd)
    assert done.returncode == 0, done.stdout
    assert folder is not None
    return ordinary(folder).total()


@pytest.mark.parametrize("pages", [0, 2, 5, 10, 24])
def test_a_disk_that_is_full(pages: int, tmp_path: Path, small: Path, whole: int) -> None:
    """The run goes on, what is stored is whole, and what is missing is told; or nothing runs."""
    fill(small, pages * 4096)
    result = check(tmp_path, small, whole)
    assert (result is None) == (pages < 2)


@pytest.mark.slow
@pytest.mark.parametrize("pages", [*range(10), 12, 16, 24, 40, 124])
def test_a_disk_that_is_full_at_any_write(
    pages: int, tmp_path: Path, small: Path, whole: int
) -> None:
    """The same for every number of free pages until there is room for all."""
    fill(small, pages * 4096)
    result = check(tmp_path, small, whole)
    if pages == 124:
        assert result is not None
        assert "lost_events" not in result["run"]


@pytest.mark.slow
@pytest.mark.parametrize("files", range(2, 20))
def test_a_disk_without_files_left(files: int, tmp_path: Path, whole: int) -> None:
    """The same where every creation of a file may be the one too many."""
    with disk(tmp_path, "size=4m", f"nr_inodes={files}") as root:
        check(tmp_path, root, whole)


MEANWHILE = """\
values: {v: 0}
workers:
  p: {executor: process, steps: [{log: p is up}, {repeat: 400, steps: [{read: v}, {sleep: 5ms}]}]}
  t: {executor: thread, steps: [{log: up too}, {repeat: 400, steps: [{read: v}, {sleep: 5ms}]}]}
"""
LOST = ("p  warning: events have no room", "t  warning: events have no room")


def test_a_disk_that_becomes_full_and_is_cleared(tmp_path: Path) -> None:
    """It is told at once; what had no room is missing and counted, what follows is there."""
    with disk(tmp_path, "size=2m") as root:
        with started(tmp_path, MEANWHILE, "--run-dir", str(root)) as command:
            command.until("p is up", "up too")
            with (root / "full").open("wb", buffering=0) as full:
                while not all(text in command.err for text in LOST):
                    assert command.process.poll() is None, command.err
                    with pytest.raises(OSError, match="No space left"):
                        while True:  # others may have given some room back in between
                            full.write(bytes(2 << 20))
            (root / "full").unlink()
            code = command.wait()
            folder = next(root.glob(".scenarios/runs/*"))
        assert code == 0, command.err
        result = json.loads((folder / "result.json").read_text())
        assert result["run"]["lost_events"] > 1
        assert len(result["notices"]) == 1, result["notices"]
        (told,) = result["notices"]
        assert "events of p, t had no room in the log: No space left on device" in told or (
            "events of t, p had no room in the log: No space left on device" in told
        )
        events = list(of_run(folder))
        lost = [event["count"] for event in events if event["event"] == "events_lost"]
        assert sum(lost) == result["run"]["lost_events"]
        assert events[-1]["event"] == "run_ended"
        assert sum(event["event"] not in MADE_UP for event in events) + sum(lost) == 3208


def test_a_quiet_run_tells_what_is_missing(tmp_path: Path) -> None:
    """Its verdict holds, and its folder does not have all of it."""
    with disk(tmp_path, "size=128k") as root:
        write(tmp_path, MEANWHILE.replace("{sleep: 5ms}", "{read: v}").replace("400", "4000"))
        done = scenarios("run", "case.yaml", "-q", "--run-dir", str(root), cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        first, *notes = done.stdout.splitlines()
        assert " passed in " in first
        assert notes, done.stdout
        assert all("No space left on device" in note for note in notes)
        assert "had no room in the log" in notes[0]


KILLED = """\
values: {v: 0}
flags: {full: {}}
workers:
  p:
    executor: process
    steps: [{log: up}, {repeat: 1000, steps: [{read: v}]}, {set_flag: full}, {sleep: 60s}]
  k: {executor: thread, steps: [{wait: full}, {run: [sh, -c, "kill -9 $(cat pid)"]}]}
expect: [workers.p.exit_code == -9]
"""


def test_a_worker_that_is_killed_on_a_full_disk(tmp_path: Path) -> None:
    """It cannot tell how many events are missing; that some are is known."""
    with disk(tmp_path, "size=512k") as root:
        (root / "full").write_bytes(bytes(400 << 10))
        text = KILLED.replace("{log: up}", "{call: 'mine:store'}, {log: up}")
        (tmp_path / "mine.py").write_text(
            "import os, pathlib\ndef store():\n"
            f"    pathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(os.getpid()))\n"
        )
        text = text.replace("cat pid", f"cat {tmp_path / 'pid'}")
        with started(tmp_path, text, "--run-dir", str(root)) as command:
            code = command.wait()
            folder = next(root.glob(".scenarios/runs/*"))
        assert code == 0, command.out + command.err
        result = json.loads((folder / "result.json").read_text())
        assert result["run"]["lost_events"] >= 1
        assert any(one.startswith("at least ") for one in result["notices"])


@pytest.mark.parametrize("blocks", [0, 4, 16, 40, 80])
def test_files_that_may_not_grow(blocks: int, tmp_path: Path, whole: int) -> None:
    """A limit of their size cuts a write short; the run goes on, and what is there is whole."""
    (tmp_path / "failing.py").write_text("def fail():\n    raise ValueError('no')\n")
    write(tmp_path, RUN)
    limited = f'ulimit -f {blocks}; exec "$0" -m scenarios run case.yaml --format json | cat'
    done = completed("bash", "-o", "pipefail", "-c", limited, sys.executable, cwd=tmp_path)
    assert "Traceback" not in done.stderr, done.stderr
    if not blocks:
        assert done.returncode == 2
        assert "File too large" in done.stderr
        return
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(done.stdout)
    folder = Path(result["run"]["folder"])
    assert ordinary(folder).total() + result["run"].get("lost_events", 0) == whole
