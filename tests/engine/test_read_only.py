"""Folders that cannot be written: from the beginning nothing runs; later on the run goes on."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

import refusing
from command import scenarios
from running import Started, started, write
from scenarios import runs
from scenarios.errors import EnvironmentFault
from scenarios.history import of_run
from segments import disk, mount

RUN = "workers: {w: {command: [touch, ran]}}"
NOBODY = 65534


def refused(done: subprocess.CompletedProcess[str], cwd: Path, why: str) -> None:
    """Exit 2 with one sentence, and nothing has run."""
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr.startswith(f"scenarios: cannot write the run folder {cwd}")
    assert why in done.stderr
    assert done.stderr.endswith("name a folder that can be written with --run-dir DIR\n")
    assert done.stderr.count("\n") == 1
    assert not (cwd / "ran").exists()


@pytest.mark.parametrize("before", [False, True])
def test_a_disk_that_is_read_only(before: bool, tmp_path: Path) -> None:
    """Exit 2 before anything runs, whether there were runs before or not."""
    with disk(tmp_path, "size=1m") as root:
        write(root, RUN)
        if before:
            assert scenarios("run", "case.yaml", cwd=root).returncode == 0
            (root / "ran").unlink()
        mount("-o", "remount,ro", str(root))
        refused(scenarios("run", "case.yaml", cwd=root), root, "Read-only file system")


@pytest.mark.parametrize("name", [".", ".scenarios", ".scenarios/runs"])
def test_a_folder_whose_mode_forbids_it(name: str, tmp_path: Path) -> None:
    """The same for each of the folders above a run's own."""
    write(tmp_path, RUN)
    (tmp_path / ".scenarios" / "runs").mkdir(parents=True)
    if name == ".":
        shutil.rmtree(tmp_path / ".scenarios")
    (tmp_path / name).chmod(0o555)
    try:
        done = refusing.scenarios(
            "run", "case.yaml", cwd=tmp_path, prepare=refusing.without_override
        )
        refused(done, tmp_path, "Permission denied")
    finally:
        (tmp_path / name).chmod(0o755)


def test_a_folder_of_another_user(tmp_path: Path) -> None:
    """A process that gave up its rights is told the same."""
    if os.geteuid():
        pytest.skip("only root can become another user")
    tmp_path.chmod(0o755)
    read, tell = os.pipe()
    child = os.fork()
    if not child:
        os.chdir(tmp_path)
        os.setuid(NOBODY)
        try:
            runs.create(Path(), "case")
        except EnvironmentFault as error:
            os.write(tell, f"{error.exit_code} {error}".encode())
        os._exit(0)
    os.close(tell)
    os.waitpid(child, 0)
    with os.fdopen(read) as told:
        place = f"{tmp_path}/.scenarios/runs"
        assert told.read().startswith(f"2 cannot write the run folder {place}: Permission denied")


ENDS = {
    "fallocate": 0, "flock": 2, "ftruncate": 0, "mkdir": 2, "rename": 2, "rmdir": 0, "symlink": 0,
    "truncate": 0, "unlink": 0, "unlinkat": 0,
}  # fmt: skip


@pytest.mark.parametrize("call", ENDS)
def test_system_calls_that_fail_with_input_output_error(call: str, tmp_path: Path) -> None:
    """Before anything runs it is refused; later on the run goes on, and its log is readable."""
    write(tmp_path, "workers: {t: {executor: thread, steps: [{log: x}, {run: [touch, ran]}]}}")
    prepare = refusing.refusing(call)
    words = ("run", "case.yaml", "--format", "json")
    done = refusing.scenarios(*words, cwd=tmp_path, prepare=prepare)
    if ENDS[call]:
        refused(done, tmp_path, "Input/output error")
        return
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "ran").exists()
    run = json.loads(done.stdout)["run"]
    history = of_run(Path(run["folder"]))
    kinds = [event["event"] for event in history]
    assert history.damage() is None
    assert kinds == [] if call == "fallocate" else kinds[-1] == "run_ended"
    assert run.get("lost_events", 0) == (7 if call == "fallocate" else 0)


LATER = """\
values: {v: 0}
workers:
  p: {executor: process, steps: [{log: p is up}, {repeat: 300, steps: [{read: v}, {sleep: 5ms}]}]}
  t: {executor: thread, steps: [{log: up too}, {repeat: 300, steps: [{read: v}, {sleep: 5ms}]}]}
  late: {executor: thread, steps: [{sleep: 1s}, {run: [echo, hello]}, {call: "mine:shout"}]}
  later: {executor: process, depends_on: [late], steps: [{log: here, what: "I am, too"}]}
"""
EVENTS = 2 * 300 * 4


