"""SIGKILL of engine, spawner and guard of real runs at random moments: nothing survives."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import resisting
from hubs import until
from running import write
from scenarios import history
from scenarios.supervision.sweep import sweep
from supervision.engines import Engine, Engines
from supervision.witness import left_after, new_mark, survivors

LIMIT = 0.25
"""Seconds until nothing is left: the promise, where the machine lets those run who end the rest."""

LATE = 2.0
"""Seconds until nothing is left where it does not."""

LIFE = 0.5
"""Seconds that a run of `BUSY` lasts on a quiet machine."""

BUSY = """\
name: MARK
queues: {q: {}}
workers:
  family: {executor: process, call: "resisting:family", args: [FOLDER/family], ASIDE}
  leaves: {command: [PYTHON, daemonises, FOLDER/leaves], ASIDE}
  hidden: {command: [sh, -c, "(setsid env -i sh -c 'sleep 60; : MARK' &) ; sleep 60"], ASIDE}
  starts: {command: ["true"], restart: {policy: always, max: 1000, backoff: 0s}, ASIDE}
  runs: {executor: thread, steps: [{forever: , steps: [{run: [setsid, sleep, "0.01"]}]}], ASIDE}
  pool: {executor: pool, options: {of: process, max_workers: 2}, jobs: 50, steps: STEPS, ASIDE}
  queue: {executor: process, replicas: 2, steps: STEPS, ASIDE}
  first: {executor: thread, steps: [sleep: 200ms]}
"""
LASTING = BUSY.replace("200ms", "60s")
STEPS = "[{repeat: 30, steps: [{put: q, value: 1}, {get: q}, {run: [sleep, '0.01']}]}]"
PYTHON = f"{sys.executable}, -S, {resisting.__file__}"
ASIDE = "background: true, stop: {action: terminate, grace: 50ms}"


ALIVE = """\
name: MARK
workers:
  process: {executor: process, call: "subprocess:check_call", args: [[setsid, UNTIL]]}
  command: {command: [sh, -c, "setsid $0 $1 \\"$2\\" & wait $!", UNTIL]}
  pool: {executor: pool, options: {of: process, max_workers: 2}, jobs: 2, steps: [{run: [UNTIL]}]}
"""
SHARED = """\
name: MARK
queues: {q: {}}
workers: {w: {executor: process, steps: [{put: q, value: 1}, {sleep: 60s}]}}
"""
SHORT = "name: MARK\nworkers: {w: {executor: thread, steps: []}}\n"
UNTIL = "sh, -c, until test -e GO; do sleep 0.05; done"


class Busy:
    """A run by an engine that can be killed."""

    def __init__(self, engines: Engines, folder: Path, text: str = BUSY, *words: str) -> None:
        self.mark = new_mark()
        self.folder = folder / self.mark
        self.folder.mkdir()
        text = text.replace("UNTIL", UNTIL).replace("GO", str(folder / "go"))
        text = text.replace("STEPS", STEPS).replace("ASIDE", ASIDE).replace("PYTHON", PYTHON)
        write(self.folder, text.replace("MARK", self.mark).replace("FOLDER", str(self.folder)))
        self._root = folder
        case = str(self.folder / "case.yaml")
        self.engine: Engine = engines.start(
            "run", case, "--quiet", "--run-dir", str(folder), *words
        )

    @property
    def run(self) -> Path | None:
        """The run's folder, once there is one."""
        return next((self._root / ".scenarios" / "runs").glob(f"[0-9]*{self.mark}"), None)

    @property
    def hub_folder(self) -> Path | None:
        """The folder of the hub's socket, from before it is made until it is removed."""
        note = self.run / "hub" if self.run else None
        return Path(note.read_text()) if note and note.exists() else None

    def until_supervised(self) -> None:
        """Wait until guard and spawner are there, or the run is over."""
        end = time.monotonic() + 20
        while len(self.engine.supervision()) < 2 and time.monotonic() < end:
            time.sleep(0.002)

    def until_left(self) -> None:
        """Wait until something of `ALIVE` runs that does not end with the spawner."""
        end = time.monotonic() + 20
        while not any(words.startswith("sh -c until") for words in survivors(self.mark).values()):
            assert time.monotonic() < end
            time.sleep(0.01)

    def gone(self) -> float:
        """Seconds until nothing is left."""
        left, took = left_after(self.mark, LATE)
        assert left == {}
        return took

    def check_log(self) -> None:
        """Whatever was recorded can be read."""
        if self.run is not None:
            events = history.of_run(self.run)
            assert [event["event"] for event in events][:1] in ([], ["run_started"])
            assert events.skipped == events.torn  # lines that were being written, and no others


