"""What one reader was sent and has not asked beyond: what of it is claimed, what can be taken back.

A lane is a pipe with one byte for each item sent. The reader reads a byte just before its `get`
returns; the hub takes items back by reading bytes itself. The kernel gives a byte to one of them,
so neither ever waits for the other, and a reader killed at any moment has claimed an item or not.

The first item of a lot was taken for the reader and is in its hand: its byte is the
acknowledgement. Those behind it are *ahead*: they stay in the queue, at its head, until the hub
sees that they were claimed. It looks whenever somebody asks what there is, and takes back the rest
before anything else may touch the queue's head.
"""

from __future__ import annotations

import os
import socket
from fcntl import ioctl
from termios import FIONREAD
from typing import Any

from scenarios.wire import frames

MOST_ITEMS = 512
"""Items of a lot: their bytes fit in the smallest pipe, one page."""

MOST_BYTES = 48 << 10
"""Bytes of a lot, so that it arrives in one piece."""

GROWTH = 4
"""By how much lots grow while they are used up, and shrink where they are not."""


class Lane:
    """One reader's. `resource` is the queue of the lot under way."""

    __slots__ = ("ahead", "count", "far", "held", "limit", "near", "resource", "who")

    def __init__(self, who: int) -> None:
        self.who = who
        self.far, self.near = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self.count = bytearray(4)
        self.resource: Any = None
        self.held = False
        self.ahead = 0
        self.limit = GROWTH

    def send(self, resource: Any, ahead: int) -> None:
        """A lot is on its way: one item in hand and some ahead."""
        self.resource = resource
        self.held = True
        self.ahead = ahead
        os.write(self.near, bytes(1 + ahead))

    def look(self) -> tuple[bool, int]:
        """Whether the item in hand was acknowledged since, and how many ahead were claimed."""
        acknowledged, claimed = self._settle(self._left())
        self.ahead -= claimed
        return acknowledged, claimed

    def take_back(self) -> tuple[bool, int]:
        """The same; from here on the reader can claim nothing but what it has in hand."""
        # never more bytes than are ahead: one stays for the item in hand, if that has it still
        drained = self._drain(self.ahead)
        found = self._settle(drained + self._left())
        self.ahead = 0
        return found

    def end(self) -> tuple[bool, int]:
        """The same once the reader has asked again, or is gone, and claims nothing any more."""
        left = self._left()
        if left:
            self._drain(left)
            self.limit = max(1, self.limit // GROWTH)
        elif self.ahead:
            self.limit = min(MOST_ITEMS, self.limit * GROWTH)
        found = self._settle(left)
        self.held = False
        self.ahead = 0
        return found

    def close(self) -> None:
        """The reader is gone."""
        os.close(self.far)
        os.close(self.near)

    def _settle(self, unclaimed: int) -> tuple[bool, int]:
        claimed = self.held + self.ahead - unclaimed
        acknowledged = self.held and claimed > 0
        if acknowledged:
            self.held = False
            claimed -= 1
        return acknowledged, claimed

    def _left(self) -> int:
        ioctl(self.far, FIONREAD, self.count)
        return int.from_bytes(self.count, "little")

    def _drain(self, most: int) -> int:
        try:
            return len(os.read(self.far, most)) if most else 0
        except BlockingIOError:
            return 0


def open_lane(sock: socket.socket, who: int) -> Lane | None:
    """A new lane, announced; None where no file descriptor is left, or its frame would wait."""
    try:
        lane = Lane(who)
    except OSError:
        return None
    try:
        socket.send_fds(sock, [frames.frame(frames.LANE)], [lane.far])
    except OSError:
        lane.close()
        return None
    return lane