def went_on(command: Started, before: set[Path], why: str) -> None:
    """A run whose folder could not be written any more has ended well, and says what is missing."""
    assert command.wait() == 0, command.out + command.err
    result = json.loads(command.out)
    assert {one["state"] for one in result["workers"].values()} == {"succeeded"}
    assert result["workers"]["late"]["stdout"] == "hello\n"
    folder = Path(result["run"]["folder"])
    notices = "\n".join(result["notices"])
    assert f"cannot write {folder / 'result.json'}: {why}" in notices
    assert f"the events stay in {folder / 'segments'}: {why}" in notices
    assert f"had no room in the log: {why}" in notices
    history = of_run(folder)
    stored = sum(event["event"] != "info" for event in history)
    assert history.damage() is None
    assert stored + result["run"]["lost_events"] > EVENTS
    assert {path for path in folder.rglob("*") if path.is_file()} <= before


@contextmanager
def going(tmp_path: Path, root: Path, *words: str) -> Iterator[Started]:
    """A run with its folder under a root, once it has begun."""
    (tmp_path / "mine.py").write_text("def shout():\n    print('hello')\n")
    with started(tmp_path, LATER, *words, "--run-dir", str(root)) as command:
        command.until("p is up", "up too")
        yield command


def files(root: Path) -> set[Path]:
    """All files below a folder."""
    return {path for path in root.rglob("*") if path.is_file()}


def test_a_folder_that_becomes_read_only(tmp_path: Path) -> None:
    """A mount over it: what is mapped goes on, nothing else can be opened for writing."""
    root, aside = tmp_path / "root", tmp_path / "aside"
    root.mkdir()
    aside.mkdir()
    mount("--bind", str(root), str(aside))
    try:
        mount("-o", "remount,ro,bind", str(aside))
        with going(tmp_path, root, "--format", "json") as command:
            mount("--bind", str(aside), str(root))
            try:
                went_on(command, files(root), "Read-only file system")
            finally:
                subprocess.run(["umount", "-l", str(root)], check=True)
    finally:
        subprocess.run(["umount", "-l", str(aside)], check=True)


@dataclass
class Device:
    """A real file system on a device of its own."""

    root: Path
    name: str

    def written(self) -> None:
        """Everything is on the device."""
        folder = os.open(self.root, os.O_RDONLY)
        try:
            assert not ctypes.CDLL(None).syncfs(folder)
        finally:
            os.close(folder)

    def fail(self) -> None:
        """Meet an error: nobody may write from then on."""
        Path(f"/sys/fs/ext4/{self.name}/trigger_fs_error").write_text("1")

    def forget(self) -> None:
        """What is not on the device is nowhere from then on."""
        device = os.open(f"/dev/{self.name}", os.O_RDONLY)
        os.posix_fadvise(device, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(device)


@pytest.fixture
def device(tmp_path: Path) -> Iterator[Device]:
    """An ext4 on a loop device."""
    image, root = tmp_path / "image", tmp_path / "root"
    root.mkdir()
    with image.open("wb") as file:
        file.truncate(16 << 20)
    if shutil.which("mkfs.ext4") is None:
        pytest.skip("needs mkfs.ext4: install the package e2fsprogs")
    subprocess.run(["mkfs.ext4", "-q", str(image)], check=True)
    mount("-o", "loop,errors=remount-ro,commit=600", str(image), str(root))
    try:
        number = os.stat(root).st_dev
        place = Path(f"/sys/dev/block/{os.major(number)}:{os.minor(number)}")
        yield Device(root, place.resolve().name)
    finally:
        subprocess.run(["umount", "-l", str(root)], check=True)


@pytest.mark.slow
def test_a_disk_that_fails(tmp_path: Path, device: Device) -> None:
    """It lets nobody write from then on, and what was written can be read."""
    with going(tmp_path, device.root, "--format", "json") as command:
        device.written()
        device.fail()
        device.forget()
        went_on(command, files(device.root), "Read-only file system")


@pytest.mark.slow
def test_a_disk_that_fails_and_forgets(tmp_path: Path, device: Device) -> None:
    """The folders of the run had not been written yet: they are there, and cannot be read."""
    with going(tmp_path, device.root) as command:
        folder = next((device.root / ".scenarios" / "runs").iterdir())
        known = os.open(folder, os.O_RDONLY)
        device.fail()
        device.forget()
        assert command.wait() == 0, command.out + command.err
    assert "Traceback" not in command.err
    assert "case: passed" in command.out
    assert f"cannot write {folder / 'result.json'}: Bad message" in command.out
    assert f"the events stay in {folder / 'segments'}: Bad message" in command.out
    assert "had no room in the log: Read-only file system; Bad message" in command.out
    for words in ["show"], ["show", "--events"], ["show", "--list"], ["replay", str(folder)]:
        shown = scenarios(*words, "--run-dir", str(device.root), cwd=tmp_path)
        assert shown.returncode == 2, shown.stdout
        assert "Bad message" in shown.stderr
        assert shown.stderr.startswith("scenarios: ")
        assert shown.stderr.count("\n") == 1, shown.stderr
    os.close(known)
