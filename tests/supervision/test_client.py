"""Children of every kind: their world, their ends, and what cannot be started."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from hubs import until
from scenarios.errors import EnvironmentFault
from scenarios.supervision import linux
from scenarios.supervision.client import Child, Spawner
from supervision.conftest import Kit
from supervision.witness import left_after, new_mark, survivors, zombies

CODES = (0, 1, 2, 7, 120, 127, 128, 130, 143, 254, 255)
SIGNALS = [1, 2, 3, 6, 9, 10, 12, 13, 14, 15, 24, 25, 31, 34, 64]


LOADED = 3.0
"""Seconds that a quick thing may take on a loaded machine."""


@pytest.mark.parametrize("kind", ["fork", "fresh"])
def test_exit_codes_of_workers(kit: Kit, kind: str) -> None:
    """What the entry returns is the exit code, and no zombie stays."""
    codes = CODES if kind == "fresh" else range(0, 256, 5)
    children = [(code, kit.kind(kind, "ends", b"%d" % code)) for code in codes]
    assert [(code, code) for code in codes] == [(code, child.wait(20)) for code, child in children]
    assert zombies(kit.spawner.pid) == []


def test_exit_codes_of_commands(kit: Kit) -> None:
    """A command's exit code is told as it is."""
    children = [(code, kit.command("sh", "-c", f"exit {code}")) for code in CODES]
    assert [(code, code) for code in CODES] == [(code, child.wait(20)) for code, child in children]
    assert zombies(kit.spawner.pid) == []


@pytest.mark.parametrize("kind", ["fork", "fresh", "command"])
def test_signals(kit: Kit, kind: str) -> None:
    """A child that dies of a signal has minus its number; Python ignores SIGPIPE and SIGXFSZ."""
    ignored = (signal.SIGPIPE, signal.SIGXFSZ)
    for number in [n for n in SIGNALS if kind == "command" or n not in ignored]:
        if kind == "command":
            child = kit.command("sh", "-c", f"kill -{number} $$; sleep 30")
        else:
            child = kit.kind(kind, "signals", b"%d" % number)
        assert (number, -number) == (number, child.wait(20))
    assert zombies(kit.spawner.pid) == []


@pytest.mark.parametrize(
    ("value", "code", "said"),
    [
        (None, 0, b""),
        (3, 3, b""),
        (-1, 255, b""),
        (256, 0, b""),
        (True, 1, b""),
        ("no", 1, b"no\n"),
    ],
)
def test_sys_exit(kit: Kit, value: object, code: int, said: bytes) -> None:
    """sys.exit means what it means in a program."""
    bundle = json.dumps(value).encode()
    assert (b"", said, code) == kit.output(kit.worker, "leaves", bundle)


def test_uncaught_exception(kit: Kit) -> None:
    """It is shown with its traceback, without frames of the supervision, and the code is 1."""
    _, text, code = kit.output(kit.worker, "raises", b"no such luck")
    assert code == 1
    assert b"ValueError: no such luck" in text
    assert b"supervision/birth.py" not in text


def test_an_entry_that_is_missing(kit: Kit) -> None:
    """A module that cannot be imported ends the worker, not the spawner."""
    _, text, code = kit.output(kit.worker, "no_such_entry")
    assert (code, b"no_such_entry" in text) == (1, True)
    assert kit.worker("ends", b"4").wait(20) == 4


@pytest.mark.parametrize("kind", ["fork", "fresh"])
def test_a_worker_ends_like_a_program(kit: Kit, kind: str) -> None:
    """Threads are joined, exit functions run and buffers are written."""
    assert kit.output(kit.kind, kind, "speaks", b"") == (b"entry\nthread\nexit\n", b"", 0)