@pytest.fixture(scope="module")
def engines() -> Iterator[Engines]:
    """The helper that forks engines."""
    with Engines() as helper:
        yield helper


@pytest.fixture(autouse=True)
def nothing_stays(tmp_path: Path) -> Iterator[None]:
    """What a test has killed without a run to follow is looked after here."""
    yield
    sweep(tmp_path / ".scenarios" / "runs")


def kill_engine(engines: Engines, folder: Path, moment: float) -> float:
    """Kill an engine `moment` seconds after its start; seconds until nothing was left."""
    busy = Busy(engines, folder)
    time.sleep(moment)
    busy.engine.kill()
    took = busy.gone()
    assert busy.engine.wait() in (-signal.SIGKILL, 0)  # it may have ended just before
    busy.check_log()
    return took


def kill_spawner(engines: Engines, folder: Path, moment: float) -> float:
    """The same with the spawner, whose engine then ends by itself and says why."""
    busy = Busy(engines, folder)
    busy.until_supervised()
    time.sleep(moment)
    took = 0.0
    for spawner in busy.engine.supervision()[1:]:  # none when the run has just ended
        busy.engine.kill(spawner)
        took = busy.gone()
    code = busy.engine.wait()
    busy.check_log()
    assert busy.run is not None
    result = json.loads((busy.run / "result.json").read_text())
    assert (code, result["exit"]) in ((0, 0), (1, 1)), result["run"]
    if code:
        told = result["run"]["error"]
        assert "was ended from outside" in told or "the hub" in told  # which goes with it
    return took


KILLS: dict[str, Callable[[Engines, Path, float], float]] = {
    "engine": kill_engine,
    "spawner": kill_spawner,
}


@pytest.mark.parametrize("victim", KILLS)
def test_killed_at_random(victim: str, engines: Engines, tmp_path: Path) -> None:
    """A few killed at moments from the first line of a run to its last: nothing survives."""
    draw = random.Random(3)
    took = sorted(KILLS[victim](engines, tmp_path, draw.uniform(0, LIFE)) for _ in range(6))
    assert took[-2] < LIMIT


@pytest.mark.slow
@pytest.mark.parametrize("victim", KILLS)
def test_killed_a_hundred_times(victim: str, engines: Engines, tmp_path: Path) -> None:
    """The figure: 0 survivors in 100 runs, after 250 ms at most."""
    moments = [random.uniform(0, LIFE) for _ in range(100)]
    with ThreadPoolExecutor(2) as pool:
        took = sorted(pool.map(lambda moment: KILLS[victim](engines, tmp_path, moment), moments))
    assert took[95] < LIMIT
    noted = [note.read_text() for note in tmp_path.glob(".scenarios/runs/*/hub")]
    assert Busy(engines, tmp_path, SHORT).engine.wait() == 0
    assert not any(Path(folder).exists() for folder in noted if folder)  # "": it was not made yet
    print(f"\n100 SIGKILLs of the {victim}: 0 survivors, the slowest gone in {took[-1]:.3f} s")


