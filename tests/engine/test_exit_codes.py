"""Exit codes and signals in the results: exact for every executor that has a process."""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path

import pytest

from running import Ran, run
from supervision.witness import zombies

CODE = """\
import os, pathlib, signal, sys, time

def leave(code):
    os._exit(code)

def exits(code):
    sys.exit(code)

def die(number):
    try:
        signal.signal(number, signal.SIG_DFL)  # Python ignores some
    except (OSError, ValueError):
        pass  # the C library's own, and those that nobody can handle
    os.kill(os.getpid(), number)

def unreaped():
    end = time.monotonic() + 5
    while (found := _zombies(os.getpid())) and time.monotonic() < end:
        time.sleep(0.01)
    return found

def _zombies(pid):
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            try:
                state = pathlib.Path(f"/proc/{child}/stat").read_text().rpartition(") ")[2][0]
                found += [child] if state == "Z" else _zombies(child)
            except OSError:
                continue  # it was reaped meanwhile
    return found
"""

ONCE = "executor: process, replicas: SIZE, call: 'ends:CALL', args: ['${vars.all[worker.replica]}']"
JOBS = "executor: pool, jobs: ALL, call: 'ends:CALL', args: ['${job.item}']"
SHELL = "command: [sh, -c, 'WORDS ${vars.all[worker.replica]} WHOM'], replicas: SIZE"
STEPS = """\
steps:
      - set: {seen: []}
      - for_each: ${vars.all}
        as: one
        steps:
          - {run: [sh, -c, 'WORDS ${one} WHOM'], into: ran}
          - set: {seen: "${seen + [ran.exit_code]}"}
      - return: ${seen}"""

CODES = [0, 1, 2, 126, 127, 128, 129, 255]
SOME_CODES = sorted({*CODES, *random.Random(7).sample(range(256), 8)})
_status = dict(line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines())
_ignored = int(_status["SigIgn"], 16)
NOT_ENDING: set[int] = {signal.SIGCHLD, signal.SIGCONT, signal.SIGURG, signal.SIGWINCH}
NOT_ENDING |= {signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU}  # nothing in a session of its own
NOT_ENDING |= {n for n in (32, 33) if _ignored >> (n - 1) & 1}  # the C library's, as inherited
SIGNALS = [number for number in range(1, 65) if number != signal.SIGSTOP]  # see test_ladder.py
SOME_SIGNALS = sorted({1, 2, 9, 13, 15, 17, 20, 32, 34, 64, *random.Random(7).sample(SIGNALS, 4)})


def whole_run(folder: Path, workers: dict[str, str], numbers: list[int], **words: str) -> Ran:
    """Workers that end in all these ways; before the run's end nothing is unreaped."""
    (folder / "ends.py").write_text(CODE)
    lines = [f"vars: {{all: {numbers}}}", "workers:"]
    for name, what in workers.items():
        task = what.replace("SIZE", str(len(numbers))).replace("ALL", str(numbers))
        for word, value in words.items():
            task = task.replace(word, value)
        inline = "steps:\n" not in task
        lines.append(f"  {name}: {{{task}}}" if inline else f"  {name}:\n    {task}")
    before = ", ".join(workers)
    lines += [f"  looks: {{executor: thread, depends_on: [{before}], call: 'ends:unreaped'}}"]
    ran = run(folder, "\n".join(lines) + "\n")
    assert ran.worker("looks")["result"] == [], ran.why
    assert zombies(os.getpid()) == []
    return ran


def codes_of(ran: Ran, name: str) -> list[int | None]:
    """What the result tells of each replica, job or step."""
    worker = ran.worker(name)
    if worker["result"] is not None:
        return list(worker["result"])
    return [one["exit_code"] for one in worker.get("replicas") or worker["jobs"]]


POOL = JOBS.replace("pool,", "pool, options: {of: process, max_workers: 4},")
WORKERS = {
    "process": ONCE,
    "pool": POOL,
    "command": SHELL,
    "run": f"executor: process\n    {STEPS}",
    "thread_run": f"executor: thread\n    {STEPS}",
}
LEAVING = {
    **{name: what.replace("CALL", "leave") for name, what in WORKERS.items()},
    "process_exits": ONCE.replace("CALL", "exits"),
    "pool_exits": POOL.replace("CALL", "exits"),
}
FRESH = ONCE.replace("process,", "process, options: {start_method: spawn},")


@pytest.mark.parametrize(
    "codes", [SOME_CODES, pytest.param([*range(256)], marks=pytest.mark.slow)], ids=["some", "all"]
)
def test_every_exit_code_is_told(codes: list[int], tmp_path: Path) -> None:
    """os._exit, sys.exit and a shell's exit, in processes, pools, commands and steps."""
    ran = whole_run(tmp_path, LEAVING, codes, WORDS="exit", WHOM="")
    told = {name: codes_of(ran, name) for name in LEAVING}
    assert dict.fromkeys(LEAVING, codes) == told
    print(f"\n{len(codes)} exit codes exact by {', '.join(told)}; 0 zombies")


@pytest.mark.parametrize(
    "numbers", [SOME_SIGNALS, pytest.param(SIGNALS, marks=pytest.mark.slow)], ids=["some", "all"]
)
def test_every_signal_is_told(numbers: list[int], tmp_path: Path) -> None:
    """A process that a signal ends has minus its number, whatever started it."""
    dying = {name: what.replace("CALL", "die") for name, what in WORKERS.items()}
    dying["fresh"] = FRESH.replace("CALL", "die")
    ran = whole_run(tmp_path, dying, numbers, WORDS="kill -s", WHOM="$$")
    told = {name: codes_of(ran, name) for name in dying}
    for name, codes in told.items():
        lives = None if name == "pool" else 0  # its process goes on after such a job
        assert (name, [lives if n in NOT_ENDING else -n for n in numbers]) == (name, codes)
    print(f"\n{len(numbers)} signals exact by {', '.join(told)}; 0 zombies")


def test_fresh_interpreters_tell_their_codes(tmp_path: Path) -> None:
    """The same for workers that are not forked."""
    ran = whole_run(tmp_path, {"w": FRESH.replace("CALL", "leave")}, CODES)
    assert codes_of(ran, "w") == CODES


@pytest.mark.parametrize("how", ["", "options: {start_method: spawn}", "pool"])
def test_a_term_that_nobody_here_sent(how: str, tmp_path: Path) -> None:
    """It is a death like that of any other signal, at the step; a clean-up that runs helps not."""
    executor = "executor: process"
    if how == "pool":
        executor, how = "executor: pool", "options: {of: process}\n            jobs: 1"
    ran = run(
        tmp_path,
        f"""
        values: {{cleaned: 0}}
        workers:
          w:
            {executor}
            {how or "background: true"}
            steps:
              - try:
                  - {{call: "os:kill", args: ["${{worker.pid}}", 15]}}
                  - {{sleep: 20s}}
                finally: [{{write: cleaned, value: 1}}]
          other: {{executor: thread, depends_on: [w], steps: []}}
        expect: [values.cleaned == 1]
        """,
    )
    outcome = ran.result["workers"]["w"]
    outcome = outcome.get("jobs", [outcome])[0]
    assert (ran.exit, outcome["state"], outcome["error"]) == (1, "failed", "ended by SIGTERM")
    assert outcome["exit_code"] == (None if "jobs" in how else -signal.SIGTERM)
    call = next(one["line"] for one in ran.events if one.get("op") == "call")
    assert outcome["error_line"] in (call, call + 1)
    assert ran.answer("values.cleaned == 1")["answer"] == "passed"
