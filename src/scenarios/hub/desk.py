"""Where frames become operations on the machines, and answers become frames; no I/O."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from time import monotonic
from typing import Any

from scenarios.answers import PARKED, TIMED_OUT, WOULD_BLOCK
from scenarios.hub.actions import Action, written
from scenarios.hub.lots import Lots, Resource
from scenarios.resources.machine import Who, Woken
from scenarios.resources.machines import make_all
from scenarios.resources.queues import Queue
from scenarios.wire import frames
from scenarios.wire.frames import CODES, Malformed

Reply = tuple[Any, int, int, bytes | bytearray]
"""who, the request's number, the frame's kind, its body."""

PUT = CODES["put"]
Actions = dict[int, Action]


class Parked:
    """An operation that waits."""

    __slots__ = ("action", "number", "resource", "since")

    def __init__(self, number: int, resource: Resource, action: Action) -> None:
        self.number = number
        self.resource = resource
        self.action = action
        self.since = monotonic()


class Desk:
    """Every machine, and who waits at which. Replies are appended to the lists given."""

    def __init__(self, declared: list[frames.Declared]) -> None:
        machines = make_all(list(declared))
        self.resources = [
            Resource(name, section, keys, machines[name]) for name, section, keys in declared
        ]
        self.actions: list[Actions] = [
            {
                CODES[verb]: Action(section, verb, keys, machines[name])
                for verb in machines[name].verbs
                if verb in CODES
            }
            for name, section, keys in declared
        ]
        # the one operation that has to be quick: a put that nobody waits for
        self.puts: dict[int, Any] = {
            index: actions[PUT].do
            for index, actions in enumerate(self.actions)
            if PUT in actions and actions[PUT].told
        }
        self.parked: dict[Who, Parked] = {}
        self.lots = Lots()
        self.operations = 0

    def find(self, index: int, code: int) -> tuple[Resource, Action]:
        """The resource and action that a frame names."""
        try:
            return self.resources[index], self.actions[index][code]
        except LookupError:
            raise Malformed(f"verb {code} of resource {index}") from None

    def tell(
        self, who: Who, code: int, index: int, body: bytes | bytearray, replies: list[Reply]
    ) -> None:
        """An operation whose answer nobody waits for."""
        if code == PUT and index in self.puts:
            end = 1 + body[0] if body else 1
            if len(body) < end:
                raise Malformed("an item without its identity")
            self.operations += 1
            woken: Woken = []
            self.puts[index](who, (bytes(body[1:end]), body), woken)
            if woken:
                self._wake(woken, replies)
            return
        resource, action = self.find(index, code)
        if not action.told:
            raise Malformed(f"{action.verb} without asking for its answer")
        argument = action.read(body)
        self.operations += 1
        if action.verb == "give_back":  # to the head, before what was sent ahead of it
            self.lots.end(who)
            self.lots.take_back(resource)
        woken = []
        action.do(who, argument, woken)
        if woken:
            self._wake(woken, replies)

    def ask(
        self,
        who: Who,
        resource: Resource,
        action: Action,
        number: int,
        body: bytes | bytearray,
        wait: bool,
        replies: list[Reply],
    ) -> None:
        """An operation that is answered, now or when somebody wakes it."""
        argument = action.read(body)
        if who in self.parked:
            raise Malformed("a second request while one waits")
        self.operations += 1
        if action.verb == "get":
            self.lots.end(who)
            self.lots.take_back(resource)
            resource.readers.add(who)
        elif action.observes:
            self.lots.look()
            if action.verb == "shutdown":  # which may throw away what was sent ahead
                self.lots.take_back(resource)
        woken: Woken = []
        try:
            answer = action.do(who, argument, woken)
            if answer is PARKED and not wait:
                answer = resource.machine.expire(who, woken)
                if answer == TIMED_OUT:
                    answer = WOULD_BLOCK
        except Exception:
            replies.append((who, number, frames.FAULT, _report()))
            answer = PARKED
        else:
            if answer is PARKED:
                self.parked[who] = Parked(number, resource, action)
        if woken:  # they have waited: their answers go before that of who asks
            self._wake(woken, replies)
        if answer is not PARKED:
            self._answer(who, number, resource, action, answer, replies)

    def expire(self, who: Who, number: int, replies: list[Reply]) -> None:
        """The time of a waiting request has run out; nothing if it was answered before."""
        parked = self.parked.get(who)
        if parked is None or parked.number != number:
            return
        self.operations += 1
        woken: Woken = []
        answer = parked.resource.machine.expire(who, woken)
        if answer is not PARKED:
            woken.append((who, answer))
        self._wake(woken, replies)

    def stop(self, who: Who, number: int, replies: list[Reply]) -> None:
        """A waiting request is given up; nothing if it was answered before."""
        parked = self.parked.get(who)
        if parked is None or parked.number != number:
            return
        self.operations += 1
        self._unpark(who)
        woken: Woken = []
        parked.resource.machine.cancel(who, woken)
        replies.append((who, number, frames.STOPPED, b""))
        self._wake(woken, replies)

    def leave(self, who: Who, died: bool, replies: list[Reply]) -> None:
        """A client is gone."""
        self.operations += 1
        self._unpark(who)
        self.lots.leave(who)
        woken: Woken = []
        for resource in self.resources:
            resource.readers.discard(who)
            self.lots.take_back(resource)  # what it had in hand goes before that
            resource.machine.leave(who, died, woken)
        self._wake(woken, replies)

    def snapshot(self, names: Mapping[Any, str]) -> dict[str, Any]:
        """What is going on, as `HubControl.snapshot` says; `names` are the clients'."""
        self.lots.look()
        waiting: dict[str, list[tuple[str, str]]] = {}
        for who, parked in self.parked.items():
            waiting.setdefault(names[who], []).append((parked.action.verb, parked.resource.name))
        connections: dict[str, int] = {}
        for name in names.values():
            connections[name] = connections.get(name, 0) + 1
        queues = {
            resource.name: {
                "items": len(resource.machine.items),
                "in_hand": sum(map(len, resource.machine.in_hand.values())),
            }
            for resource in self.resources
            if isinstance(resource.machine, Queue)
        }
        return {
            "operations": self.operations + self.lots.operations,
            "queues": queues,
            "waiting": waiting,
            "connections": connections,
        }

    def statistics(self) -> dict[str, dict[str, Any]]:
        """name: the machine's statistics, with the longest time that anybody waited."""
        self.lots.look()
        return {
            resource.name: {**resource.machine.statistics(), "max_wait": resource.max_wait}
            for resource in self.resources
        }

    def _unpark(self, who: Who) -> Parked | None:
        parked = self.parked.pop(who, None)
        if parked is not None:
            waited = monotonic() - parked.since
            if waited > parked.resource.max_wait:
                parked.resource.max_wait = waited
        return parked

    def _wake(self, woken: Woken, replies: list[Reply]) -> None:
        for who, answer in woken:
            parked = self._unpark(who)
            if parked is not None:
                self._answer(who, parked.number, parked.resource, parked.action, answer, replies)

    def _answer(
        self,
        who: Who,
        number: int,
        resource: Resource,
        action: Action,
        answer: Any,
        replies: list[Reply],
    ) -> None:
        kind, body = written(action, answer)
        if action.held and kind == frames.ITEM:
            self.lots.hands[who] = resource
        replies.append((who, number, kind, body))


def _report() -> bytes:
    traceback.print_exc()
    return traceback.format_exc(limit=0).strip().encode("utf-8", "replace")
