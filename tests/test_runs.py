"""Run folders: made, locked, linked, pruned and found."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from scenarios import runs
from scenarios.errors import EnvironmentFault, UsageError


def test_a_new_folder_has_what_a_run_needs(tmp_path: Path) -> None:
    """The folder stands under .scenarios/runs, holds segments and tmp, and is the latest."""
    with runs.create(tmp_path, "queue") as folder:
        assert folder.path == tmp_path / ".scenarios" / "runs" / folder.id
        assert folder.id.endswith("-queue")
        assert folder.segments.is_dir()
        assert folder.tmp.is_dir()
        assert (tmp_path / ".scenarios" / "latest").resolve() == folder.path
        assert (tmp_path / ".scenarios" / ".gitignore").read_text() == "*\n"


def test_close_removes_the_temporary_folder_and_keeps_the_rest(tmp_path: Path) -> None:
    """After close, twice called, only tmp is gone and the lock is free."""
    folder = runs.create(tmp_path, "queue")
    assert runs.under_way(folder.path)
    folder.write_text("outputs/writer.stdout", "a\n")
    folder.close()
    folder.close()
    assert not folder.tmp.exists()
    assert (folder.path / "outputs" / "writer.stdout").read_text() == "a\n"
    assert not runs.under_way(folder.path)


def test_write_text_leaves_no_half_written_file(tmp_path: Path) -> None:
    """Text that is not UTF-8 is written with escapes, and no part file stays."""
    with runs.create(tmp_path, "queue") as folder:
        folder.write_text("result.json", "x\udc80")
        assert (folder.path / "result.json").read_text() == "x\\udc80"
        assert not list(folder.path.glob(".*.part"))
        with pytest.raises(EnvironmentFault, match="cannot write"):
            folder.write_text("result.json/below", "")


@pytest.mark.parametrize("name", ["a/../../b", "  ", "ü", "x" * 300])
def test_any_name_makes_a_folder_below_runs(tmp_path: Path, name: str) -> None:
    """A scenario's name never leads out of the folder and is never too long."""
    with runs.create(tmp_path, name) as folder:
        assert folder.path.parent == tmp_path / ".scenarios" / "runs"


def test_old_runs_are_pruned_and_held_ones_stay(tmp_path: Path) -> None:
    """Only the newest stay, but never is a run removed whose lock is held."""
    held = runs.create(tmp_path, "held")
    for number in range(5):
        runs.create(tmp_path, f"r{number}").close()
    runs.create(tmp_path, "last", keep=2).close()
    names = [path.name for path in runs.stored(tmp_path)]
    assert [name.split("-", 3)[3] for name in names] == ["last", "r4", "held"]
    held.close()
    runs.create(tmp_path, "end", keep=1).close()
    assert [path.name[23:] for path in runs.stored(tmp_path)] == ["end"]


def test_what_killed_runs_left_half_made_is_pruned(tmp_path: Path) -> None:
    """A nameless folder goes when it is old, a half-removed one at once; a young one stays."""
    runs.create(tmp_path, "one").close()
    folder = tmp_path / ".scenarios" / "runs"
    for name in (".new-1-1", ".new-2-2", ".old-x-1"):
        (folder / name).mkdir()
    os.utime(folder / ".new-1-1", (0, 0))
    runs.create(tmp_path, "two").close()
    assert {path.name for path in folder.glob(".*")} == {".new-2-2"}


def test_folders_of_others_are_left_alone(tmp_path: Path) -> None:
    """A folder whose name is no id is neither listed nor removed."""
    mine = tmp_path / ".scenarios" / "runs" / "notes"
    mine.mkdir(parents=True)
    runs.create(tmp_path, "one", keep=0).close()
    assert mine.is_dir()
    assert mine not in runs.stored(tmp_path)


