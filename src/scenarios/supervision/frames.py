"""Messages between engine and spawner: a length, plain data by marshal, descriptors beside it.

Both ends are the same interpreter and trust each other; workers never hold this socket.
"""

from __future__ import annotations

import array
import marshal
import socket
import struct
from collections.abc import Sequence
from typing import Any

_HEADER = struct.Struct("!II")  # bytes of the body, number of descriptors
_MOST_DESCRIPTORS = 253  # the kernel's bound for one message (SCM_MAX_FD)


def send(sock: socket.socket, message: Any, fds: Sequence[int] = ()) -> None:
    """Send `message` with copies of `fds`; raises OSError when the other end is gone."""
    body = marshal.dumps(message)
    data = memoryview(_HEADER.pack(len(body), len(fds)) + body)
    if fds:
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))]
        data = data[sock.sendmsg([data], rights) :]
    sock.sendall(data)


def receive(sock: socket.socket) -> tuple[Any, list[int]] | None:
    """The next message and its descriptors (close-on-exec); None when the other end is gone."""
    fds: list[int] = []
    room = socket.CMSG_SPACE(_MOST_DESCRIPTORS * array.array("i").itemsize)
    try:
        # Descriptors come with the first byte of their message, and no read crosses into the next.
        head, ancillary, _, _ = sock.recvmsg(_HEADER.size, room, socket.MSG_CMSG_CLOEXEC)
        for level, kind, data in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                received = array.array("i")
                received.frombytes(data[: len(data) - len(data) % received.itemsize])
                fds.extend(received)
        rest = _exactly(sock, _HEADER.size - len(head)) if head else None
        if rest is None:
            return None
        length, _ = _HEADER.unpack(head + rest)
        body = _exactly(sock, length)
    except OSError:
        return None
    return None if body is None else (marshal.loads(body), fds)


def _exactly(sock: socket.socket, count: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < count:
        part = sock.recv(min(count - len(parts), 1 << 20))
        if not part:
            return None
        parts += part
    return bytes(parts)
