"""One client's connection at the hub: frames out of what has arrived, answers into the kernel."""

from __future__ import annotations

import socket

from scenarios.wire import frames
from scenarios.wire.frames import HEADER, HEADER_SIZE, Malformed

Frame = tuple[int, int, int, int, bytes | bytearray]
"""kind, the verb's code, the resource's number, the request's number, body."""

CHUNK = 1 << 16
"""Bytes asked for by one receive: more than the kernel holds of small frames."""

LARGE = 1 << 16
"""Bytes from which a body that has not wholly arrived is received into its own place."""

AT_ONCE = 1 << 22
"""Bytes set aside for a body because of its header alone; more as it really arrives."""

ROUNDS = 8
"""Receives in a row before the others have their turn."""


class Connection:
    """Never blocks. `number` is who it is for the machines; no number is used twice."""

    __slots__ = (
        "body", "busy", "bye", "closed", "fd", "filled", "greeted", "laned", "left", "length",
        "limit", "name", "number", "out", "since", "sock", "start",
    )  # fmt: skip

    def __init__(self, sock: socket.socket, number: int, since: float) -> None:
        self.sock = sock
        self.fd = sock.fileno()
        self.number = number
        self.since = since
        self.name = ""
        self.greeted = self.bye = self.closed = False
        self.laned = False  # a lane was opened, or could not be
        self.busy = False  # a request waits for the end of the round
        self.limit = frames.MAX_HELLO
        self.left = b""
        self.body: bytearray | None = None  # of a large frame, as far as it has arrived
        self.filled = self.length = 0
        self.start: tuple[int, int, int, int] = (0, 0, 0, 0)
        self.out: list[memoryview] = []

    # -- in ------------------------------------------------------------------------------------

    def receive(self) -> tuple[list[Frame], bool]:
        """All whole frames that are there, and whether the connection has ended.

        Raises Malformed where no frame can be made of it.
        """
        found: list[Frame] = []
        for _ in range(ROUNDS):
            try:
                if self.body is None:
                    room = CHUNK
                    data = self.sock.recv(CHUNK)
                    count = len(data)
                else:
                    with memoryview(self.body)[self.filled :] as rest:
                        room = len(rest)
                        count = self.sock.recv_into(rest)
            except BlockingIOError:
                break
            except OSError:
                return found, True
            if not count:
                return found, True
            if self.body is None:
                self._split(self.left + data if self.left else data, found)
            else:
                self._fill(count, found)
                if self.body is None:
                    break  # one large item is enough for a turn
            if count < room:
                break
        return found, False

    def _split(self, data: bytes, found: list[Frame]) -> None:
        position, size = 0, len(data)
        while size - position >= HEADER_SIZE:
            length, kind, code, index, number = HEADER.unpack_from(data, position)
            if length > self.limit:
                raise Malformed(f"a frame of {length} bytes")
            start = position + HEADER_SIZE
            end = start + length
            if end > size:
                if length > LARGE:
                    self._begin((kind, code, index, number), length, data[start:])
                    return
                break
            found.append((kind, code, index, number, data[start:end]))
            if end == size:
                self.left = b""
                return
            position = end
        self.left = data[position:]

    def _begin(self, start: tuple[int, int, int, int], length: int, data: bytes) -> None:
        self.left = b""
        self.start = start
        self.length = length
        self.filled = len(data)
        self.body = bytearray(min(length, max(AT_ONCE, len(data))))
        self.body[: self.filled] = data

    def _fill(self, count: int, found: list[Frame]) -> None:
        assert self.body is not None
        self.filled += count
        if self.filled == self.length:
            found.append((*self.start, self.body))
            self.body = None
        elif self.filled == len(self.body):
            self.body += bytes(min(self.length - self.filled, self.filled))

    # -- out -----------------------------------------------------------------------------------

    def send(self, header: bytes, body: bytes | bytearray) -> bool:
        """Give a frame to the kernel; False while a part of it has to wait."""
        try:
            if len(body) < LARGE:
                data = header + body
                sent = self.sock.send(data)
                if sent == len(data):
                    return True
                self.out = [memoryview(data)[sent:]]
                return False
            sent = self.sock.sendmsg([header, body])
        except BlockingIOError:
            sent = 0
        except OSError:
            return True  # its end will be read after what it had sent before
        self.out = [memoryview(part) for part in (header, body)]
        return self._sent(sent)

    def flush(self) -> bool:
        """Go on with what had to wait; False while it still has to."""
        try:
            return self._sent(self.sock.sendmsg(self.out))
        except BlockingIOError:
            return False
        except OSError:
            self.out = []
            return True

    def _sent(self, count: int) -> bool:
        while self.out and count >= len(self.out[0]):
            count -= len(self.out.pop(0))
        if self.out:
            self.out[0] = self.out[0][count:]
        return not self.out