def test_many_first_runs_at_once(tmp_path: Path) -> None:
    """Threads that all find no folder of runs yet make it together."""

    def work(at: threading.Barrier, root: Path) -> runs.RunFolder:
        at.wait(10)
        return runs.create(root, "same")

    with ThreadPoolExecutor(8) as pool:
        for number in range(100):
            at = threading.Barrier(8)
            root = tmp_path / str(number)
            for one in [pool.submit(work, at, root) for _ in range(8)]:
                one.result(10).close()
            assert (root / ".scenarios" / ".gitignore").read_text() == "*\n"
            assert len(runs.stored(root)) == 8


def test_many_runs_start_at_once(tmp_path: Path) -> None:
    """Forty threads each get a folder of their own that pruning by the others leaves alone."""
    made: list[runs.RunFolder] = []

    def work() -> None:
        for _ in range(5):
            made.append(runs.create(tmp_path, "same", keep=3))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({folder.id for folder in made}) == 40
    assert all((folder.path / "lock").is_file() for folder in made)
    assert (tmp_path / ".scenarios" / "latest").is_dir()
    for folder in made:
        folder.close()


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    """A run that was killed is not under way, and its folder can be pruned."""
    code = (
        "import os, signal, sys, pathlib; from scenarios import runs;"
        "print(runs.create(pathlib.Path(sys.argv[1]), 'dead').path, flush=True);"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False
    )
    path = Path(done.stdout.strip())
    assert path.is_dir()
    assert not runs.under_way(path)
    runs.create(tmp_path, "next", keep=1).close()
    assert not path.exists()


def test_a_forked_child_does_not_hold_the_lock(tmp_path: Path) -> None:
    """What a run's own code has forked may outlive a killed run, whose lock is free then."""
    code = (
        "import os, signal, sys, time, pathlib; from scenarios import runs\n"
        "folder = runs.create(pathlib.Path(sys.argv[1]), 'dead')\n"
        "child = os.fork()\n"
        "os.write(1, f'{child} {folder.path}\\n'.encode())  # in one write, as both do\n"
        "if child: os.kill(os.getpid(), signal.SIGKILL)\n"
        "time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        said = sorted(parent.stdout.readline().split() for _ in range(2))
        assert said[0][0] == "0"  # the child is as far as to speak itself
        child, path = said[1]
        assert parent.wait(20) == -9
        try:
            assert not runs.under_way(Path(path))
        finally:
            os.kill(int(child), signal.SIGKILL)


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """The fault names the place, says what to do and exits with 2."""
    (tmp_path / ".scenarios").write_text("a file stands in the way")
    with pytest.raises(EnvironmentFault, match=r"\.scenarios.*--run-dir DIR") as caught:
        runs.create(tmp_path, "queue")
    assert caught.value.exit_code == 2
    with pytest.raises(EnvironmentFault, match="cannot write the run folder"):
        runs.create(Path("/proc"), "queue")


def test_find_run_by_id_part_path_and_latest(tmp_path: Path) -> None:
    """A run is found by its id, any part of it, its path, and as the latest."""
    one, two = runs.create(tmp_path, "one"), runs.create(tmp_path, "two")
    assert runs.find_run(None, tmp_path) == two.path
    assert runs.find_run("latest", tmp_path) == two.path
    assert runs.find_run(one.id, tmp_path) == one.path
    assert runs.find_run("one", tmp_path) == one.path
    assert runs.find_run(str(one.path), Path("/")) == one.path
    (tmp_path / ".scenarios" / "latest").unlink()
    assert runs.find_run(None, tmp_path) == two.path


def test_find_run_says_what_there_is(tmp_path: Path) -> None:
    """No run at all and an unknown one each get a message; of several the newest is taken."""
    with pytest.raises(UsageError, match="no run is stored"):
        runs.find_run(None, tmp_path)
    runs.create(tmp_path, "queue")
    second = runs.create(tmp_path, "queue")
    assert runs.find_run("queue", tmp_path) == second.path
    with pytest.raises(UsageError, match=f'did you mean "{second.id}"'):
        runs.find_run(second.id + "s", tmp_path)
    with pytest.raises(UsageError, match="--list"):
        runs.find_run("zzz", tmp_path)
