"""How a client writes what it asks for and reads the answers: arguments and bodies as bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scenarios.answers import Refused
from scenarios.errors import PluginFault
from scenarios.wire import frames, payload, plain
from scenarios.wire.frames import CODES, COUNT, HEADER, VERSION

Encoded = tuple[bytes, bytes]
"""A short prefix and a body that may be large; sent one after the other."""

NOTHING: Encoded = (b"", b"")

UNTOLD = Refused(
    "invalid",
    "between processes a put into it waits for no answer, so that a shutdown could not be told;"
    " declare it with `sync: true`",
)
"""The answer to a shutdown of such a queue."""


class Known:
    """What a client has to know of a resource."""

    __slots__ = ("acknowledgement", "load", "priority", "section", "tells")

    def __init__(self, index: int, section: str, declared: dict[str, Any]) -> None:
        self.section = section
        self.tells = frames.tells(section, declared)
        self.priority = section == "queues" and declared.get("kind") == "priority"
        self.load: Callable[[bytes | memoryview], Any] = (
            plain.load if self.priority else payload.load_safely
        )
        # what a get without a lane says before it returns; with `task_done` the worker says it
        by_get = section == "queues" and declared.get("ack", "get") != "task_done"
        self.acknowledgement = (
            HEADER.pack(0, frames.TELL, CODES["ack"], index, 0) if by_get else None
        )


def item(resource: Known, identity: str, value: Any) -> Encoded | Refused:
    """An item; raises what pickling raises."""
    prefix = frames.identity(identity)
    if resource.priority:
        try:
            data = plain.dump(value)
        except TypeError as error:
            return Refused("uncomparable", str(error))
    else:
        tag, data = payload.dump(value)
        prefix += tag
    if len(data) > frames.MAX_PAYLOAD:
        return too_large(len(data))
    return prefix, data


def argument(section: str, verb: str, given: Any) -> Encoded:
    """Everything but items."""
    if section == "values":
        if verb == "write":
            return payload.dump(given)
        if verb == "swap":
            tag, data = payload.dump(given[1])
            return VERSION.pack(given[0]) + tag, data
        return NOTHING
    if given is None:
        return NOTHING
    kind = frames.ARGUMENTS.get((section, verb))
    if kind is None:
        return NOTHING
    return (COUNT.pack(given) if kind == frames.NUMBER else frames.identity(given)), b""


def too_large(size: int) -> Refused:
    """What is said of an item or a value of so many bytes."""
    return Refused("invalid", f"it has {size} bytes, and the hub takes at most 1 GiB")


def _versioned(body: bytes | memoryview) -> tuple[int, Any]:
    return VERSION.unpack_from(body)[0], payload.load(body[VERSION.size :])


def _fault(body: bytes | memoryview) -> Any:
    raise PluginFault(f"the hub failed at an operation: {str(body, 'utf-8', 'replace')}")


DECODE: dict[int, Callable[[Any], Any]] = {
    frames.PAYLOAD: payload.load,
    frames.VERSIONED: _versioned,
    frames.REFUSED: frames.read_refused,
    frames.FAULT: _fault,
}
"""By the kind of an answer; PLAIN, STOPPED and items are the client's own to read."""