@pytest.mark.parametrize("kind", ["fork", "fresh"])
def test_the_world_of_a_worker(
    kit: Kit, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four descriptors, the engine's sys.path, its own session, plain signals, a big bundle."""
    bundle = b"\0" * 3_000_000
    secret = os.open("/etc/passwd", os.O_RDONLY)
    os.set_inheritable(secret, True)
    text, errors, code = kit.output(
        kit.kind, kind, "tells", bundle, env={"COLOUR": "blue"}, cwd=str(tmp_path)
    )
    os.close(secret)
    assert (errors, code) == (b"", 0)
    world = json.loads(text)
    assert world["fds"] == [0, 1, 2, 3]
    assert len(bundle) == world["bundle"]
    assert os.fstat(kit.theirs.fileno()).st_ino == world["channel"]
    assert world["stdin"] == ""
    assert [os.path.abspath(entry) for entry in sys.path] == world["path"]
    assert str(tmp_path) == world["cwd"]
    assert {"COLOUR": "blue", "SCENARIOS_RUN": kit.mark} == world["env"]
    assert len(set(world["leader"])) == 1
    assert world["mask"] == []
    assert [handler.removeprefix("Handlers.SIG_DFL") or "0" for handler in world["handlers"]] == [
        "0",
        "0",
    ]
    assert world["encoding"] == "utf-8"


def test_the_world_of_a_command(kit: Kit, tmp_path: Path) -> None:
    """Its extra descriptors keep their numbers, no other is open, and no signal is ignored."""
    read, write = os.pipe()
    code = (
        "ls /proc/self/fd | tr '\\n' ' '; pwd; echo $COLOUR; "
        "grep -E 'Sig(Ign|Blk)' /proc/self/status"
    )
    text, _, _ = kit.output(
        kit.command, "sh", "-c", code, env={"COLOUR": "red"}, cwd=str(tmp_path), extra_fds=[write]
    )
    os.close(read)
    os.close(write)
    fds, colour, blocked, ignored = text.decode().splitlines()
    assert {"0", "1", "2", str(write), str(tmp_path)} == set(fds.split()) - {
        "3" if write != 3 else "4"
    }
    assert colour == "red"
    # 32 and 33 are the C library's own, which its posix_spawn leaves ignored
    masks = [int(line.split()[1], 16) & ~(0b11 << 31) for line in (blocked, ignored)]
    assert masks == [0, 0]


def test_stdin_of_a_command(kit: Kit) -> None:
    """It is read from the descriptor given."""
    read, write = os.pipe()
    os.write(write, b"hello")
    os.close(write)
    assert kit.output(kit.command, "cat", stdin=read) == (b"hello", b"", 0)
    os.close(read)


def test_signals_of_the_host_do_not_leak(tmp_path: Path) -> None:
    """Signals that the engine's thread blocks or its program ignores are plain in the children."""
    before = signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGCHLD})
    try:
        kit = Kit()
        for number in (signal.SIGUSR1, signal.SIGTERM):
            assert -number == kit.worker("signals", b"%d" % number).wait(20)
        kit.close()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        signal.signal(signal.SIGUSR1, before)


def test_a_missing_program(kit: Kit, tmp_path: Path) -> None:
    """Each way in which a program cannot be started has a sentence that names it."""
    plain, script, odd = (tmp_path / name for name in ("plain", "script", "odd"))
    for file, text in ((plain, ""), (script, "#!/no/such/interpreter\n"), (odd, "\1\2\3")):
        file.write_text(text)
    script.chmod(0o755)
    odd.chmod(0o755)
    cases = {
        "no-such-program": 'program "no-such-program" was not found on PATH',
        "/no/such/program": 'program "/no/such/program" does not exist',
        str(plain): "is not executable",
        str(script): "interpreter in its first line is missing",
        str(odd): "neither a binary",
    }
    for program, text in cases.items():
        with pytest.raises(EnvironmentFault, match=text):
            kit.command(program)
    with pytest.raises(EnvironmentFault, match="not found on PATH"):
        kit.command("ls", env={"PATH": str(tmp_path)})
    with pytest.raises(EnvironmentFault, match="null character"):
        kit.command("ls", "a\0b")
    assert kit.command("true").wait(20) == 0
    until(lambda: not zombies(kit.spawner.pid))  # a refusal is told just before its process ends


def test_what_fails_after_the_folder_was_entered(kit: Kit) -> None:
    """It is no fault of the folder."""
    with pytest.raises(EnvironmentFault, match="illegal environment variable name") as caught:
        kit.worker("ends", env={"A=B": "x"})
    assert "folder" not in str(caught.value)


def test_a_missing_folder(kit: Kit, tmp_path: Path) -> None:
    """A working folder that cannot be used is named, for commands and workers."""
    with pytest.raises(EnvironmentFault, match=r'folder "/no/such/folder" does not exist'):
        kit.command("true", cwd="/no/such/folder")
    with pytest.raises(EnvironmentFault, match="is not a folder"):
        kit.worker("ends", b"0", cwd="/etc/passwd")


def test_wait(kit: Kit) -> None:
    """A wait has a time-out, many threads may wait, and a signal after the end does nothing."""
    child = kit.command("sleep", "60")
    assert child.wait(0.01) is None
    codes: list[int | None] = []
    threads = [threading.Thread(target=lambda: codes.append(child.wait(20))) for _ in range(8)]
    for thread in threads:
        thread.start()
    os.kill(child.pid, signal.SIGINT)
    for thread in threads:
        thread.join()
    assert codes == [-2] * 8
    child.kill()
    child.terminate()
    assert -2 == child.wait(0) == child.returncode


def test_signals_reach_the_group(kit: Kit) -> None:
    """What a command has started gets the signal too."""
    word = new_mark()
    child = kit.command("sh", "-c", f"sh -c 'sleep 60; : {word}' & sh -c 'sleep 60; : {word}'")
    while len(survivors(word)) < 3:
        time.sleep(0.01)
    child.terminate()
    assert child.wait(20) == -15
    assert left_after(word, 1.0)[0] == {}


