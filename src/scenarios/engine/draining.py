"""Whether all background workers that drain may end, decided for them together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from scenarios.engine.facilities import Facilities
from scenarios.engine.members import Member


class Drain:
    """Two equal looks in which each of them waits on an empty queue: nothing can happen any more.

    A look is not one moment for resources in this process and in the hub together; but whoever is
    woken between two looks got an item, and items are counted.
    """

    def __init__(self, facilities: Facilities) -> None:
        self._facilities = facilities
        self._before: Any = None

    def over(self, members: Sequence[Member]) -> bool:
        """Whether all of these live members wait for items that nobody can put."""
        snapshot = self._snapshot()
        queues = {
            name for name, section, _ in self._facilities.plan.resources if section == "queues"
        }
        waiting = set(self._waiting(members, snapshot))
        empty = self._nothing_left(members, snapshot)
        counts = self._counts(snapshot)
        calm = empty and all(
            any(who == member.name and what in queues for who, what in waiting)
            for member in members
        )
        same = calm and counts == self._before
        self._before = counts if calm else None
        return same

    def _snapshot(self) -> dict[str, Any]:
        control = self._facilities.control
        return control.snapshot() if control is not None else {}

    def _waiting(
        self, members: Sequence[Member], snapshot: dict[str, Any]
    ) -> Iterable[tuple[str, str]]:
        """(member's name, queue) for each that is parked in a get."""
        labels = {}
        for member in members:
            if member.attempt is None:
                continue
            labels[member.attempt.label] = member.name
            for label, doing, parked in member.attempt.crew().waits():
                labels[label] = member.name
                if parked is not None and doing is not None and doing.verb == "get":
                    yield member.name, parked
        for who, waits in snapshot.get("waiting", {}).items():
            name = labels.get(who) or labels.get(who.partition("#")[0])
            if name is not None:
                yield from ((name, queue) for verb, queue in waits if verb == "get")

    def _nothing_left(self, members: Sequence[Member], snapshot: dict[str, Any]) -> bool:
        """Whether the queues that they read are empty, with nothing in anybody's hand."""
        read = {queue for member in members for queue in member.plan.gets}
        for name, driver in self._facilities.drivers.items():
            if name in read and driver.statistics()["left"]:
                return False
        return not any(
            found["items"] or found["in_hand"]
            for name, found in snapshot.get("queues", {}).items()
            if name in read
        )

    def _counts(self, snapshot: dict[str, Any]) -> Any:
        local = [
            (name, statistics["put"], statistics["got"])
            for name, driver in self._facilities.drivers.items()
            if "got" in (statistics := driver.statistics())
        ]
        return local, snapshot.get("operations")
