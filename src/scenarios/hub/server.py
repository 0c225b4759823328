"""The hub's server: accepts clients, moves frames between their sockets and the machines."""

from __future__ import annotations

import marshal
import os
import select
import socket
import sys
from functools import partial
from time import monotonic
from typing import Any

from scenarios.hub.connection import LARGE, Connection, Frame
from scenarios.hub.desk import Desk, Reply
from scenarios.hub.lanes import open_lane
from scenarios.hub.pace import HEAVY, Pace
from scenarios.wire import frames
from scenarios.wire.eager import Eager
from scenarios.wire.frames import HEADER, Malformed

BACKLOG = 1024

MOMENT = 50e-6
"""Seconds in which the hub looks before it sleeps. It does not yield: whoever wakes goes first."""

_READABLE = select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR

GET = frames.CODES["get"]
_ONE_ITEM = (frames.ITEM, frames.CLAIM)

END = 0
"""The file descriptor whose end of file ends the hub."""


class Server:
    """Serves until the end of file of standard input, or SHUTDOWN.

    A put that nobody waits for has only to be in the kernel when it returns. Hence whoever asks
    what there is (a get that does not wait, a size, a join, a snapshot) is answered at the end of
    a round in which every socket was read once more: what returned before is then counted.
    """

    def __init__(self, config: dict[str, Any]) -> None:
        self.address: str = config["address"]
        self.token: bytes = config["token"]
        self.greeting: float = config["greeting"]
        self.desk = Desk(config["resources"])
        self.welcome = marshal.dumps([_public(*declared) for declared in config["resources"]])
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(self.address)
        self.listener.listen(BACKLOG)
        self.listener.setblocking(False)
        self.epoll = select.epoll()
        self.epoll.register(self.listener.fileno(), select.EPOLLIN)
        self.connections: dict[int, Connection] = {}  # by file descriptor
        self.clients: dict[int, Connection] = {}  # by number, once they have said HELLO
        self.strangers: set[Connection] = set()
        self.deferred: list[tuple[Connection, Frame]] = []
        self.pace = Pace(self.epoll)
        self.eager = Eager(MOMENT, yields=False)
        self.last = 0
        self.full = False  # no file descriptor is left for a further client
        self.over = False

    def serve(self) -> None:
        """Until it is over."""
        self.epoll.register(END, select.EPOLLIN)
        while not self.over:
            self._round(self.greeting if self.strangers else None)
            if self.strangers:
                self._show_out()
            while self.deferred and not self.over:
                asked, self.deferred = self.deferred, []
                self.pace.resume()
                self._round(0)
                for connection, frame in asked:
                    if not connection.closed:
                        self._guarded(connection, [frame], self._settle)

    def _round(self, timeout: float | None) -> None:
        for fd, event in self._events(timeout):
            connection = self.connections.get(fd)
            if connection is not None:
                if event & select.EPOLLOUT and connection.flush():
                    self.epoll.modify(fd, select.EPOLLIN)
                if event & _READABLE:
                    self._read(connection)
            elif fd == END:
                self.over = self.over or not os.read(END, 4096)
            else:
                self._accept()

    def _events(self, timeout: float | None) -> list[tuple[int, int]]:
        poll, most = self.epoll.poll, len(self.connections) + 2
        found = poll(0, most)
        if not found and timeout != 0:
            found = self.eager.look(partial(poll, 0, most)) or poll(
                self.pace.timeout(timeout), most
            )
        if self.pace.paused:
            self.pace.check()
        return found

    # -- connections ---------------------------------------------------------------------------

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self.listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                print(
                    f"the hub cannot accept a client before another leaves: {error}"
                    " (see `ulimit -n`)",
                    file=sys.stderr,
                )
                self.epoll.unregister(self.listener.fileno())
                self.full = True
                return
            credentials = sock.getsockopt(
                socket.SOL_SOCKET, socket.SO_PEERCRED, frames.CREDENTIALS.size
            )
            if frames.CREDENTIALS.unpack(credentials)[1] != os.geteuid():
                sock.close()
                continue
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, frames.AHEAD)
            self.last += 1
            connection = Connection(sock, self.last, monotonic())
            self.connections[connection.fd] = connection
            self.strangers.add(connection)
            self.epoll.register(connection.fd, select.EPOLLIN)
            self._read(connection)

    def _show_out(self) -> None:
        late = monotonic() - self.greeting
        for connection in [one for one in self.strangers if one.since <= late]:
            self._read(connection)  # the hub may have been the one that was late
            if connection in self.strangers:
                self._end(connection)

    def _read(self, connection: Connection) -> None:
        try:
            found, ended = connection.receive()
        except Malformed as error:
            self._refuse(connection, error)
            return
        self._guarded(connection, found, self._take)
        if ended and not connection.closed:
            self._end(connection)

    def _guarded(self, connection: Connection, found: list[Frame], take: Any) -> None:
        """Take frames; a malformed one ends its connection, and no other."""
        replies: list[Reply] = []
        try:
            for frame in found:
                take(connection, frame, replies)
                if connection.bye:
                    break
        except Malformed as error:
            self._refuse(connection, error)
        if replies:
            self._deliver(replies)
        if connection.bye and not connection.closed:
            self._end(connection)

    def _refuse(self, connection: Connection, error: Malformed) -> None:
        who = connection.name or "a stranger"
        print(f"the hub ended the connection of {who}: {error}", file=sys.stderr)
        self._end(connection)

    def _end(self, connection: Connection) -> None:
        """Without a BYE its client has died."""
        connection.closed = True
        del self.connections[connection.fd]
        self.epoll.unregister(connection.fd)
        connection.sock.close()
        self.strangers.discard(connection)
        self.pace.paused.discard(connection)
        if self.full:
            self.full = False
            self.epoll.register(self.listener.fileno(), select.EPOLLIN)
        if self.clients.pop(connection.number, None) is not None:
            replies: list[Reply] = []
            self.desk.leave(connection.number, not connection.bye, replies)
            self._deliver(replies)

    # -- frames --------------------------------------------------------------------------------

    def _take(self, connection: Connection, frame: Frame, replies: list[Reply]) -> None:
        kind, code, index, number, body = frame
        if not connection.greeted:
            self._greet(connection, kind, body, replies)
        elif kind == frames.TELL:
            self.desk.tell(connection.number, code, index, body, replies)
            if len(body) >= HEAVY:
                self.pace.put(connection, self.desk.resources[index])
        elif kind == frames.BYE:
            connection.bye = True
        elif connection.out:
            raise Malformed("a request before the last answer was read")
        elif kind in (frames.EXPIRE, frames.STOP):
            self.deferred.append((connection, frame))
        elif connection.busy:
            raise Malformed("a second request while one waits")
        elif kind == frames.ASK and not (found := self.desk.find(index, code))[1].observes:
            self.desk.ask(connection.number, *found, number, body, True, replies)
            if code == GET:
                self.pace.resume()
        else:
            connection.busy = True
            self.deferred.append((connection, frame))

    def _greet(
        self, connection: Connection, kind: int, body: bytes | bytearray, replies: list[Reply]
    ) -> None:
        if kind != frames.HELLO:
            raise Malformed("no hello")
        token, connection.name, _ = frames.read_hello(bytes(body))
        if not _same(token, self.token):
            raise Malformed("a wrong token")
        connection.greeted = True
        connection.limit = frames.MAX_BODY
        self.strangers.discard(connection)
        self.clients[connection.number] = connection
        replies.append((connection.number, 0, frames.WELCOME, self.welcome))

    def _settle(self, connection: Connection, frame: Frame, replies: list[Reply]) -> None:
        """What had to wait for the end of a round."""
        kind, code, index, number, body = frame
        who = connection.number
        if kind == frames.EXPIRE:
            self.desk.expire(who, number, replies)
            return
        if kind == frames.STOP:
            self.desk.stop(who, number, replies)
            return
        connection.busy = False
        if kind in (frames.ASK, frames.TRY):
            found = self.desk.find(index, code)
            self.desk.ask(who, *found, number, body, kind == frames.ASK, replies)
        elif kind == frames.SNAPSHOT:
            names = {client: one.name for client, one in self.clients.items() if one.name}
            replies.append((who, number, frames.PLAIN, marshal.dumps(self.desk.snapshot(names))))
        elif kind == frames.STATISTICS:
            replies.append((who, number, frames.PLAIN, marshal.dumps(self.desk.statistics())))
        elif kind == frames.SHUTDOWN:
            replies.append((who, number, frames.PLAIN, marshal.dumps(None)))
            self.over = True
        else:
            raise Malformed(f"a frame of kind {kind}")

    def _deliver(self, replies: list[Reply]) -> None:
        hands = self.desk.lots.hands
        for who, number, kind, body in replies:
            connection = self.clients.get(who)
            if connection is None:
                continue
            if who in hands:
                sent, data = self._hand(connection, kind, body)
            else:
                sent, data = kind, body
            # of a large item: identity and tag, which its client may receive apart
            apart = 2 + data[0] if sent in _ONE_ITEM and len(data) >= LARGE else 0
            if not connection.send(HEADER.pack(len(data), sent, 0, apart, number), data):
                # it is not read until it has taken its answer, so that answers cannot pile up
                self.epoll.modify(connection.fd, select.EPOLLOUT)

    def _hand(
        self, connection: Connection, kind: int, body: bytes | bytearray
    ) -> tuple[int, bytes | bytearray]:
        """An item that is to be acknowledged: by a lane, or else by a frame."""
        who, lots = connection.number, self.desk.lots
        lane = lots.lanes.get(who)
        if lane is None:
            if not connection.laned:
                connection.laned = True
                lane = open_lane(connection.sock, who)
            if lane is None:
                del lots.hands[who]
                return kind, body
            lots.lanes[who] = lane
        return lots.send(lane, body)


def _same(token: bytes, own: bytes) -> bool:
    """In a time that does not depend on where they differ."""
    return len(token) == len(own) and not sum(a ^ b for a, b in zip(token, own, strict=True))


def _public(name: str, section: str, declared: dict[str, Any]) -> frames.Declared:
    """What a client has to know: no contents."""
    keys = ("kind", "maxsize", "ack", "sync") if section == "queues" else ()
    return name, section, {key: declared[key] for key in keys if key in declared}