def test_what_a_dead_worker_leaves_in_its_group(kit: Kit) -> None:
    """A worker's end is the end of its group."""
    word = new_mark()
    assert kit.worker("forks_and_dies", word.encode()).wait(20) == 0
    assert left_after(word, 1.0)[0] == {}


def test_what_a_dead_command_leaves_in_its_group(kit: Kit, tmp_path: Path) -> None:
    """A command's children have a moment to leave its group: those that do not are killed."""
    ready = tmp_path / "ready"
    os.mkfifo(ready)
    line = f"sh -c 'echo >{ready}; exec sleep 60' & read line <{ready}"
    began = time.monotonic()  # to the end of its pipes: who stayed in the group is dead
    assert kit.output(kit.command, "sh", "-c", line) == (b"", b"", 0)
    assert time.monotonic() - began < 20
    leave = (
        "import os, sys, time; print(flush=True); os.setsid(); sys.stdout.close(); time.sleep(60)"
    )
    for _ in range(3):  # a busy machine may keep it from leaving within its moment
        word = new_mark()
        line = f"{sys.executable} -S -c '{leave}' {word} >{ready} & read line <{ready}"
        assert kit.command("sh", "-c", line).wait(20) == 0
        time.sleep(0.3)
        if survivors(word):
            break
    assert survivors(word)


def test_kill_takes_other_sessions_along(kit: Kit) -> None:
    """Killing a worker ends what it started in sessions of its own; a daemon stays for close."""
    word = new_mark()
    child = kit.worker("family", word.encode())
    while len(survivors(word)) < 4:
        time.sleep(0.01)
    child.kill()
    assert child.wait(20) == -9
    until(lambda: len(survivors(word)) <= 1)
    time.sleep(0.1)
    assert len(survivors(word)) == 1
    kit.spawner.close()
    assert survivors(word) == {}


def test_many_threads_start_at_once(kit: Kit) -> None:
    """Eighty starts of all kinds from eight threads."""
    codes: list[tuple[int, int | None]] = []

    def start(number: int) -> None:
        for code in range(10):
            child: Child = (
                kit.worker("ends", b"%d" % code)
                if (number + code) % 2
                else kit.command("sh", "-c", f"exit {code}")
            )
            codes.append((code, child.wait(20)))

    threads = [threading.Thread(target=start, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(codes) == 80
    assert [pair for pair in codes if pair[0] != pair[1]] == []
    assert zombies(kit.spawner.pid) == []


def test_close(kit: Kit) -> None:
    """It asks, waits for the grace and forces; it may be called again, and nothing starts after."""
    up, told = os.pipe()
    polite = kit.python(
        "import os, signal; signal.signal(15, lambda *_: os._exit(5)); print(flush=True); "
        "signal.pause()",
        stdout=told,
    )
    stubborn = kit.worker("stubborn", stdout=told)
    os.close(told)
    with open(up) as lines:
        assert {lines.readline(), lines.readline()} == {"\n", "asleep\n"}
    start = time.monotonic()
    kit.spawner.close(grace=0.3)
    assert 0.25 < time.monotonic() - start < 0.3 + LOADED
    assert (polite.returncode, stubborn.returncode) == (5, -9)
    kit.spawner.close()
    assert not kit.spawner.alive
    with pytest.raises(EnvironmentFault, match="being ended"):
        kit.command("true")


def test_close_without_children_is_quick(kit: Kit) -> None:
    """A grace is not waited for when nobody needs it."""
    assert kit.command("true").wait(20) == 0
    start = time.monotonic()
    kit.spawner.close(grace=5)
    assert time.monotonic() - start < LOADED


def test_the_host_program_is_left_as_it_was() -> None:
    """This process is a subreaper only while it has spawners, and its own children are its own."""
    own = os.posix_spawn("/bin/sleep", ["sleep", "60"], os.environ)
    assert not linux.is_subreaper()
    first, second = (Spawner.start(new_mark(), preload=()) for _ in range(2))
    assert linux.is_subreaper()
    first.close()
    assert linux.is_subreaper()
    second.close()
    assert not linux.is_subreaper()
    assert os.waitpid(own, os.WNOHANG) == (0, 0)
    os.kill(own, signal.SIGKILL)
    os.waitpid(own, 0)


def test_descriptors_do_not_leak(kit: Kit) -> None:
    """Starting and ending children leaves no descriptor behind, here or in the spawner."""

    def count() -> tuple[int, int]:
        ours, theirs = (
            len(os.listdir(f"/proc/{pid}/fd")) for pid in (os.getpid(), kit.spawner.pid)
        )
        return ours, theirs

    kit.command("true").wait(20)
    gc.collect()  # what other tests have left closes files of its own
    before = count()
    for _ in range(5):
        kit.worker("ends", b"0").wait(20)
        kit.worker("ends", b"0", fresh=True).wait(20)
        kit.command("true").wait(20)
        with contextlib.suppress(EnvironmentFault):
            kit.command("no-such-program")
    kit.command("true").wait(20)  # told when the spawner has looked at whatever ended before
    assert before == count()
