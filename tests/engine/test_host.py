"""The engine as a library: a host program's children, signals, threads and files stay its own."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from command import completed

HOST = """\
import asyncio, contextlib, json, os, signal, subprocess, sys, threading, time
from pathlib import Path
from scenarios import engine, plan, runs
from scenarios.executors import scenarios_executors
from scenarios.loading import load
from scenarios.supervision import linux

SPECS = {spec.name: spec for spec in scenarios_executors()}

def run(file):
    (scenario,) = load(Path(file), specs=SPECS).scenarios
    planned = plan.make(scenario, specs=SPECS)
    with runs.create(Path("."), scenario.name, None) as folder:
        return engine.run(planned, folder=folder, observer=lambda event: None)

def state():
    "All that a run could leave behind in this process; its threads may have to return yet."
    end = time.monotonic() + 20
    while threading.active_count() > 1 and time.monotonic() < end:
        time.sleep(0.005)
    return {
        "handlers": [str(signal.getsignal(n)) for n in sorted(signal.valid_signals())],
        "wakeup": wakeup(),
        "mask": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
        "subreaper": linux.is_subreaper(),
        "threads": sorted(thread.name for thread in threading.enumerate()),
        "files": files(),
        "path": sys.path,
        "environment": dict(os.environ),
        "folder": os.getcwd(),
        "streams": [str(sys.stdout), str(sys.stderr), str(threading.excepthook)],
        "children": sorted(child for child in children() if child not in MINE),
    }

def files():
    folder = "/proc/self/fd"
    places = [(fd, f"{folder}/{fd}") for fd in os.listdir(folder)]
    return sorted(fd + os.readlink(place) for fd, place in places if os.path.exists(place))

def wakeup():
    if threading.current_thread() is not threading.main_thread():
        return None
    fd = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(fd)
    return fd

def children():
    tasks = Path("/proc/self/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]

MINE = set()

def child(code, *options):
    started = subprocess.Popen([sys.executable, "-S", "-c", code], *options)
    MINE.add(started.pid)
    return started
"""

ALL = """\
queues: {q: {}}
values: {v: 0}
workers:
  process: {executor: process, steps: [{run: [sh, -c, 'setsid sleep 9 &']}, {put: q, value: 1}]}
  pool: {executor: pool, options: {of: process}, jobs: 2, steps: [{update: v, to: old + 1}]}
  command: {command: [sh, -c, 'setsid sleep 9 &']}
  thread: {executor: thread, steps: [{get: q}, {run: ["true"]}]}
  inline: {executor: inline, steps: [{sleep: 300ms}]}
  aside: {command: [sleep, "60"], background: true, stop: {action: terminate}}
"""


WAIT = """\
workers:
  c: {command: &wait [sh, -c, "until test -e go; do sleep 0.05; done"]}
  p: {executor: process, steps: [{run: *wait}]}
"""


def host(folder: Path, code: str) -> dict[str, object]:
    """Run a host program; the JSON object that it prints at its end."""
    (folder / "all.yaml").write_text(ALL)
    (folder / "wait.yaml").write_text(WAIT)
    (folder / "host.py").write_text(HOST + code)
    done = completed(sys.executable, "host.py", cwd=folder)
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


CHILDREN = """
ended, lives = child("raise SystemExit(7)"), child("import time; time.sleep(60)")
os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD, signal.SIGRTMIN + 12):
    signal.signal(number, lambda number, frame: None)
signal.set_wakeup_fd(os.open("/dev/null", os.O_WRONLY | os.O_NONBLOCK))
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2})

def meanwhile():
    while not over:
        codes.append(child("raise SystemExit(9)").wait())

codes, over = [], False
thread = threading.Thread(target=meanwhile)
run("all.yaml")  # imports and opens what stays
before = state()
thread.start()
result = run("all.yaml")
over = True
thread.join()
after = state()
print(json.dumps({
    "exit": result["exit"],
    "changed": {key: [before[key], after[key]] for key in before if before[key] != after[key]},
    "ended": os.waitpid(ended.pid, 0)[1] >> 8,
    "lives": lives.poll(),
    "meanwhile": sorted(set(codes)),
    "subreaper": after["subreaper"],
}))
lives.kill()
"""


def test_a_host_with_children_of_its_own(tmp_path: Path) -> None:
    """They are neither ended nor reaped, before, during and after; all else is as it was."""
    assert host(tmp_path, CHILDREN) == {
        "exit": 0,
        "changed": {},
        "ended": 7,
        "lives": None,
        "meanwhile": [9],
        "subreaper": False,
    }


ASYNCIO = """
async def main():
    loop = asyncio.get_running_loop()
    went = loop.run_in_executor(None, run, "all.yaml")
    codes = []
    while not went.done():
        one = await asyncio.create_subprocess_exec("sh", "-c", "exit 5")
        codes.append(await one.wait())
    return (await went)["exit"], sorted(set(codes))

print(json.dumps({"seen": asyncio.run(main()), "subreaper": linux.is_subreaper()}))
"""


def test_a_host_with_an_event_loop(tmp_path: Path) -> None:
    """As in a notebook: the run is in a thread, and the loop's own processes end as they should."""
    assert host(tmp_path, ASYNCIO) == {"seen": [0, [5]], "subreaper": False}


SEVERAL = """
own = child("import time; time.sleep(60)")
before = state()
results = [None] * 3
def one(number):
    results[number] = run("wait.yaml")
threads = [threading.Thread(target=one, args=(number,)) for number in range(3)]
for thread in threads:
    thread.start()
def supervision():
    found = []
    for guard in set(children()) - MINE:
        text = Path(f"/proc/{guard}/task/{guard}/children").read_text().split()
        found += [(guard, int(spawner)) for spawner in text]
    return found
def below(pid):
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
def at_work():
    "Both workers of each run are there, and what they have started."
    workers = [below(spawner) for _, spawner in supervision()]
    both = [len(pids) for pids in workers] == [2, 2, 2]
    return both and all(below(pid) for pids in workers for pid in pids)
end = time.monotonic() + 20
while not at_work() and time.monotonic() < end:
    time.sleep(0.01)
victim = supervision()[0]
for number in (signal.SIGSTOP, signal.SIGKILL):
    for pid in victim:
        os.kill(pid, number)
end = time.monotonic() + 20
while sum(map(bool, results)) < 1 and time.monotonic() < end:
    time.sleep(0.01)
Path("go").touch()
for thread in threads:
    thread.join()
after = state()
print(json.dumps({
    "exits": sorted(result["exit"] for result in results),
    "changed": {key: [before[key], after[key]] for key in before if before[key] != after[key]},
    "own": own.poll(),
}))
own.kill()
"""


def test_several_runs_in_one_process(tmp_path: Path) -> None:
    """Spawner and guard of one are killed: its processes are ended here, and nobody else's."""
    assert host(tmp_path, SEVERAL) == {"exits": [0, 0, 1], "changed": {}, "own": None}
