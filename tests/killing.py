"""Actors at a hub that are killed at random, each with a ledger that no part of the engine writes.

A line of a ledger is one write to a file opened with O_APPEND, which a kill cannot cut: `try X`
before a put of X and `put X` after it, `ask` before a get, `has X` once the item is there and
`got X` when `get` has returned, `enter`, `in`, `leave` and `out` around a lock. Where an item is
acknowledged by `task_done` it is `holds X` until that is asked for, then `has X` and `got X`.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from hubs import DEADLINE, SOURCE, Later, client, until
from scenarios.answers import Refused
from scenarios.hub.launch import Hub
from scenarios.wire.control import HubControl

SHARED, BOUNDED, LONE, LEAST, WORK, URGENT, GUARD = range(7)
RESOURCES: list[tuple[str, str, dict[str, object]]] = [
    ("shared", "queues", {}),
    ("bounded", "queues", {"maxsize": 3}),
    ("lone", "queues", {}),
    ("least", "queues", {"kind": "lifo"}),
    ("work", "queues", {"ack": "task_done"}),
    ("urgent", "queues", {"kind": "priority"}),
    ("guard", "locks", {}),
]
QUEUES = [SHARED, BOUNDED, LONE, LEAST, WORK, URGENT]

ZYGOTE = """
import json, os, random, signal, sys, time, itertools, traceback
sys.path.insert(0, {source!r})
from scenarios.wire.client import HubClient
folder, address, token = {folder!r}, {address!r}, {token!r}
children = set()
def play(number, code):
    for fd in (0, 1):
        os.close(fd)
    ledger = os.open(f"{{folder}}/{{number}}.ledger", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    def note(text): os.write(ledger, text.encode() + b"\\n")
    note("up")
    rng = random.Random(number)
    new = lambda: HubClient(address, token, f"actor {{number}}")
    def pause(most=0.001): time.sleep(rng.random() * most)
    holder = folder + "/holder"
    try:
        exec(code, {{**globals(), **locals()}})
    except BaseException as error:
        note("crash " + repr(error))
        time.sleep(3600)
for line in sys.stdin:
    order = json.loads(line)
    if "reap" in order:
        _, status = os.waitpid(order["reap"], 0)
        children.discard(order["reap"])
        said = os.waitstatus_to_exitcode(status)
    else:
        said = os.fork()
        if not said:
            play(order["number"], order["code"])
            os._exit(0)
        children.add(said)
    print(said, flush=True)
for child in children:
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
"""

PRODUCER = """
client = new()
for count in itertools.count():
    name = f"{number}.{count}"
    body = bytes(rng.choice(SIZES))
    note("try " + name)
    client.perform(RESOURCE, "put", (name, body))
    note("put " + name)
    pause(PAUSE)
"""

CONSUMER = """
def connect():
    client = new()
    claim = client._claim
    def claiming(channel, lot):
        note("has " + lot.identity()[1:].decode())
        if rng.random() < 0.2: pause()
        return claim(channel, lot)
    client._claim = claiming
    return client
client = connect()
while True:
    for _ in range(TIMES):
        note("ask")
        note("got " + client.perform(RESOURCE, "get")[0])
        if rng.random() < 0.3: pause()
    if LEAVES:
        client.close()
        pause(0.02)
        client = connect()
"""

LABOURER = """
client = new()
while True:
    note("ask")
    name = client.perform(RESOURCE, "get")[0]
    note("holds " + name)
    if rng.random() < 0.2: pause()
    note("has " + name)
    client.perform(RESOURCE, "task_done")
    note("got " + name)
"""

LOCKER = """
def entered():
    try: os.close(os.open(holder, os.O_CREAT | os.O_EXCL))
    except FileExistsError: return False
    return True
client = new()
while True:
    note("enter")
    if client.perform(RESOURCE, "acquire") == "abandoned":
        try: os.unlink(holder)
        except FileNotFoundError: pass
    if not entered(): note("shared")
    note("in")
    pause()
    note("leave")
    os.unlink(holder)
    client.perform(RESOURCE, "release")
    note("out")
"""

SMALL, MIXED = [0, 10], [0, 0, 10, 300_000]

# in the first queue readers wait for items, in the second writers for room; the third has one
# reader that is sent items ahead, and a visitor that has them taken back
ROLES: list[tuple[str, dict[str, Any]]] = [
    (PRODUCER, {"RESOURCE": SHARED, "SIZES": MIXED, "PAUSE": 0.008}),
    (CONSUMER, {"RESOURCE": SHARED, "TIMES": 100, "LEAVES": False}),
    (CONSUMER, {"RESOURCE": SHARED, "TIMES": 100, "LEAVES": False}),
    (PRODUCER, {"RESOURCE": BOUNDED, "SIZES": MIXED, "PAUSE": 0.001}),
    (CONSUMER, {"RESOURCE": BOUNDED, "TIMES": 100, "LEAVES": False}),
    (PRODUCER, {"RESOURCE": LONE, "SIZES": SMALL, "PAUSE": 0.001}),
    (CONSUMER, {"RESOURCE": LONE, "TIMES": 100, "LEAVES": False}),
    (CONSUMER, {"RESOURCE": LONE, "TIMES": 2, "LEAVES": True}),
    (PRODUCER, {"RESOURCE": LEAST, "SIZES": MIXED, "PAUSE": 0.008}),
    (CONSUMER, {"RESOURCE": LEAST, "TIMES": 100, "LEAVES": False}),
    (PRODUCER, {"RESOURCE": WORK, "SIZES": MIXED, "PAUSE": 0.008}),
    (LABOURER, {"RESOURCE": WORK}),
    (LABOURER, {"RESOURCE": WORK}),
    (PRODUCER, {"RESOURCE": URGENT, "SIZES": SMALL, "PAUSE": 0.008}),
    (CONSUMER, {"RESOURCE": URGENT, "TIMES": 100, "LEAVES": False}),
    (LOCKER, {"RESOURCE": GUARD}),
    (LOCKER, {"RESOURCE": GUARD}),
]

INSIDE = {"try", "ask", "has", "enter", "leave"}
"""Last words of one that was killed inside an operation."""

PATIENCE = 0.02
"""Seconds in which one that is aimed at should begin an operation: more than it ever pauses."""


class Troupe:
    """An actor of every role; a helper process forks them, since to start Python takes longer."""

    def __init__(self, hub: Hub, folder: Path) -> None:
        self.folder = folder
        self.count = 0
        self.inside = 0
        self.killed = 0
        code = ZYGOTE.format(
            source=SOURCE, folder=str(folder), address=hub.address, token=hub.token
        )
        self.zygote = subprocess.Popen(
            [sys.executable, "-I", "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.actors = [self._start(place) for place in range(len(ROLES))]

    def kill(self, place: int, *, aimed: bool = False, replace: bool = True) -> None:
        """Kill the actor at a place: at once, or as soon as it is seen inside an operation."""
        number, pid = self.actors[place]
        ledger = self.folder / f"{number}.ledger"
        end = time.monotonic() + PATIENCE
        while aimed and last_words(ledger)[0] not in INSIDE and time.monotonic() < end:
            pass
        os.kill(pid, signal.SIGKILL)
        self._order(reap=pid)
        self.killed += 1
        self.inside += last_words(ledger)[0] in INSIDE
        if replace:
            self.actors[place] = self._start(place)

    def close(self) -> None:
        """Nobody is left."""
        assert self.zygote.stdin is not None and self.zygote.stdout is not None
        self.zygote.stdin.close()
        self.zygote.wait(DEADLINE)
        self.zygote.stdout.close()

    def _start(self, place: int) -> tuple[int, int]:
        self.count += 1
        role, words = ROLES[place]
        for word, value in words.items():
            role = role.replace(word, repr(value))
        return self.count, self._order(number=self.count, code=role)

    def _order(self, **order: Any) -> int:
        assert self.zygote.stdin is not None and self.zygote.stdout is not None
        self.zygote.stdin.write(json.dumps(order).encode() + b"\n")
        self.zygote.stdin.flush()
        return int(Later(self.zygote.stdout.readline).result())


def last_words(path: Path) -> tuple[str, str]:
    """What the last line of a ledger says, and of which item."""
    lines = path.read_text().splitlines() if path.exists() else []
    word, _, item = (lines[-1] if lines else "").partition(" ")
    return word, item


def play(
    folder: Path, seed: int, kills: int, command: list[str] | None = None
) -> tuple[list[str], float]:
    """Let actors work and kill them: the promises that did not hold, and the share inside."""
    rng = random.Random(seed)
    with Hub(RESOURCES, command=command) as hub:
        troupe = Troupe(hub, folder)
        try:
            for _ in range(kills):
                time.sleep(rng.random() * 0.03)
                troupe.kill(rng.randrange(len(ROLES)), aimed=rng.random() < 0.5)
            faults = stuck(troupe)
            for place in range(len(ROLES)):
                troupe.kill(place, replace=False)
        finally:
            troupe.close()
        one, control = client(hub), HubControl(hub.address, hub.token)
        until(lambda: not control.snapshot()["connections"].keys() - {"test"}, "their end")
        drained: list[str] = []
        for queue in QUEUES:
            while (got := one.perform(queue, "get", None, 0)).__class__ is not Refused:
                drained.append(got[0])
                if queue == WORK:
                    one.perform(queue, "task_done")
        if one.perform(GUARD, "acquire", None, 1).__class__ is Refused:
            faults.append("the lock is stuck")
        counts = control.statistics()
    faults += judge(folder, drained)
    for queue in QUEUES:
        name = RESOURCES[queue][0]
        if any(counts[name][word] for word in ("left", "lost", "duplicated")):
            faults.append(f"the hub's own counts of {name}: {counts[name]}")
    return faults, troupe.inside / troupe.killed


def stuck(troupe: Troupe) -> list[str]:
    """Who does nothing any more although all others are alive."""
    paths = {
        place: troupe.folder / f"{troupe.actors[place][0]}.ledger" for place in range(len(ROLES))
    }
    sizes = {place: path.stat().st_size if path.exists() else 0 for place, path in paths.items()}
    waiting = set(paths)
    end = time.monotonic() + 5
    while waiting and time.monotonic() < end:
        time.sleep(0.01)
        waiting = {
            place
            for place in waiting
            if not paths[place].exists() or paths[place].stat().st_size <= sizes[place]
        }
    return [f"{ROLES[place][1]} hangs at {last_words(paths[place])}" for place in waiting]


def judge(folder: Path, drained: list[str]) -> list[str]:
    """Compare the ledgers."""
    put: set[str] = set()
    tried: set[str] = set()
    claimed: set[str] = set()  # by one who died before it could say that it got it
    got = Counter(drained)
    faults = []
    for path in folder.glob("*.ledger"):
        lines = [line.partition(" ")[::2] for line in path.read_text().splitlines()]
        put.update(item for what, item in lines if what == "put")
        tried.update(item for what, item in lines if what == "try")
        got.update(item for what, item in lines if what == "got")
        faults += ["two hold the lock" for what, _ in lines if what == "shared"]
        faults += [f"an actor failed: {item}" for what, item in lines if what == "crash"]
        if lines and lines[-1][0] == "has":
            claimed.add(lines[-1][1])
    faults += [f"{item} was got {times} times" for item, times in got.items() if times > 1]
    faults += [f"{item} is lost" for item in put - set(got) - claimed]
    faults += [f"{item} comes from nowhere" for item in set(got) - tried]
    assert len(put) > 300, "the actors hardly worked"
    return faults
