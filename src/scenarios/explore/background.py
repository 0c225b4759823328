"""Which background workers may be stopped in a state: those to terminate, then all that drain."""

from __future__ import annotations

from collections.abc import Sequence

from scenarios.explore.life import Life
from scenarios.explore.local import IDLE, OVER, RUNNING, operation_at
from scenarios.explore.model import Member, Model
from scenarios.program.frame import FINALLY, HANDLER
from scenarios.resources.freezing import thawed


class Background:
    """As the engine's own: a chain drains from its beginning, and all readers together."""

    def __init__(self, model: Model, life: Life) -> None:
        self._model = model
        self._life = life
        self.members = [member for member in model.members if member.declared.background]

    def asked(self, state: Sequence[int]) -> list[int]:
        """Actors that were asked to end and do not know yet; the foreground is done."""
        return [
            index
            for member in self.members
            for index in member.actors
            if self._untold(state, index)
            and (member.declared.stop.action == "terminate" or self._life.local(state, index).asked)
        ]

    def apart(self, state: Sequence[int], drained: Sequence[int]) -> bool:
        """Whether it can be told in which order these hear that they are drained.

        Not where each only waits: it has no clean-up that the others could see.
        """
        if len(drained) < 2:
            return False
        for index in drained:
            local = self._life.local(state, index)
            if local.phase != RUNNING:
                continue
            operation = operation_at(self._model.actors[index], local)
            reads = operation is not None and operation.verb == "get"
            blocks = thawed(local.frame)[1]
            if not reads or any(block[0] in (FINALLY, HANDLER) for block in blocks):
                return True
        return False

    def _untold(self, state: Sequence[int], index: int) -> bool:
        local = self._life.local(state, index)
        return local.phase in (RUNNING, IDLE) and not local.told

    def drained(self, state: Sequence[int], waits: Sequence[bool]) -> list[int]:
        """Actors that are drained together; `waits` tells who cannot go on in a get."""
        left = [one for one in self.members if self._life.phase(state, one) != OVER]
        if any(self._ending(state, member) for member in left):
            return []
        draining = [one for one in left if one.declared.stop.action == "drain"]
        idle = [one for one in draining if not one.plan.gets]
        if idle:  # they read nothing, so they end first
            return [index for one in idle for index in one.actors if self._untold(state, index)]
        together = _closed(draining, left)
        if not together or not all(self._calm(state, one, waits) for one in together):
            return []
        read = {queue for one in together for queue in one.plan.gets}
        if any(self._life.in_hand(state, queue) for queue in read):
            return []
        return [index for one in together for index in one.actors if self._untold(state, index)]

    def _ending(self, state: Sequence[int], member: Member) -> bool:
        """Whether it was asked to end and has not ended, or is still to be asked first."""
        if member.declared.stop.action == "terminate":
            return True
        locals_ = [self._life.local(state, index) for index in member.actors]
        return any(local.told or local.asked for local in locals_)

    def _calm(self, state: Sequence[int], member: Member, waits: Sequence[bool]) -> bool:
        """Whether each of its threads waits on an empty queue."""
        for index in member.actors:
            local = self._life.local(state, index)
            if local.phase != RUNNING:
                if local.phase == IDLE and len(member.actors) > 1:
                    continue
                return False
            operation = operation_at(self._model.actors[index], local)
            if operation is None or operation.verb != "get" or not waits[index]:
                return False
        return True


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
