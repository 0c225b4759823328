"""Lets a writer of large items wait a moment for the readers, so that memory is used again.

Items that pile up each take memory that was not used before, which costs more than all the copying:
a reader that is as fast as its writer then gets half as many. Nobody is held up for good: after a
pause of `PAUSE`, or as soon as an item is asked for or somebody wants to know what there is, the
writer's next item is received.
"""

from __future__ import annotations

import select
from time import monotonic

from scenarios.hub.connection import Connection
from scenarios.hub.lots import Resource

HEAVY = 1 << 18
"""Bytes from which an item is large in this sense."""

PILE = 4
"""Items that may wait in a queue, so that its readers never wait for a writer."""

PAUSE = 0.002
"""Seconds: an absent reader leaves a writer 500 large items a second."""


class Pace:
    """The writers that pause."""

    def __init__(self, epoll: select.epoll) -> None:
        self.epoll = epoll
        self.paused: set[Connection] = set()
        self.until = 0.0

    def put(self, connection: Connection, resource: Resource) -> None:
        """A large item was put by a writer that does not wait for an answer."""
        if not resource.readers or len(resource.machine.items) < PILE:
            return
        if not self.paused:
            self.until = monotonic() + PAUSE
        if connection not in self.paused:
            self.paused.add(connection)
            self.epoll.modify(connection.fd, 0)  # its end is still told

    def timeout(self, timeout: float | None) -> float | None:
        """How long the hub may sleep, in seconds."""
        if not self.paused:
            return timeout
        left = max(0.0, self.until - monotonic())
        return left if timeout is None else min(left, timeout)

    def check(self) -> None:
        """End the pause in time."""
        if self.paused and monotonic() >= self.until:
            self.resume()

    def resume(self) -> None:
        """Everybody is received from again."""
        for connection in self.paused:
            self.epoll.modify(connection.fd, select.EPOLLOUT if connection.out else select.EPOLLIN)
        self.paused.clear()
