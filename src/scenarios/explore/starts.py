"""Which workers start and which never do: dependencies, inline workers, the end of the run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from scenarios.explore.acting import LOST_TRACK
from scenarios.explore.local import OVER, PENDING, RUNNING
from scenarios.explore.model import Member, Model

if TYPE_CHECKING:
    from scenarios.explore.life import Life


class Starts:
    """As the engine's own: a member starts as soon as all that it depends on allows it."""

    def __init__(self, model: Model, life: Life) -> None:
        self._model = model
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
        if None in met or any(self._life.local(state, index).due for index in member.actors):
            return False
        if member.inline and not self._inline_next(state, member):
            return False
        self._life.start(state, member)
        return True

    def give_up(self, state: list[int]) -> bool:
        """With the foreground done, who could not start by then never does; whether any."""
        if state[-1] & LOST_TRACK or not self._life.done(state):
            return False
        never = [
            member
            for member in self._model.members
            if self._life.phase(state, member) == PENDING and not self._life.attempts(state, member)
        ]
        for member in never:
            self._life.skip(state, member)
        return bool(never)

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
                and not any(self._life.local(state, index).due for index in other.actors)
            )
            if could and (before or not other.inline):
                return False
        return True
