"""Whether background workers that drain may end, decided for them together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from scenarios.engine.facilities import Facilities
from scenarios.engine.members import Member
from scenarios.resources.queues import Queue


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
        control = self._facilities.control
        snapshot = control.snapshot() if control is not None else {}
        counts = self._counts(snapshot)
        calm = not self._in_hand(members, snapshot) and all(
            self._waits(member, snapshot) for member in members
        )
        now = [member.name for member in members], counts
        same = calm and now == self._before
        self._before = now if calm else None
        return same

    def _waits(self, member: Member, snapshot: dict[str, Any]) -> bool:
        """Whether every thread of it waits in a get; of a pool at least one for each of its jobs.

        The main threads of calls need not: they may wait for threads that they have started.
        """
        if member.attempt is None:
            return False
        label = member.attempt.label
        waiting = set(self._waiting_here(member))
        crew = list(member.attempt.crew().waits())
        others = {one for one, _, _ in crew}
        for who, waits in snapshot.get("waiting", {}).items():
            if _of(who, label) and any(verb == "get" for verb, _ in waits):
                waiting.add(who)
        others |= {who for who in snapshot.get("connections", {}) if _of(who, label)}
        others -= waiting
        if member.plan.kind == "call":
            mains = {one for one, doing, _ in crew if doing is not None and doing.verb == "call"}
            others = {one for one in others - mains if "#" in one}
        busy: int = getattr(member.handle, "busy", 0)
        return len(waiting) >= max(1, busy) and not others

    def _waiting_here(self, member: Member) -> Iterable[str]:
        """The threads of a member that are parked in a get of a queue of this process."""
        assert member.attempt is not None
        for label, doing, parked in member.attempt.crew().waits():
            if parked is not None and doing is not None and doing.verb == "get":
                yield label

    def _in_hand(self, members: Sequence[Member], snapshot: dict[str, Any]) -> bool:
        """Whether an item that one of them may have taken is not acknowledged yet."""
        read = {queue for member in members for queue in member.plan.gets}
        for name, driver in self._facilities.drivers.items():
            machine = driver.machine
            if name in read and isinstance(machine, Queue):
                with driver.mutex:
                    if any(machine.in_hand.values()):
                        return True
        found = snapshot.get("queues", {})
        return any(found[name]["in_hand"] for name in read if name in found)

    def _counts(self, snapshot: dict[str, Any]) -> Any:
        local = [
            (name, statistics["put"], statistics["got"])
            for name, driver in self._facilities.drivers.items()
            if "got" in (statistics := driver.statistics())
        ]
        return local, snapshot.get("operations")


def _of(who: str, label: str) -> bool:
    """Whether a thread's label is that of an attempt's thread, or of a pool's process."""
    return who == label or who.startswith((f"{label}#", f"{label}@"))
