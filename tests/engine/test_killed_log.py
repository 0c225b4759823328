"""What the log holds of workers that were killed at any moment, compared with what they did."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from running import Ran, run
from scenarios.history import of_run

CODE = """\
import os, pathlib, random, signal, time

FOLDER = pathlib.Path({folder!r})

def work(q, other, guard, name):
    '''Operations until the end comes, each entered into a ledger once it has come back.'''
    ledger = os.open(FOLDER / f"{{name}}.ledger", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    part = FOLDER / f"{{name}}.part"
    part.write_text(str(os.getpid()))
    part.rename(FOLDER / f"{{name}}.pid")
    while True:
        q.put("x" * random.choice([1, 100, 100_000]))
        os.write(ledger, b"put ")
        other.get()
        os.write(ledger, b"get ")
        guard.acquire()
        os.write(ledger, b"acquire ")
        guard.release()
        os.write(ledger, b"release ")

def feed(other, kills):
    '''Kills one of the workers again and again at random moments, while all have work.'''
    for _ in range(kills):
        for _ in range(40):
            other.put(1)
        path = FOLDER / f"w.{{random.randrange(2)}}.pid"
        while not path.exists():
            time.sleep(0.001)
        time.sleep(random.uniform(0, 0.03))
        pid = int(path.read_text())
        path.unlink()
        os.kill(pid, signal.SIGKILL)
"""

RUN = """\
timeout: 100s
queues: {{q: {{}}, other: {{}}}}
locks: {{guard: {{}}}}
workers:
  w:
    executor: process
    replicas: 2
    background: true
    stop: {{action: terminate}}
    restart: {{policy: on-failure, max: 1000, backoff: 1ms}}
    call: "mine:work"
    args: ["${{queues.q}}", "${{queues.other}}", "${{locks.guard}}", "${{worker.name}}"]
  k:
    executor: thread
    call: "mine:feed"
    args: ["${{queues.other}}", {kills}]
expect: [workers.w.state != 'pending']
"""


def killed(folder: Path, kills: int) -> Ran:
    """A run in which two workers are killed so many times."""
    (folder / "mine.py").write_text(CODE.format(folder=str(folder)))
    ran = run(folder, RUN.format(kills=kills))
    assert ran.exit == 0, ran.why
    return ran


def of_workers(events: list[dict[str, Any]], kind: str) -> Counter[str]:
    """How many events of a kind each operation of the killed workers has."""
    return Counter(
        event["op"] for event in events if event["event"] == kind and event["worker"] != "k"
    )


def check(folder: Path, kills: int) -> None:
    """Nothing that was done is missing, and nothing that was not is told as done."""
    ran = killed(folder, kills)
    history = of_run(ran.folder)
    events = [event for event in history if "op" in event]
    assert history.damage() is None
    invoked, ok, fail, info = (
        of_workers(events, kind) for kind in ("invoke", "ok", "fail", "info")
    )
    assert invoked == ok + fail + info
    ledger = Counter(word for path in folder.glob("*.ledger") for word in path.read_text().split())
    for op in ("put", "get", "acquire", "release"):
        assert ok[op] >= ledger[op], f"a {op} that came back is not in the log"
    queues, guard = ran.result["queues"], ran.result["locks"]["guard"]
    for op, done in (
        ("put", queues["q"]["put"]),
        ("get", queues["other"]["got"]),
        ("acquire", guard["acquired"]),
    ):
        stopped = fail[op] if op == "acquire" else 0  # granted, and given back at once
        most = ok[op] + info[op] + stopped
        assert ok[op] <= done <= most, f"{op}: {done} done, {ok[op]} ok"
    assert queues["q"]["lost"] == queues["other"]["lost"] == 0
    deaths = ran.worker("w")["restarts"]
    assert kills - 2 <= deaths <= kills  # the run may be over before each has come back
    assert 0 < sum(info[op] for op in ("put", "get", "acquire", "release")) <= deaths + 2
    assert info["call"] <= deaths + 2
    times = [event["time"] for event in events]
    assert times == sorted(times)


def test_what_killed_workers_had_done(tmp_path: Path) -> None:
    """Every operation that came back is ok, one that may have happened is info, none is missing."""
    check(tmp_path, 15)


@pytest.mark.slow
def test_what_killed_workers_had_done_many_times(tmp_path: Path) -> None:
    """The same with many more kills."""
    check(tmp_path, 100)


STUBBORN = """\
import pathlib, signal, time

def until_it_puts(tmp):
    segments = pathlib.Path(tmp).parent / "segments"
    while not any(b'"item":"w:2"' in path.read_bytes() for path in segments.glob("w.*")):
        time.sleep(0.01)

def fill(q):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    q.put("a")
    q.put("b")
"""


def test_an_info_is_its_invoke_once_more(tmp_path: Path) -> None:
    """With what was put and the number that links them, after all that its worker did."""
    (tmp_path / "mine.py").write_text(STUBBORN)
    ran = run(
        tmp_path,
        """
        queues: {q: {maxsize: 1}}
        workers:
          w:
            executor: process
            background: true
            stop: {action: terminate, grace: 100ms}
            call: "mine:fill"
            args: ["${queues.q}"]
          first: {executor: thread, call: "mine:until_it_puts", args: ["${run.tmp}"]}
        expect: [workers.w.state == 'terminated', workers.w.exit_code == -9, queues.q.put == 1]
        """,
    )
    assert ran.exit == 0, ran.why
    *_, begun, put, call = [
        event for event in ran.events if "op" in event and event["worker"] == "w"
    ]
    assert (begun["event"], begun["op"], begun["item"]) == ("invoke", "put", "w:2")
    assert put == {**begun, "event": "info", "time": put["time"]}
    assert (call["event"], call["op"], call["line"]) == ("info", "call", 3)
    assert put["time"] >= begun["time"]
