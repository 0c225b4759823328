"""Hubs with one thing broken, for tests that have to notice it."""

from __future__ import annotations

from hubs import SOURCE
from scenarios import hub

MUTANTS = {
    "no requeue": "Queue.leave = lambda self, who, died, woken: self.cancel(who, woken)",
    "requeue of acknowledged items": "Lots._apply = lambda self, lane, found: None",
    "waiters not dropped": "Queue.cancel = lambda self, who, woken: None",
    "locks not released": "Lock.leave = lambda self, who, died, woken: self.cancel(who, woken)",
    "recall ignored": "Lots.take_back = lambda self, resource: setattr(resource, 'ahead', None)",
    "recall without reading the bytes": "Lane._drain = lambda self, most: most",
    "half frames taken for whole": """
receive = Connection.receive
def whole(self):
    found, ended = receive(self)
    if ended and self.body is not None:
        found.append((*self.start, self.body))
    return found, ended
Connection.receive = whole
""",
    "requeue behind instead of at the head": """
restore = Queue._restore
def behind(self, entries, woken):
    restore(self, [], woken)
    self.got -= len(entries)
    self.items.extend(entries)
    self._hand_out(woken)
Queue._restore = behind
""",
}
"""What is replaced."""

_START = f"""
import sys; sys.path.insert(0, {SOURCE!r})
from scenarios.resources.queues import Queue
from scenarios.resources.locks import Lock
from scenarios.resources.barriers import Barrier
from scenarios.resources.conditions import Condition
from scenarios.resources.semaphores import Semaphore
from scenarios.resources.flags import Flag
from scenarios.hub.lots import Lots
from scenarios.hub.lanes import Lane
from scenarios.hub.connection import Connection
"""


def command(name: str) -> list[str]:
    """The command of a hub that is broken in this way."""
    return broken(MUTANTS[name])


def broken(code: str) -> list[str]:
    """The command of a hub in which this code has run before it starts."""
    start = hub.argv()
    return [*start[:-1], f"{_START}{code}\n{start[-1]}"]
