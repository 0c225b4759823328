"""Which workers start and which never do: dependencies, inline workers, the end of the run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from scenarios.explore.acting import LOST_TRACK
from scenarios.explore.local import OVER, PENDING, RUNNING, End
from scenarios.explore.model import Member, Model
from scenarios.explore.tables import Tables
from scenarios.resources.freezing import frozen

if TYPE_CHECKING:
    from scenarios.explore.life import Life


STOPPED: End = ("terminated", frozen(None), None, 0)


class Starts:
    """As the engine's own: a member starts as soon as all that it depends on allows it.

    Between two attempts it pauses for its `backoff`, and is only stopped there.
    """

    def __init__(self, model: Model, tables: Tables, life: Life) -> None:
        self._model = model
        self._tables = tables
        self._life = life

    def consider_all(self, state: list[int]) -> bool:
        """Start and skip until nothing changes; whether anything did."""
        changed, again = False, True
        while again:
            again = False
            for member in self._model.members:
                again = self.consider(state, member) or again
            changed = changed or again
        return changed

    def consider(self, state: list[int], member: Member) -> bool:
        """Start a pending member, or skip it; whether anything changed."""
        if self._life.phase(state, member) != PENDING or state[-1] & LOST_TRACK:
            return False
        met = self._met(state, member)
        if False in met:
            self._life.skip(state, member)
            return True
        if None in met or self.pauses(state, member):
            return False
        if member.inline and not self._inline_next(state, member):
            return False
        self._life.start(state, member)
        return True

    def give_up(self, state: list[int]) -> bool:
        """With the foreground done, who could not start by then never does; whether any."""
        if state[-1] & LOST_TRACK or not self._life.done(state):
            return False
        changed = False
        for member in self._model.members:
            if self._life.phase(state, member) != PENDING:
                continue
            if not self._life.attempts(state, member):
                self._life.skip(state, member)
            elif member.declared.stop.action == "terminate":
                self._stop(state, member)
            else:
                continue
            changed = True
        return changed

    # -- pauses --------------------------------------------------------------------------------

    def pauses(self, state: Sequence[int], member: Member) -> bool:
        """Whether it waits for its next attempt."""
        return any(
            local.phase == PENDING and local.due
            for local in (self._life.local(state, index) for index in member.actors)
        )

    def end_pause(self, state: list[int], member: Member) -> None:
        """The next attempt may begin."""
        for index in member.actors:
            local = self._life.local(state, index)
            state[index] = self._tables.number(index, local._replace(due=None))

    def _stop(self, state: list[int], member: Member) -> None:
        """There is no other attempt."""
        for index in member.actors:
            local = self._life.local(state, index)
            over = local._replace(phase=OVER, end=STOPPED, due=None, cut=True)
            state[index] = self._tables.number(index, over)
        if member.pool is not None:
            pool = self._life.pool(state, member)
            self._life.put(state, member, pool._replace(phase=OVER, end=STOPPED))

    # -- what a start needs --------------------------------------------------------------------

    def _met(self, state: Sequence[int], member: Member) -> list[bool | None]:
        return [
            self._dependency(state, self._model.by_name[name], condition)
            for name, condition in member.declared.depends_on.items()
        ]

    def _dependency(self, state: Sequence[int], group: list[Member], condition: str) -> bool | None:
        """Whether a dependency is met; None while it still can be."""
        over = [self._life.phase(state, member) == OVER for member in group]
        ends = [self._life.end(state, member) for member in group]
        states = [end[0] if end and ended else "" for end, ended in zip(ends, over, strict=True)]
        if condition == "completed":
            return False if "skipped" in states else all(over) or None
        if condition == "succeeded":
            bad = any(o and s != "succeeded" for o, s in zip(over, states, strict=True))
            return False if bad else all(over) or None
        started = [self._life.attempts(state, member) > 0 for member in group]
        if all(started):
            return True
        return False if any(o and not s for o, s in zip(over, started, strict=True)) else None

    def _inline_next(self, state: Sequence[int], member: Member) -> bool:
        """Whether the main thread is free, and no other can start that goes before it."""
        before = True
        for other in self._model.members:
            if other is member:
                before = False
                continue
            phase = self._life.phase(state, other)
            if other.inline and phase == RUNNING:
                return False
            could = (
                phase == PENDING
                and all(met is True for met in self._met(state, other))
                and not self.pauses(state, other)
            )
            if could and (before or not other.inline):
                return False
        return True
