"""The engine's own connection to the hub: looks at what it holds, and ends it."""

from __future__ import annotations

import marshal
from threading import Lock
from typing import Any

from scenarios.wire import frames, payload
from scenarios.wire.channel import Channel, HubGone

PATIENCE = 10.0
"""Seconds in which a hub that is alive has answered, on a busy machine too."""


class HubControl:
    """Any thread may ask. Raises HubGone when there is no hub, or none that answers in time.

    What any worker had sent before the question was asked is in the answer.
    """

    def __init__(self, address: str, token: bytes, patience: float = PATIENCE) -> None:
        self._channel = Channel(address, token, "")
        self._channel.sock.settimeout(patience)
        self._mutex = Lock()
        self._sections = {name: section for name, section, _ in self._channel.resources}

    def snapshot(self) -> dict[str, Any]:
        """What is going on at one moment.

        {"operations": how many were asked for since the start, "queues": {name: {"items",
        "in_hand"}}, "waiting": {who: [(verb, resource)]}, "connections": {who: number}}. Two equal
        snapshots: nothing happened in between.
        """
        return dict(self._ask(frames.SNAPSHOT))

    def statistics(self) -> dict[str, dict[str, Any]]:
        """name: the machine's statistics, with max_wait in seconds."""
        statistics: dict[str, dict[str, Any]] = self._ask(frames.STATISTICS)
        for name, found in statistics.items():
            if self._sections[name] == "values":
                found["value"] = _value(found["value"])
        return statistics

    def contents(self, name: str) -> Any:
        """What a value or a flag holds now; text about it where it cannot be read here."""
        found = self.statistics()[name]
        return found["set"] if self._sections[name] == "flags" else found["value"]

    def shutdown(self) -> None:
        """End the hub; returns when it says so, just before it exits."""
        self._ask(frames.SHUTDOWN)

    def close(self) -> None:
        """Leave; the hub goes on."""
        self._channel.close(said=frames.frame(frames.BYE))

    def _ask(self, kind: int) -> Any:
        with self._mutex:
            self._channel.send(frames.frame(kind))
            answer, _, body = self._channel.receive()
            if answer != frames.PLAIN:
                raise HubGone(self._channel.address)
            return marshal.loads(body)


def _value(content: bytes) -> Any:
    try:
        return payload.load_safely(content)
    except payload.Named as named:  # only who runs the scenario's code reads its objects
        return f"<an object of {named.name}>"
    except Exception as error:
        return f"<not readable here: {type(error).__name__}: {error}>"