@pytest.mark.parametrize("other", [0, 1], ids=["guard", "spawner"])
def test_engine_and_one_more_killed_at_once(other: int, engines: Engines, tmp_path: Path) -> None:
    """Of spawner and guard, the one that is left ends everything."""
    busy = Busy(engines, tmp_path, LASTING)
    busy.until_supervised()
    time.sleep(0.2)
    busy.engine.kill(busy.engine.pid, busy.engine.supervision()[other])
    busy.gone()
    assert busy.engine.wait() == -signal.SIGKILL


def test_engine_killed_while_its_spawner_is_stopped(engines: Engines, tmp_path: Path) -> None:
    """The guard does not wait for a spawner that does nothing."""
    busy = Busy(engines, tmp_path, LASTING)
    busy.until_supervised()
    time.sleep(0.2)
    os.kill(busy.engine.supervision()[1], signal.SIGSTOP)
    busy.engine.kill()
    busy.gone()
    assert busy.engine.wait() == -signal.SIGKILL


def test_what_all_three_leave_is_ended_by_the_next_run(engines: Engines, tmp_path: Path) -> None:
    """Workers die with the spawner, all else is swept; no other run of the folder is touched."""
    alive = [Busy(engines, tmp_path, ALIVE) for _ in range(4)]
    seen = "".join(line for line in BUSY.splitlines(keepends=True) if "hidden" not in line)
    dead = Busy(engines, tmp_path, seen.replace("200ms", "60s"))
    until(lambda: all(survivors(one.mark) for one in alive))
    workers = []
    for note, name in ((dead.folder / "family", "family"), (dead.folder / "leaves", "daemonises")):
        resisting.wait_for(note, resisting.MEMBERS[name])
        workers.append(resisting.pids_of(note)[-1])
    supervision = dead.engine.supervision()
    assert len(supervision) == 2
    dead.engine.kill(dead.engine.pid, *supervision)
    assert dead.engine.wait() == -signal.SIGKILL
    until(lambda: not survivors(dead.mark).keys() & set(workers))
    left = survivors(dead.mark)
    assert len(left) >= 3  # a daemon of each, and a child of one in a session of its own
    assert all(survivors(one.mark) for one in alive)  # they run on, and are looked at by the next
    following = [Busy(engines, tmp_path, SHORT) for _ in range(2)]
    assert [one.engine.wait() for one in following] == [0, 0]
    assert survivors(dead.mark) == {}
    (tmp_path / "go").touch()
    assert [one.engine.wait() for one in alive] == [0] * 4


def test_runs_that_are_not_kept_are_swept_before_they_go(engines: Engines, tmp_path: Path) -> None:
    """The folder of a run tells of what it left: it goes afterwards."""
    dead = Busy(engines, tmp_path, ALIVE)
    dead.until_left()
    dead.engine.kill(dead.engine.pid, *dead.engine.supervision())
    assert dead.engine.wait() == -signal.SIGKILL
    assert len(survivors(dead.mark)) > 0
    assert Busy(engines, tmp_path, SHORT, "--keep", "1").engine.wait() == 0
    assert dead.run is None
    assert survivors(dead.mark) == {}


def test_a_hub_that_is_killed_too(engines: Engines, tmp_path: Path) -> None:
    """The next run removes its socket, and not that of a run that is alive."""
    dead, alive = (Busy(engines, tmp_path, SHARED) for _ in range(2))
    end = time.monotonic() + 20
    for one in (dead, alive):
        while not ((folder := one.hub_folder) and (folder / "hub").exists()):
            assert time.monotonic() < end
            time.sleep(0.01)
    left, kept = dead.hub_folder, alive.hub_folder
    assert left and kept
    dead.engine.kill(dead.engine.pid, *dead.engine.supervision(), *survivors(dead.mark))
    assert dead.engine.wait() == -signal.SIGKILL
    assert (left / "hub").exists()
    assert Busy(engines, tmp_path, SHORT).engine.wait() == 0
    assert not left.exists()
    assert (kept / "hub").exists()
    os.kill(alive.engine.pid, signal.SIGTERM)
    assert alive.engine.wait() == 128 + signal.SIGTERM
    assert not kept.exists()
