"""A client's end of its connection to the hub: whole frames out, whole frames in."""

from __future__ import annotations

import errno
import marshal
import os
import socket
import sys

from scenarios.errors import EnvironmentFault
from scenarios.wire import frames, payload
from scenarios.wire.aside import aside

CHUNK = 1 << 16
"""Bytes asked for by one receive: most answers are one small frame."""

JOINED = 1 << 14
"""Bytes up to which header and body are copied together; a larger body is sent from its place."""

KEPT = 1 << 22
"""Bytes kept for the next large body: making room anew costs more than the copying."""

_ONE_FILE = socket.CMSG_LEN(4)
_CLOSED_BY_EXEC = getattr(socket, "MSG_CMSG_CLOEXEC", 0)

GREETING = 10.0
"""Seconds in which a hub that is alive has answered a HELLO, on a busy machine too."""


class HubGone(EnvironmentFault):
    """The hub does not answer any more; nothing that it owned can be used."""

    def __init__(self, address: str, error: OSError | None = None) -> None:
        text = f"the hub at {address} is gone, and with it every queue, lock and value that"
        text += " processes share; run the scenario again"
        if isinstance(error, TimeoutError):
            text = f"the hub at {address} does not answer: it is stopped, or has no file"
            text += " descriptor left for one client more (see `ulimit -n`); run the scenario again"
        elif error is not None and error.errno == errno.EBADF:
            text = "the connection to the hub was closed by the worker's own code; let it close"
            text += " only what it has opened"
        super().__init__(text)


class Channel:
    """A connection that has said HELLO. Any failure of the socket is raised as HubGone."""

    __slots__ = ("address", "lane", "large", "left", "resources", "rest", "room", "sock")

    def __init__(self, address: str, token: bytes, who: str) -> None:
        self.address = address
        self.left = b""
        self.lane = -1  # the pipe that acknowledges items, once it has come
        self.large = False  # the last answer was
        self.rest: bytes | None = None
        self.room = bytearray()
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock = socket.socket(fileno=aside(sock.detach()))
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, frames.AHEAD)
        try:
            self.sock.settimeout(GREETING)
            self.sock.connect(address)
            greeting = frames.hello(token, who, os.getpid())
            self.sock.sendall(frames.frame(frames.HELLO, greeting))
            kind, _, body = self.receive()
            self.sock.settimeout(None)
        except OSError as error:
            self.sock.close()
            raise HubGone(address, error) from None
        except BaseException:
            self.sock.close()
            raise
        if kind != frames.WELCOME:
            self.sock.close()
            raise HubGone(address)
        self.resources: list[frames.Declared] = marshal.loads(body)

    def send(self, header: bytes, body: bytes = b"") -> None:
        """Returns when the whole frame is in the kernel."""
        try:
            if len(body) <= JOINED:
                data = header + body if body else header
                sent = self.sock.send(data)
                if sent < len(data):
                    self.sock.sendall(data[sent:])
                return
            sent = self.sock.sendmsg([header, body])
            if sent < len(header):
                self.sock.sendall(header[sent:])
                sent = len(header)
            if sent < len(header) + len(body):
                self.sock.sendall(memoryview(body)[sent - len(header) :])
        except OSError as error:
            raise HubGone(self.address, error) from None

    def receive(self, item: bool = False) -> tuple[int, int, bytes | memoryview]:
        """The next frame as kind, the request's number, body (good until the next receive).

        Where an `item` was asked for, a lane may come before it. Of a large item's body only the
        identity and the payload's tag may be there; the payload is then `rest`, in a place of its
        own.
        """
        try:
            self.rest = None
            data = self.left or self._more(item)
            while len(data) < frames.HEADER_SIZE:
                data += self._more(item)
            length, kind, _, apart, number = frames.HEADER.unpack_from(data)
            end = frames.HEADER_SIZE + length
            if len(data) >= end:
                self.left = data[end:]
                return kind, number, data[frames.HEADER_SIZE : end]
            self.left = b""
            self.large = apart > 0
            if apart and len(data) == frames.HEADER_SIZE:
                body = self._exactly(apart)
                if payload.is_plain(body[-1]):
                    self.rest = self._exactly(length - apart)
                    return kind, number, body
                data += body
            return kind, number, self._rest(length, data)
        except OSError as error:
            raise HubGone(self.address, error) from None

    def close(self, said: bytes | None = None) -> None:
        """Without last words this is what the hub sees when a process dies."""
        try:
            if said is not None:
                self.sock.sendall(said)
        except OSError:
            pass  # nobody is there to be told
        finally:
            self.sock.close()
            if self.lane >= 0:
                os.close(self.lane)
                self.lane = -1

    def _more(self, item: bool) -> bytes:
        if not item or self.lane >= 0:
            # after a large item another is likely: its payload is then not received in two parts
            data = self.sock.recv(frames.HEADER_SIZE if self.large else CHUNK)
        else:
            data, extra, _, _ = self.sock.recvmsg(CHUNK, _ONE_FILE, _CLOSED_BY_EXEC)
            if extra:
                self.lane = aside(int.from_bytes(extra[0][2], sys.byteorder))
        if not data:
            raise HubGone(self.address)
        return data

    def _exactly(self, size: int) -> bytes:
        data = self.sock.recv(size, socket.MSG_WAITALL)
        while len(data) < size:
            more = self.sock.recv(size - len(data), socket.MSG_WAITALL)
            if not more:
                raise HubGone(self.address)
            data += more
        return data

    def _rest(self, length: int, data: bytes) -> memoryview:
        """A body that did not come in one piece; it holds until the next one comes."""
        filled = len(data) - frames.HEADER_SIZE
        if length > len(self.room):
            self.room = bytearray(length)
        view = memoryview(self.room)[:length]
        view[:filled] = data[frames.HEADER_SIZE :]
        while filled < length:
            count = self.sock.recv_into(view[filled:], 0, socket.MSG_WAITALL)
            if not count:
                raise HubGone(self.address)
            filled += count
        if length > KEPT:
            self.room = bytearray()
        return view
