"""One thread's client of the hub: performs operations on the resources that the hub owns."""

from __future__ import annotations

import marshal
import os
import select
from _thread import allocate_lock
from collections.abc import Callable
from functools import partial
from typing import Any
from weakref import WeakSet

from scenarios.answers import Refused
from scenarios.errors import Stopped
from scenarios.wire import codec, frames, payload
from scenarios.wire.channel import Channel, HubGone
from scenarios.wire.codec import NOTHING, Encoded, Known
from scenarios.wire.eager import Eager
from scenarios.wire.frames import CODES
from scenarios.wire.lot import Lot

CLEAN_UP = frozenset({"release", "task_done", "ack", "give_back"})
"""Verbs that never wait and give something back: a stop lets them through."""

LONGEST = 2**31 - 1
"""Milliseconds, the most that poll takes; longer is no limit."""

MOMENT = 100e-6
"""Seconds in which a client looks for its answer before it sleeps: about a round trip."""

_HEADER = frames.HEADER.pack
_PUT, _GIVE_BACK = CODES["put"], CODES["give_back"]
_clients: WeakSet[HubClient] = WeakSet()


class HubClient:
    """Connects at its first operation. One thread performs; any thread may interrupt.

    The connection is who holds locks and items: `close()` ends it as a thread ends (locks stay
    held), `close(died=True)` and the end of the process as a death. In a forked child it starts
    anew, as another party. Without `objects` an item that is no plain data is taken, and its get
    raises `payload.Named`.
    """

    def __init__(self, address: str, token: bytes, who: str, *, objects: bool = True) -> None:
        self._address = address
        self._token = token
        self._who = who
        self._read = payload.load if objects else payload.load_safely
        self._channel: Channel | None = None
        self._resources: list[Known] = []
        self._poll = select.poll()
        self._arrived = partial(self._poll.poll, 0)
        self._number = 0
        self._midway = False  # a cut here leaves hub and client with different stories
        self._lot: Lot | None = None
        self._eager = Eager(MOMENT, yields=True)
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
            if section == "queues" and verb == "get":
                return self._get(channel, index, timeout)
            if section == "queues" and verb == "put":
                return self._put(channel, index, argument, timeout)
            if verb == "update":
                return self._update(channel, index, argument)
            if verb == "shutdown" and self._resources[index].tells:
                return codec.UNTOLD
            encoded = codec.argument(section, verb, argument)
            return self._ask(channel, index, verb, encoded, timeout)
        except BaseException:
            if self._midway:  # what is in hand goes back, as after a death
                self._midway = False
                self._awaited = 0
                self.close(died=True)
            raise

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
        self._lot = None
        if channel is not None:
            channel.close(said=None if died else _HEADER(0, frames.BYE, 0, 0, 0))

    # -- operations ----------------------------------------------------------------------------

    def _put(
        self, channel: Channel, index: int, item: tuple[str, Any], timeout: float | None
    ) -> Any:
        resource = self._resources[index]
        encoded = codec.item(resource, *item)
        if isinstance(encoded, Refused):
            return encoded
        if not resource.tells:
            return self._ask(channel, index, "put", encoded, timeout)
        prefix, data = encoded
        header = _HEADER(len(prefix) + len(data), frames.TELL, _PUT, index, 0)
        self._midway = True
        with self._sending:
            channel.send(header + prefix, data)
        self._midway = False
        return True

    def _get(self, channel: Channel, index: int, timeout: float | None) -> Any:
        """Items that were sent ahead first; whether they are still ours is seen at the claim.

        Plain data is claimed once it is read. An object is claimed first: to read it runs code of
        its own, and one that ends this process must not end the next taker as well.
        """
        load = self._resources[index].load
        while True:
            lot = self._lot
            if lot is None or lot.index != index or not lot.sizes:
                answer = self._ask(channel, index, "get", NOTHING, timeout)
                if answer.__class__ is Refused:
                    return answer
                lot = self._lot = answer
            self._midway = True  # until what became of the item is known
            body, at = lot.body, lot.at
            start = at + 1 + body[at]
            unread = None
            try:
                if lot.rest is None:
                    value = load(body[start : at + lot.sizes[-1]])
                else:
                    value = payload.load_plain(body[start], lot.rest)
            except payload.Named:
                value, unread = None, bytes(body[start : at + lot.sizes[-1]])
            except Exception:
                if self._claim(channel, lot):
                    raise
                continue
            if self._stop:
                if lot.held:
                    self._give_back(channel, lot)
                self._midway = False
                raise self._stopped()
            if self._claim(channel, lot):
                if unread is not None:
                    value = self._read(unread)
                return str(body[at + 1 : start], "utf-8"), value

    def _claim(self, channel: Channel, lot: Lot) -> bool:
        """The item is acknowledged from here on; or it is not here any more."""
        if lot.lane >= 0:
            claimed = lot.claim()
            if not claimed:
                self._lot = None
        else:
            claimed = True
            self._lot = None
            acknowledgement = self._resources[lot.index].acknowledgement
            if acknowledgement is not None:
                self._tell(channel, acknowledgement)
        self._midway = False
        return claimed

    def _give_back(self, channel: Channel, lot: Lot) -> None:
        identity = lot.identity()
        self._lot = None
        self._tell(
            channel, _HEADER(len(identity), frames.TELL, _GIVE_BACK, lot.index, 0) + identity
        )

    def _update(self, channel: Channel, index: int, change: Callable[[Any], Any]) -> Any:
        """Read and swapped until nobody came in between."""
        while True:
            version, old = self._ask(channel, index, "read_version")
            new = change(old)
            encoded = codec.argument("values", "swap", (version, new))
            answer = self._ask(channel, index, "swap", encoded)
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
        argument: Encoded = NOTHING,
        timeout: float | None = None,
    ) -> Any:
        """Send one request and read until it is answered, whatever happens in between."""
        prefix, data = argument
        if len(data) > frames.MAX_PAYLOAD:
            return codec.too_large(len(data))
        number = self._number = self._number + 1 & 0xFFFFFFFF or 1
        kind = frames.TRY if timeout == 0 else frames.ASK
        header = _HEADER(len(prefix) + len(data), kind, CODES[verb], index, number)
        self._midway = True
        with self._sending:
            channel.send(header + prefix, data)
        self._awaited = number
        if self._stop and verb not in CLEAN_UP:
            self._call_off(channel, frames.STOP, number)
        # a plain receive would also be woken when the hub has read what was sent
        milliseconds = timeout * 1000 + 1 if timeout else LONGEST
        if not self._eager.look(self._arrived) and not self._poll.poll(
            milliseconds if milliseconds < LONGEST else None
        ):
            self._call_off(channel, frames.EXPIRE, number)
        item = verb == "get"
        kind, answered, body = channel.receive(item)
        while answered != number:
            kind, answered, body = channel.receive(item)
        self._awaited = 0
        self._midway = False
        if kind == frames.PLAIN:
            return marshal.loads(body)
        if kind in (frames.LOT, frames.CLAIM):
            return Lot(channel.lane, index, kind, body, channel.rest)
        if kind == frames.ITEM:
            return Lot(-1, index, kind, body, channel.rest)
        if kind == frames.STOPPED:
            raise self._stopped()
        return codec.DECODE[kind](body)

    def _call_off(self, channel: Channel, kind: int, number: int) -> None:
        with self._sending:
            channel.send(_HEADER(0, kind, 0, 0, number))

    # -- the connection ------------------------------------------------------------------------

    def _connect(self) -> Channel:
        channel = self._channel = Channel(self._address, self._token, self._who)
        self._resources = [
            Known(index, section, declared)
            for index, (_, section, declared) in enumerate(channel.resources)
        ]
        self._poll = select.poll()
        self._poll.register(channel.sock, select.POLLIN)
        self._arrived = partial(self._poll.poll, 0)
        return channel

    def _stopped(self) -> Stopped:
        self._stop = False
        return Stopped(f"{self._who} is asked to end")

    def _forget(self) -> None:
        """After a fork: the connection belongs to the process before it."""
        channel, self._channel = self._channel, None
        self._lot = None
        if channel is not None:
            channel.close()
        self._sending = allocate_lock()
        self._awaited = 0
        self._midway = False
        self._stop = False


def _forget_all() -> None:
    for client in list(_clients):
        client._forget()


os.register_at_fork(after_in_child=_forget_all)
