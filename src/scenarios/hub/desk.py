"""Where frames become operations on the machines, and answers become frames; no I/O."""

from __future__ import annotations

import marshal
import traceback
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any

from scenarios.answers import PARKED, TIMED_OUT, WOULD_BLOCK, Refused
from scenarios.resources.machine import Machine, Who, Woken
from scenarios.resources.machines import make_all
from scenarios.resources.queues import Queue
from scenarios.wire import frames, plain
from scenarios.wire.frames import COUNT, VERSION, Malformed

Reply = tuple[Any, int, int, bytes | bytearray]
"""who, the request's number, the frame's kind, its body."""

_TOLD = frozenset({"put", "ack", "give_back"})
"""Verbs that may come without asking for an answer."""


class Compared:
    """An item of a priority queue: `value` is what is compared, `body` what is passed on."""

    __slots__ = ("body", "value")

    def __init__(self, value: Any, body: bytes | bytearray) -> None:
        self.value = value
        self.body = body

    def __lt__(self, other: Compared) -> bool:
        return bool(self.value < other.value)


class Action:
    """A verb of a resource: how its argument is read and its answer written."""

    __slots__ = ("answer", "observes", "read", "told", "verb")

    def __init__(self, section: str, verb: str, declared: dict[str, Any]) -> None:
        self.verb = verb
        kind = frames.ARGUMENTS.get((section, verb))
        priority = kind == frames.ITEM and declared.get("kind") == "priority"
        self.read = _compared if priority else _READ[kind]
        self.answer = frames.ANSWERS.get((section, verb), frames.PLAIN)
        self.told = verb in _TOLD and (verb != "put" or frames.tells(section, declared))
        # asked for what is there: every put that returned before must be counted
        self.observes = section == "queues" and verb in ("size", "join")


class Resource:
    """A machine with its number's name and the actions that its frames ask for."""

    __slots__ = ("actions", "machine", "max_wait", "name")

    def __init__(self, name: str, section: str, declared: dict[str, Any], machine: Machine) -> None:
        self.name = name
        self.machine = machine
        self.max_wait = 0.0
        self.actions = {
            frames.CODES[verb]: Action(section, verb, declared)
            for verb in machine.verbs
            if verb in frames.CODES
        }


class Parked:
    """An operation that waits."""

    __slots__ = ("action", "number", "refused_as", "resource", "since")

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
        self.parked: dict[Who, Parked] = {}
        self.operations = 0

    def find(self, index: int, code: int) -> tuple[Resource, Action]:
        """The resource and action that a frame names."""
        try:
            resource = self.resources[index]
            return resource, resource.actions[code]
        except LookupError:
            raise Malformed(f"verb {code} of resource {index}") from None

    def tell(
        self, who: Who, code: int, index: int, body: bytes | bytearray, replies: list[Reply]
    ) -> None:
        """An operation whose answer nobody waits for."""
        resource, action = self.find(index, code)
        if not action.told:
            raise Malformed(f"{action.verb} without asking for its answer")
        self.operations += 1
        woken: Woken = []
        resource.machine.apply(who, action.verb, action.read(body), woken)
        if woken:
            self._wake(woken, replies)

    def ask(
        self,
        who: Who,
        code: int,
        index: int,
        number: int,
        body: bytes | bytearray,
        wait: bool,
        replies: list[Reply],
    ) -> None:
        """An operation that is answered, now or when somebody wakes it."""
        resource, action = self.find(index, code)
        argument = action.read(body)
        if who in self.parked:
            raise Malformed("a second request while one waits")
        self.operations += 1
        woken: Woken = []
        try:
            answer = resource.machine.apply(who, action.verb, argument, woken)
            if answer is PARKED and not wait:
                answer = resource.machine.expire(who, woken)
                if answer == TIMED_OUT:
                    answer = WOULD_BLOCK
        except Exception:
            replies.append((who, number, frames.FAULT, _report()))
        else:
            if answer is PARKED:
                self.parked[who] = Parked(number, resource, action)
            else:
                replies.append((who, number, *_written(action, answer)))
        if woken:
            self._wake(woken, replies)

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
        woken: Woken = []
        for resource in self.resources:
            resource.machine.leave(who, died, woken)
        self._wake(woken, replies)

    def snapshot(self, names: Mapping[Any, str]) -> dict[str, Any]:
        """What is going on, as `HubControl.snapshot` says; `names` are the clients'."""
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
            "operations": self.operations,
            "queues": queues,
            "waiting": waiting,
            "connections": connections,
        }

    def statistics(self) -> dict[str, dict[str, Any]]:
        """name: the machine's statistics, with the longest time that anybody waited."""
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
                replies.append((who, parked.number, *_written(parked.action, answer)))


def _report() -> bytes:
    traceback.print_exc()
    return traceback.format_exc(limit=0).strip().encode("utf-8", "replace")


def _written(action: Action, answer: Any) -> tuple[int, bytes | bytearray]:
    """The kind and body of the frame for a machine's answer."""
    if answer is True:
        return frames.PLAIN, _TRUE
    if answer.__class__ is Refused:
        return frames.REFUSED, frames.refused(answer)
    kind = action.answer
    if kind == frames.ITEM:
        body = answer[1]
        return kind, body.body if body.__class__ is Compared else body
    if kind == frames.PAYLOAD:
        return kind, answer
    if kind == frames.VERSIONED:
        return kind, VERSION.pack(answer[0]) + answer[1]
    return kind, marshal.dumps(answer)


_TRUE = marshal.dumps(True)


def _item(body: bytes | bytearray) -> tuple[bytes, bytes | bytearray]:
    return frames.read_identity(body), body


def _compared(body: bytes | bytearray) -> tuple[bytes, Compared]:
    identity = frames.read_identity(body)
    try:
        return identity, Compared(plain.load(body[1 + len(identity) :]), body)
    except ValueError as error:
        raise Malformed(str(error)) from None


def _identity(body: bytes | bytearray) -> bytes | None:
    return frames.read_identity(body) if body else None


def _number(body: bytes | bytearray) -> int | None:
    if not body:
        return None
    if len(body) != COUNT.size:
        raise Malformed("a number of another size")
    return int(COUNT.unpack(body)[0])


def _versioned(body: bytes | bytearray) -> tuple[int, bytes | bytearray]:
    if len(body) < VERSION.size:
        raise Malformed("a value without its version")
    return VERSION.unpack_from(body)[0], body[VERSION.size :]


def _nothing(body: bytes | bytearray) -> None:
    if body:
        raise Malformed("a body where there is none")


_READ: dict[int | str | None, Callable[[bytes | bytearray], Any]] = {
    None: _nothing,
    frames.ITEM: _item,
    frames.IDENTITY: _identity,
    frames.NUMBER: _number,
    frames.PAYLOAD: lambda body: body,
    frames.VERSIONED: _versioned,
}
