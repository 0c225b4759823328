"""Who was sent which items ahead, and the machines brought up to what was claimed of them."""

from __future__ import annotations

from itertools import islice
from typing import Any

from scenarios.hub.lanes import MOST_BYTES, MOST_ITEMS, Lane
from scenarios.resources.machine import Machine, Who
from scenarios.wire import frames

NOT_AHEAD = 0
"""Items that are sent ahead of where order or room depend on what was claimed."""


class Resource:
    """A machine with its name and, for a queue, its readers; `ahead` has a part of its items."""

    __slots__ = ("ahead", "machine", "max_wait", "most", "name", "readers")

    def __init__(self, name: str, section: str, declared: dict[str, Any], machine: Machine) -> None:
        self.name = name
        self.machine: Any = machine
        self.max_wait = 0.0
        self.readers: set[Who] = set()
        self.ahead: Lane | None = None
        # a put into a bounded queue waits for each get; a newcomer may go before what was sent
        plain = section == "queues" and declared.get("hold") == "ack"
        plain = plain and declared.get("kind", "fifo") == "fifo" and not declared.get("maxsize")
        self.most = MOST_ITEMS if plain else NOT_AHEAD


class Lots:
    """Every lane that is open. `operations` counts those that were done without asking."""

    def __init__(self) -> None:
        self.lanes: dict[Who, Lane] = {}
        self.hands: dict[Who, Resource] = {}  # who is about to be sent an item of which queue
        self.operations = 0

    def send(self, lane: Lane, body: bytes | bytearray) -> tuple[int, bytes | bytearray]:
        """The kind and body of the frame for an item; further ones go with it."""
        resource = self.hands.pop(lane.who)
        bodies = [body]
        most = min(lane.limit, resource.most)
        # with a second reader it would be taken back at once
        if most > 1 and len(resource.readers) == 1 and resource.machine.items:
            room = MOST_BYTES - len(body)
            for (_, payload), _ in islice(resource.machine.items, most - 1):
                room -= len(payload) + 4
                if room < 0:
                    break
                bodies.append(payload)
        ahead = len(bodies) - 1
        lane.send(resource, ahead)
        if not ahead:
            return frames.CLAIM, body
        resource.ahead = lane
        return frames.LOT, frames.lot(bodies)

    def look(self) -> None:
        """Bring every machine up to date."""
        for lane in self.lanes.values():
            if lane.held or lane.ahead:
                self._apply(lane, lane.look())

    def take_back(self, resource: Resource) -> None:
        """Nobody but who asks takes the queue's next item from here on."""
        lane = resource.ahead
        if lane is not None:
            resource.ahead = None
            self._apply(lane, lane.take_back())

    def end(self, who: Who) -> None:
        """Who asks for an item, gives one back or leaves claims nothing of its lot any more."""
        lane = self.lanes.get(who)
        if lane is not None and (lane.held or lane.ahead):
            if lane.resource.ahead is lane:
                lane.resource.ahead = None
            self._apply(lane, lane.end())

    def leave(self, who: Who) -> None:
        """Who is gone."""
        self.end(who)
        self.hands.pop(who, None)
        lane = self.lanes.pop(who, None)
        if lane is not None:
            lane.close()

    def _apply(self, lane: Lane, found: tuple[bool, int]) -> None:
        acknowledged, claimed = found
        if not (acknowledged or claimed):
            return
        who, machine = lane.who, lane.resource.machine
        self.operations += acknowledged + claimed
        get, acknowledge = machine.get, machine.ack
        if acknowledged:
            acknowledge(who, None, [])
        for _ in range(claimed):
            get(who, None, [])
            acknowledge(who, None, [])
