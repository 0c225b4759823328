"""A verb of a resource as frames: how its argument is read and its answer written."""

from __future__ import annotations

import marshal
from collections.abc import Callable
from types import MethodType
from typing import Any

from scenarios.answers import Refused
from scenarios.resources.machine import Machine
from scenarios.wire import frames, plain
from scenarios.wire.frames import COUNT, VERSION, Malformed

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
    """What the hub knows of one verb of one resource; `do` is the machine's own method."""

    __slots__ = ("answer", "do", "held", "observes", "read", "told", "verb")

    def __init__(self, section: str, verb: str, declared: dict[str, Any], machine: Machine) -> None:
        self.verb = verb
        self.do = MethodType(machine.verbs[verb], machine)
        kind = frames.ARGUMENTS.get((section, verb))
        priority = kind == frames.ITEM and declared.get("kind") == "priority"
        self.read = _compared if priority else _READ[kind]
        self.answer = frames.ANSWERS.get((section, verb), frames.PLAIN)
        self.told = verb in _TOLD and (verb != "put" or frames.tells(section, declared))
        # what is answered is in hand until the taker acknowledges it
        self.held = verb == "get" and section == "queues" and declared.get("hold") == "ack"
        # asked for what is there: every put that returned before must be counted
        self.observes = section == "queues" and verb in ("size", "join", "state", "shutdown")


def written(action: Action, answer: Any) -> tuple[int, bytes | bytearray]:
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
