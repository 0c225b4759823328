"""Which background workers may be stopped in a state: those to terminate, those that read nothing,
then all that drain.
"""

from __future__ import annotations

from collections.abc import Sequence

from scenarios.explore.life import Life
from scenarios.explore.local import IDLE, OVER, RUNNING, operation_at
from scenarios.explore.model import Member, Model


class Background:
    """As the engine's own: a chain drains from its beginning, and all readers together."""

    def __init__(self, model: Model, life: Life) -> None:
        self._model = model
        self._life = life
        self.members = [member for member in model.members if member.declared.background]

    def stopped(self, state: Sequence[int]) -> list[int]:
        """Actors that are to be stopped, each by itself, and were not told yet."""
        return [
            index
            for member in self.members
            if (by_itself := self._life.asked_to_end(state, member)) or member.plan.gets
            for index in member.actors
            if self._untold(state, index) and (by_itself or self._life.local(state, index).asked)
        ]

    def killed(self, state: Sequence[int], stopped: Sequence[int]) -> list[int]:
        """Those of the stopped whose processes may be gone before they hear of it: no grace."""
        return [index for index in stopped if self._graceless(state, index)]

    def _graceless(self, state: Sequence[int], index: int) -> bool:
        member = self._model.members[self._model.actors[index].member]
        own = self._model.plan.capabilities[member.plan.declared].own_process
        running = self._life.local(state, index).phase == RUNNING
        return own and running and not member.declared.stop.grace

    def _untold(self, state: Sequence[int], index: int) -> bool:
        local = self._life.local(state, index)
        return local.phase in (RUNNING, IDLE) and not local.told

    def drained(self, state: Sequence[int], waits: Sequence[bool]) -> list[int]:
        """Actors that are drained together; `waits` tells who cannot go on in a get."""
        left = [one for one in self.members if self._life.phase(state, one) != OVER]
        if any(self._ending(state, member) for member in left):
            return []
        together = _closed([one for one in left if self._life.phase(state, one) == RUNNING], left)
        if not together or not all(self._calm(state, one, waits) for one in together):
            return []
        read = {queue for one in together for queue in one.plan.gets}
        if any(self._life.in_hand(state, queue) for queue in read):
            return []
        return [index for one in together for index in one.actors if self._untold(state, index)]

    def _ending(self, state: Sequence[int], member: Member) -> bool:
        """Whether it was asked to end and has not ended, or is still to be asked first."""
        if member.declared.stop.action == "terminate" or not member.plan.gets:
            return True
        locals_ = [self._life.local(state, index) for index in member.actors]
        return any(local.asked or local.told for local in locals_)

    def _calm(self, state: Sequence[int], member: Member, waits: Sequence[bool]) -> bool:
        """Whether each of its threads that does anything waits on an empty queue."""
        waiting = False
        for index in member.actors:
            local = self._life.local(state, index)
            if local.phase in (IDLE, OVER):
                continue
            operation = operation_at(self._model.actors[index], local)
            if operation is None or operation.verb != "get" or not waits[index]:
                return False
            waiting = True
        return waiting


def _closed(draining: list[Member], left: list[Member]) -> list[Member]:
    """The readers among them that only they themselves can still feed."""
    members = draining
    while True:
        others = [member for member in left if member not in members]
        fed = {queue for member in others for queue in member.plan.puts}
        kept = [member for member in members if not member.plan.gets & fed]
        if len(kept) == len(members):
            return kept
        members = kept
