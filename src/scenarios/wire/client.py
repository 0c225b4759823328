"""One thread's client of the hub: performs operations on the resources that the hub owns."""

from __future__ import annotations

import marshal
import os
import select
from _thread import allocate_lock
from collections.abc import Callable
from typing import Any
from weakref import WeakSet

from scenarios.answers import Refused
from scenarios.errors import PluginFault, Stopped
from scenarios.wire import frames, payload, plain
from scenarios.wire.channel import Channel, HubGone
from scenarios.wire.frames import CODES, COUNT, VERSION

CLEAN_UP = frozenset({"release", "task_done", "ack", "give_back"})
"""Verbs that never wait and give something back: a stop lets them through."""

LONGEST = 2**31 - 1
"""Milliseconds, the most that poll takes; longer is no limit."""

_HEADER = frames.HEADER.pack
_PUT, _GIVE_BACK, _ACK = CODES["put"], CODES["give_back"], CODES["ack"]
_clients: WeakSet[HubClient] = WeakSet()


class HubClient:
    """Connects at its first operation. One thread performs; any thread may interrupt.

    The connection is who holds locks and items: `close()` ends it as a thread ends (locks stay
    held), `close(died=True)` and the end of the process as a death. In a forked child it starts
    anew, as another party.
    """

    def __init__(self, address: str, token: bytes, who: str) -> None:
        self._address = address
        self._token = token
        self._who = who
        self._channel: Channel | None = None
        self._resources: list[_Resource] = []
        self._poll = select.poll()
        self._number = 0
        self._midway = False  # a cut here leaves hub and client with different stories
        self._forget()
        _clients.add(self)

    # -- what a worker's thread calls ----------------------------------------------------------

    def perform(
        self, index: int, verb: str, argument: Any = None, timeout: float | None = None
    ) -> Any:
        """The answer of the resource's machine, or Refused.

        `timeout` is in seconds, None for no limit, 0 for not to wait. Raises Stopped once for an
        interrupt (at a clean-up verb it waits for the next operation) and HubGone, an
        EnvironmentFault, when there is no hub. A value's `update` takes a function from old to new
        and answers both. An item that cannot be unpickled here counts as taken.
        """
        if self._stop and verb not in CLEAN_UP:
            raise self._stopped()
        channel = self._channel or self._connect()
        section = self._resources[index].section
        try:
            if section == "queues":
                if verb == "put":
                    return self._put(channel, index, argument, timeout)
                if verb == "get":
                    return self._get(channel, index, timeout)
            elif section == "values":
                return self._value(channel, index, verb, argument)
            answer = self._ask(channel, index, verb, _argument(section, verb, argument), timeout)
        except BaseException:
            if self._midway:  # what is in hand goes back, as after a death
                self._midway = False
                self._awaited = 0
                self.close(died=True)
            raise
        if self._stop and verb == "acquire" and answer.__class__ is not Refused:
            self._ask(channel, index, "release")  # granted while the stop was on its way
            raise self._stopped()
        return answer

    def interrupt(self) -> None:
        """The operation under way, or else the next one, raises Stopped.

        Safe in a signal handler and from any thread: whoever is sending looks at the flag after
        it, so that the stop itself is only sent where nobody sends.
        """
        self._stop = True
        number = self._awaited
        if number and self._sending.acquire(False):
            try:
                # a stop that was taken in the meantime must not hit the operation after it
                if self._stop and self._awaited == number and self._channel is not None:
                    self._channel.send(_HEADER(0, frames.STOP, 0, 0, number))
            except HubGone:
                pass  # whoever waits for the answer meets the same
            finally:
                self._sending.release()

    def resume(self) -> None:
        """The stop has been noticed elsewhere: operations from here on are clean-up."""
        self._stop = False

    def close(self, died: bool = False) -> None:
        """Leave; with `died` as if the process had been killed."""
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.close(said=None if died else _HEADER(0, frames.BYE, 0, 0, 0))

    # -- operations ----------------------------------------------------------------------------

    def _put(
        self, channel: Channel, index: int, item: tuple[str, Any], timeout: float | None
    ) -> Any:
        resource = self._resources[index]
        prefix = frames.identity(item[0])
        if resource.priority:
            try:
                data = plain.dump(item[1])
            except TypeError as error:
                return Refused("uncomparable", str(error))
        else:
            tag, data = payload.dump(item[1])
            prefix += tag
        if not resource.tells:
            return self._ask(channel, index, "put", (prefix, data), timeout)
        if len(data) > frames.MAX_PAYLOAD:
            return _too_large(len(data))
        header = _HEADER(len(prefix) + len(data), frames.TELL, _PUT, index, 0)
        self._tell(channel, header + prefix, data)
        return True

    def _get(self, channel: Channel, index: int, timeout: float | None) -> Any:
        body = self._ask(channel, index, "get", _NOTHING, timeout)
        if body.__class__ is Refused:
            return body
        self._midway = True  # until the hub is told what became of the item
        resource = self._resources[index]
        start = 1 + body[0]
        try:
            value = (plain.load if resource.priority else payload.load)(body[start:])
        except Exception:
            self._acknowledge(channel, resource)
            raise
        if self._stop:
            header = _HEADER(start, frames.TELL, _GIVE_BACK, index, 0)
            self._tell(channel, header + bytes(body[:start]))
            raise self._stopped()
        self._acknowledge(channel, resource)
        return str(body[1:start], "utf-8"), value

    def _acknowledge(self, channel: Channel, resource: _Resource) -> None:
        if resource.ack is not None:
            self._tell(channel, resource.ack)
        self._midway = False

    def _value(self, channel: Channel, index: int, verb: str, argument: Any) -> Any:
        if verb == "write":
            return self._ask(channel, index, verb, payload.dump(argument))
        if verb == "swap":
            tag, data = payload.dump(argument[1])
            return self._ask(channel, index, verb, (VERSION.pack(argument[0]) + tag, data))
        if verb != "update":
            return self._ask(channel, index, verb)
        while True:  # read and swapped until nobody came in between
            version, old = self._value(channel, index, "read_version", None)
            new = argument(old)
            answer = self._value(channel, index, "swap", (version, new))
            if answer is not False:
                return answer if answer.__class__ is Refused else (old, new)

    # -- frames --------------------------------------------------------------------------------

    def _tell(self, channel: Channel, header: bytes, body: bytes = b"") -> None:
        self._midway = True
        with self._sending:
            channel.send(header, body)
        self._midway = False

    def _ask(
        self,
        channel: Channel,
        index: int,
        verb: str,
        argument: tuple[bytes, bytes] = (b"", b""),
        timeout: float | None = None,
    ) -> Any:
        """Send one request and read until it is answered, whatever happens in between."""
        prefix, data = argument
        if len(data) > frames.MAX_PAYLOAD:
            return _too_large(len(data))
        number = self._number = self._number + 1 & 0xFFFFFFFF or 1
        kind = frames.TRY if timeout == 0 else frames.ASK
        header = _HEADER(len(prefix) + len(data), kind, CODES[verb], index, number)
        self._midway = True
        with self._sending:
            channel.send(header + prefix, data)
        self._awaited = number
        if self._stop and verb not in CLEAN_UP:
            self._call_off(channel, frames.STOP, number)
        if timeout:
            milliseconds = timeout * 1000 + 1
            if milliseconds < LONGEST and not self._poll.poll(milliseconds):
                self._call_off(channel, frames.EXPIRE, number)
        kind, answered, body = channel.receive()
        while answered != number:
            kind, answered, body = channel.receive()
        self._awaited = 0
        self._midway = False
        if kind == frames.PLAIN:
            return marshal.loads(body)
        if kind == frames.STOPPED:
            raise self._stopped()
        return _DECODE[kind](body)

    def _call_off(self, channel: Channel, kind: int, number: int) -> None:
        with self._sending:
            channel.send(_HEADER(0, kind, 0, 0, number))

    # -- the connection ------------------------------------------------------------------------

    def _connect(self) -> Channel:
        channel = self._channel = Channel(self._address, self._token, self._who)
        self._resources = [
            _Resource(index, section, declared)
            for index, (_, section, declared) in enumerate(channel.resources)
        ]
        self._poll = select.poll()
        self._poll.register(channel.sock, select.POLLIN)
        return channel

    def _stopped(self) -> Stopped:
        self._stop = False
        return Stopped(f"{self._who} is asked to end")

    def _forget(self) -> None:
        """After a fork: the connection belongs to the process before it."""
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.close()
        self._sending = allocate_lock()
        self._awaited = 0
        self._midway = False
        self._stop = False


