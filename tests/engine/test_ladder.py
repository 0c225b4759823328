"""The ladder of SIGTERM, grace and SIGKILL: who resists is gone in time, by every executor."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import resisting
from running import Ran, run
from supervision.witness import Deaths

GRACE, LIMIT = 0.3, 0.25
"""Seconds of grace, and those after it by the end of which everything is gone."""

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


def test_who_resists_is_gone_at_grace_and_250_ms(tmp_path: Path) -> None:
    """Deaf, stopped, forking and daemonised workers of every kind, with all that they started."""
    notes = tmp_path / "pids"
    notes.mkdir()
    workers = []
    for name in resisting.MEMBERS:
        for kind, what in KINDS.items():
            file = notes / f"{name}.{kind}"
            file.touch()
            task = what.replace("NAME", name).replace("FILE", str(file))
            stop = f"stop: {{action: terminate, grace: {GRACE}s}}"
            workers.append(f"{name}_{kind}: {{{task}, background: true, {stop}}}")
    text = "\n  ".join(
        [
            "timeout: 60s\nworkers:",
            *workers,
            # the run goes on for a while after all of them are gone
            "hold: {command: [sh, -c, 'trap : TERM; while :; do sleep 0.1; done'],"
            " background: true, stop: {action: terminate, grace: 2s}}",
            f"first: {{executor: thread, call: 'resisting:wait_for_all', args: [{notes}]}}",
        ]
    )
    with Deaths(
        lambda: [pid for file in notes.iterdir() for pid in resisting.pids_of(file)]
    ) as deaths:
        ran = run(tmp_path, text + "\n")
        ended = time.monotonic()
        time.sleep(2 * LIMIT)
    assert ran.exit == 0, ran.why
    assert deaths.alive == set()
    print(
        f"\nseconds from SIGTERM (grace {GRACE}) to the end of all processes, lag {deaths.lag:.3f}"
    )
    for name in resisting.MEMBERS:
        took = {kind: _took(ran, name, kind, notes, deaths, ended) for kind in KINDS}
        print(f"{name:17}" + "".join(f" {kind} {took[kind]:6.3f}" for kind in KINDS))
        bound = LIMIT + deaths.lag + (0 if name in (*AT_ONCE, *ENDED) else GRACE)
        assert {kind: seconds for kind, seconds in took.items() if seconds > bound} == {}


def _took(ran: Ran, name: str, kind: str, notes: Path, deaths: Deaths, ended: float) -> float:
    """Seconds from what should end it to the end of the last of its processes."""
    pids = resisting.pids_of(notes / f"{name}.{kind}")
    assert len(pids) == resisting.MEMBERS[name]
    event = "worker_ended" if name in ENDED else "worker_stopping"
    (told,) = ran.of(event, f"{name}_{kind}")
    began = ended if name == LEFT_ALONE else told["time"] / 1e9
    return max(deaths.at[pid] for pid in pids) - began
