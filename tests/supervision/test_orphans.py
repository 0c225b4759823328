"""A spawner or guard that is killed, stopped or let go: every wait ends, and nothing survives."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hubs import until
from scenarios.errors import EnvironmentFault
from scenarios.supervision.client import Child
from supervision.conftest import Kit
from supervision.witness import left_after, new_mark, survivors, zombies

LATE = 2.0  # seconds until nothing is left on a busy machine; `test_kills.py` has the promise
SEARCH = str(Path(__file__).parents[2] / "src")


def _kill_supervision(kit: Kit, victim: str, moment: float) -> float:
    """Kill spawner or guard after `moment` seconds of starting; how long the end took."""
    children: list[Child] = [kit.worker(entry, kit.mark.encode()) for entry in ("family", "daemon")]
    end = time.monotonic() + moment
    while time.monotonic() < end:
        children.append(kit.worker("daemon", kit.mark.encode()))
    waiter = kit.command("sleep", "60")
    pids = {"spawner": kit.spawner.pid, "guard": kit.spawner.guard_pid}
    os.kill(pids[victim], signal.SIGKILL)
    start = time.monotonic()
    try:
        waiter.wait(5)  # a guard's death is told by the spawner, which kills and reports
    except EnvironmentFault as error:
        assert "was ended from outside" in str(error)
        assert waiter.lost
    left, _ = left_after(kit.mark, LATE)
    took = time.monotonic() - start
    assert left == {}
    assert waiter.lost or waiter.returncode == -9
    until(lambda: not kit.spawner.alive)
    with pytest.raises(EnvironmentFault, match="was ended from outside"):
        kit.command("true")
    assert zombies(os.getpid()) == []
    return took


@pytest.mark.parametrize("victims", ["spawner", "guard"])
def test_supervision_killed_at_random(victims: str) -> None:
    """A spawner or guard that is killed takes everything along, and every wait ends."""
    dice = random.Random(2)
    for _ in range(4):
        kit = Kit()
        _kill_supervision(kit, victims, dice.uniform(0, 0.15))
        kit.close()


def test_spawner_and_guard_killed_at_once(kit: Kit) -> None:
    """The engine's process is given what carries the mark, and ends it; its own children stay."""
    own = os.posix_spawn("/bin/sleep", ["sleep", "60"], os.environ)
    word = new_mark()
    child = kit.worker("family", word.encode())
    kit.python(f"import os, time; os.fork() or (os.setsid(), time.sleep(60))  # {word}").wait(5)
    while len(survivors(word)) < 4:
        time.sleep(0.01)
    os.kill(kit.spawner.guard_pid, signal.SIGSTOP)
    os.kill(kit.spawner.pid, signal.SIGKILL)
    os.kill(kit.spawner.guard_pid, signal.SIGKILL)
    with pytest.raises(EnvironmentFault, match="was ended from outside"):
        child.wait(5)
    assert left_after(kit.mark, LATE)[0] == {}
    assert os.waitpid(own, os.WNOHANG) == (0, 0)
    os.kill(own, signal.SIGKILL)
    os.waitpid(own, 0)
    # Only what had also cleared its environment is out of reach of all but the guard.
    for pid in survivors(word):
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    assert zombies(os.getpid()) == []


def test_a_stopped_spawner_does_not_hang_close(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is killed, and its guard ends the rest."""
    monkeypatch.setattr("scenarios.supervision.client._END_LIMIT", 0.5)
    kit.worker("family", kit.mark.encode())
    os.kill(kit.spawner.pid, signal.SIGSTOP)
    kit.spawner.close()
    assert left_after(kit.mark, LATE)[0] == {}


def test_a_host_that_ends_without_close() -> None:
    """An engine's process that returns, or dies of an exception, leaves nothing either."""
    mark = new_mark()
    code = (
        "import sys; from scenarios.supervision.client import Spawner\n"
        "s = Spawner.start(sys.argv[1], preload=())\n"
        "s.command(['sleep', '60'], stdout=2, stderr=2); raise SystemExit(3)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, mark],
        env={**os.environ, "PYTHONPATH": SEARCH},
        check=False,
    )
    assert done.returncode == 3
    assert left_after(mark, LATE)[0] == {}
