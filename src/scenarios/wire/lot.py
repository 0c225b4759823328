"""The items that a client has of the hub and has not returned yet.

The first is in the client's hand; those behind it are still in the queue, and whoever reads a byte
of the lane first has them: the client its next one, or the hub the rest.
"""

from __future__ import annotations

import os

from scenarios.wire import frames


class Lot:
    """Items of the queue with number `index`, taken in order."""

    __slots__ = ("at", "body", "held", "index", "lane", "rest", "sizes")

    def __init__(
        self,
        lane: int,
        index: int,
        kind: int,
        body: bytes | memoryview,
        rest: bytes | None = None,
    ) -> None:
        self.lane = lane
        self.index = index
        self.held = True  # the first one is in hand
        self.body = body
        self.rest = rest  # a large payload but for its tag
        if kind == frames.LOT:
            self.body = bytes(body)  # it outlives the next answer
            self.sizes, self.at = frames.read_lot(self.body)
        else:
            self.sizes, self.at = [len(body)], 0

    def identity(self) -> bytes:
        """The next item's identity with its length before it."""
        return bytes(self.body[self.at : self.at + 1 + self.body[self.at]])

    def claim(self) -> bool:
        """Make the next item the client's own for good; False when the hub has it back."""
        try:
            if not os.read(self.lane, 1):
                return False  # the hub is gone
        except OSError:  # there is nothing to read; or the lane was closed, as will be noticed
            return False
        self.held = False
        self.at += self.sizes.pop()
        return True
