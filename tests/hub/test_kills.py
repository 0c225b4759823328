"""Random kills with a ledger outside of the hub: what was said to be done is done once."""

from __future__ import annotations

import random
import time
from collections import Counter
from pathlib import Path

import pytest

from hubs import SOURCE, Actor, client, until
from scenarios import hub as hub_package
from scenarios.answers import Refused
from scenarios.hub.launch import Hub
from scenarios.wire.control import HubControl

RESOURCES: list[tuple[str, str, dict[str, object]]] = [
    ("q", "queues", {}),
    ("bounded", "queues", {"maxsize": 3}),
    ("guard", "locks", {}),
]
SEED = 20_240_607
KILLS = 40

# Each line of a ledger is one write to a file opened with O_APPEND, which a kill cannot cut.
LEDGER = """
import itertools, random
ledger = os.open({ledger}, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
def note(text): os.write(ledger, text.encode() + b"\\n")
rng = random.Random({number})
def pause(): time.sleep(rng.random() * 0.002)
"""

PRODUCER = """
for count in itertools.count():
    name = "{number}.%d" % count
    body = bytes(rng.choice([0, 0, 10, 300_000]))
    note("try " + name)
    client.perform({resource}, "put", (name, body))
    note("put " + name)
    pause()
"""

CONSUMER = """
claim = client._claim
def claiming(channel, lot):
    note("has " + lot.identity()[1:].decode())
    pause()
    note("ack")
    return claim(channel, lot)
client._claim = claiming
while True:
    note("got " + client.perform({resource}, "get")[0])
    pause()
"""

LOCKER = """
def entered():
    try: os.close(os.open({holder}, os.O_CREAT | os.O_EXCL))
    except FileExistsError: return False
    return True
while True:
    if client.perform({resource}, "acquire") == "abandoned":
        try: os.unlink({holder})
        except FileNotFoundError: pass
    if not entered(): note("shared")
    pause()
    os.unlink({holder})
    client.perform({resource}, "release")
"""

SLOW = PRODUCER + "    pause(); pause(); pause()\n"

# in the first queue readers wait for items, in the second writers for room
READERS = [(CONSUMER, 0)] * 3 + [(CONSUMER, 1)]
ROLES = [(SLOW, 0), (PRODUCER, 1), *READERS, (LOCKER, 2), (LOCKER, 2)]


class Troupe:
    """An actor of every role, each with a ledger of its own."""

    def __init__(self, hub: Hub, folder: Path) -> None:
        self.hub = hub
        self.folder = folder
        self.count = 0
        self.actors = [self.start(*role) for role in ROLES]
        until(lambda: len(list(folder.glob("*.ledger"))) == len(ROLES), "the first actors")

    def start(self, role: str, resource: int) -> Actor:
        """A new actor."""
        self.count += 1
        code = LEDGER + role
        for name, value in {
            "ledger": repr(str(self.folder / f"{self.count}.ledger")),
            "holder": repr(str(self.folder / "holder")),
            "number": str(self.count),
            "resource": str(resource),
        }.items():
            code = code.replace(f"{{{name}}}", value)
        return Actor(self.hub, code, name=f"actor {self.count}")

    def kill(self, place: int, *, replace: bool = False) -> None:
        """Kill the actor at a place."""
        self.actors[place].kill()
        if replace:
            self.actors[place] = self.start(*ROLES[place])


def play(folder: Path, command: list[str] | None = None) -> list[str]:
    """Let actors work and kill them; what of the hub's promises did not hold."""
    rng = random.Random(SEED)
    with Hub(RESOURCES, command=command) as hub:
        troupe = Troupe(hub, folder)
        for _ in range(KILLS):
            time.sleep(rng.random() * 0.12)
            troupe.kill(rng.randrange(len(ROLES)), replace=True)
        for place in range(len(ROLES)):
            troupe.kill(place)
        one, control = client(hub), HubControl(hub.address, hub.token)
        until(lambda: not control.snapshot()["connections"].keys() - {"test"}, "their end")
        drained = []
        for queue in (0, 1):
            while (got := one.perform(queue, "get", None, 0)).__class__ is not Refused:
                drained.append(got[0])
        stuck = one.perform(2, "acquire", None, 1).__class__ is Refused
        counts = control.statistics()
    faults = judge(folder, drained)
    faults += ["the lock is stuck"] if stuck else []
    for name in ("q", "bounded"):
        if any(counts[name][word] for word in ("left", "lost", "duplicated")):
            faults.append(f"the hub's own counts of {name}: {counts[name]}")
    return faults


def judge(folder: Path, drained: list[str]) -> list[str]:
    """Compare the ledgers."""
    put: set[str] = set()
    tried: set[str] = set()
    acknowledged: set[str] = set()  # by one who died before it could say that it got it
    got = Counter(drained)
    faults = []
    for path in folder.glob("*.ledger"):
        lines = [line.partition(" ")[::2] for line in path.read_text().splitlines()]
        put.update(item for what, item in lines if what == "put")
        tried.update(item for what, item in lines if what == "try")
        got.update(item for what, item in lines if what == "got")
        faults += ["two hold the lock" for what, _ in lines if what == "shared"]
        if lines and lines[-1][0] == "ack":
            acknowledged.add(lines[-2][1])
    faults += [f"{item} was got {times} times" for item, times in got.items() if times > 1]
    faults += [f"{item} was acknowledged and is lost" for item in put - set(got) - acknowledged]
    faults += [f"{item} comes from nowhere" for item in set(got) - tried]
    assert len(put) > 300, "the actors hardly worked"
    return faults


def test_random_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    """Every put that returned is got once, or was acknowledged by one who then died."""
    assert play(tmp_path) == []


MUTANTS = {
    "no requeue": "Queue.leave = lambda self, who, died, woken: self.cancel(who, woken)",
    "requeue of acknowledged items": "Queue.verbs = {**Queue.verbs, 'ack': Queue.size}",
    "waiters not dropped": "Queue.cancel = lambda self, who, woken: None",
    "locks not released": "Lock.leave = lambda self, who, died, woken: self.cancel(who, woken)",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTANTS)
def test_the_same_play_catches_a_broken_hub(tmp_path: Path, name: str) -> None:
    """A check that passes whatever the hub does would prove nothing."""
    start = hub_package.argv()
    mutate = (
        f"import sys; sys.path.insert(0, {SOURCE!r})\n"
        "from scenarios.resources.queues import Queue\n"
        "from scenarios.resources.locks import Lock\n"
        f"{MUTANTS[name]}\n"
    )
    assert play(tmp_path, [*start[:-1], mutate + start[-1]]) != []