class _Resource:
    """What a client has to know of a resource."""

    __slots__ = ("ack", "priority", "section", "tells")

    def __init__(self, index: int, section: str, declared: dict[str, Any]) -> None:
        self.section = section
        self.tells = frames.tells(section, declared)
        self.priority = section == "queues" and declared.get("kind") == "priority"
        # what a get says before it returns; with `task_done` the worker says it
        by_get = section == "queues" and declared.get("ack", "get") != "task_done"
        self.ack = _HEADER(0, frames.TELL, _ACK, index, 0) if by_get else None


_NOTHING = (b"", b"")


def _argument(section: str, verb: str, argument: Any) -> tuple[bytes, bytes]:
    kind = frames.ARGUMENTS.get((section, verb))
    if argument is None or kind is None:
        return _NOTHING
    return (COUNT.pack(argument) if kind == frames.NUMBER else frames.identity(argument)), b""


def _too_large(size: int) -> Refused:
    return Refused("invalid", f"it has {size} bytes, and the hub takes at most 1 GiB")


def _versioned(body: bytes | memoryview) -> tuple[int, Any]:
    return VERSION.unpack_from(body)[0], payload.load(body[VERSION.size :])


def _fault(body: bytes | memoryview) -> Any:
    raise PluginFault(f"the hub failed at an operation: {str(body, 'utf-8', 'replace')}")


_DECODE: dict[int, Callable[[Any], Any]] = {
    frames.ITEM: lambda body: body,
    frames.PAYLOAD: payload.load,
    frames.VERSIONED: _versioned,
    frames.REFUSED: frames.read_refused,
    frames.FAULT: _fault,
}


def _forget_all() -> None:
    for client in list(_clients):
        client._forget()


os.register_at_fork(after_in_child=_forget_all)
