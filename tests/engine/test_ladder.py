"""The ladder of SIGTERM, grace and SIGKILL: who resists is gone in time, by every executor."""

from __future__ import annotations

import re
import shutil
import sys
import time
from collections.abc import Iterable
from itertools import product
from pathlib import Path
from typing import Any

import pytest

import resisting
from running import run, started
from supervision.witness import Deaths

GRACE, LIMIT = 0.3, 0.25
"""Seconds of grace, and those after it by the end of which everything is gone."""

MOST = 12.0
"""MiB that an engine may need for a flood: it keeps 1 MiB of each output, in a few forms."""

PROGRAM = f"{sys.executable}, -S, {resisting.__file__}"
KINDS = {
    "process": "executor: process, call: 'resisting:NAME', args: [FILE]",
    "spawn": "executor: process, options: {start_method: spawn}, "
    "call: 'resisting:NAME', args: [FILE]",
    "pool": "executor: pool, options: {of: process}, call: 'resisting:NAME', args: [FILE]",
    "command": f"command: [{PROGRAM}, NAME, FILE]",
    "run": f"executor: process, steps: [{{run: [{PROGRAM}, NAME, FILE]}}]",
    "thread_run": f"executor: thread, steps: [{{run: [{PROGRAM}, NAME, FILE]}}]",
}
LEFT_ALONE = "becomes_a_daemon"  # it ended by itself: what it left is ended with the run
AT_ONCE = ("polite", "stopped", "daemonises")  # follow SIGTERM and wait for no force
ENDED = ("leaves_a_child", LEFT_ALONE)  # before anybody asks


FLOODS = ("floods", "prints")


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """A folder for files of pids."""
    folder = tmp_path / "pids"
    folder.mkdir()
    return folder


Pairs = Iterable[tuple[str, str]]
"""Names of `resisting` with a kind of worker."""


def scenario(notes: Path, pairs: Pairs, hold: float) -> str:
    """Workers that are stopped once all of them are up; the run goes on for `hold` seconds then."""
    lines = ["timeout: 60s\nworkers:"]
    for name, kind in pairs:
        file = notes / f"{name}.{kind}"
        file.touch()
        task = KINDS[kind].replace("NAME", name).replace("FILE", str(file))
        stop = f"stop: {{action: terminate, grace: {GRACE}s}}"
        lines.append(f"{name}_{kind}: {{{task}, background: true, {stop}}}")
    lines += [
        "hold: {command: [sh, -c, 'trap : TERM; while :; do sleep 0.1; done'],"
        f" background: true, stop: {{action: terminate, grace: {hold}s}}}}",
        f"first: {{executor: thread, call: 'resisting:wait_for_all', args: [{notes}]}}",
    ]
    return "\n  ".join(lines) + "\n"


def watched(notes: Path) -> Deaths:
    """The deaths of all whose pids are in the files."""
    return Deaths(lambda: [pid for file in notes.iterdir() for pid in resisting.pids_of(file)])


def test_who_resists_is_gone_at_grace_and_250_ms(tmp_path: Path, notes: Path) -> None:
    """Deaf, stopped, forking and daemonised workers of every kind, with all that they started."""
    names = [name for name in resisting.MEMBERS if name not in FLOODS]
    with watched(notes) as deaths:
        ran = run(tmp_path, scenario(notes, product(names, KINDS), hold=2.0))
        ended = time.monotonic()
        time.sleep(2 * LIMIT)
    assert ran.exit == 0, ran.why
    assert deaths.alive == set()
    print(f"\nseconds from SIGTERM (grace {GRACE}) to the last end, lag {deaths.lag:.3f}")
    for name in names:
        took = {kind: _took(ran.events, name, kind, notes, deaths, ended) for kind in KINDS}
        print(f"{name:17}" + "".join(f" {kind} {took[kind]:6.3f}" for kind in KINDS))
        bound = LIMIT + deaths.lag + (0 if name in (*AT_ONCE, *ENDED) else GRACE)
        assert {kind: seconds for kind, seconds in took.items() if seconds > bound} == {}


SOME = [("floods", "command"), ("prints", "process")]
ALL = [*product(FLOODS, ["process", "spawn", "pool"]), *product(["floods"], KINDS)]


@pytest.mark.parametrize(
    "pairs",
    [SOME, pytest.param([*dict.fromkeys(ALL)], marks=pytest.mark.slow)],
    ids=["some", "all"],
)
def test_a_flood_of_250_mib_adds_no_memory(pairs: Pairs, tmp_path: Path, notes: Path) -> None:
    """Who writes without end and does not listen is read, is forced in time, and costs nothing."""
    shutil.copy(resisting.__file__, tmp_path)
    usual, _ = _memory_of(tmp_path, notes, {("polite", kind) for _, kind in pairs})
    flooded, late = _memory_of(tmp_path, notes, pairs)
    each = (flooded - usual) / len([*pairs]) / 1024
    print(
        f"\n{usual / 1024:.1f} MiB without floods, {flooded / 1024:.1f} with {[*pairs]}: {each:.1f}"
    )
    assert late == {}
    assert each < MOST


def _memory_of(
    tmp_path: Path, notes: Path, pairs: Pairs
) -> tuple[float, dict[tuple[str, str], float]]:
    """The most KiB of memory that a run's engine has had, and who was not gone in time."""
    for file in notes.iterdir():
        file.unlink()
    most = 0.0
    with started(tmp_path, scenario(notes, pairs, hold=0.7), "--quiet") as command:
        with watched(notes) as deaths:
            while command.process.poll() is None:
                most = max(most, _peak(command.process.pid))
                time.sleep(0.01)
            ended = time.monotonic()
        assert command.wait() == 0, command.out
        events = command.events()
    took = {pair: _took(events, *pair, notes, deaths, ended) for pair in pairs}
    bound = GRACE + LIMIT + deaths.lag
    return most, {pair: seconds for pair, seconds in took.items() if seconds > bound}


def _peak(pid: int) -> float:
    """KiB of memory that a process has had at most; 0 for one that has ended."""
    try:
        found = re.search(r"^VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(), re.M)
    except OSError:
        return 0.0
    return float(found[1]) if found else 0.0


def _took(
    events: Iterable[dict[str, Any]],
    name: str,
    kind: str,
    notes: Path,
    deaths: Deaths,
    ended: float,
) -> float:
    """Seconds from what should end it to the end of the last of its processes."""
    pids = resisting.pids_of(notes / f"{name}.{kind}")
    assert len(pids) == resisting.MEMBERS[name]
    what = "worker_ended" if name in ENDED else "worker_stopping"
    (told,) = [
        event for event in events if event["event"] == what and event["worker"] == f"{name}_{kind}"
    ]
    began = ended if name == LEFT_ALONE else told["time"] / 1e9
    return max(deaths.at[pid] for pid in pids) - began
