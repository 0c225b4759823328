"""Stops the background once the foreground is done: what is terminated first, then what drains.

A chain drains from its beginning: a reader ends when nobody who is left can put into its queues.
"""

from __future__ import annotations

from scenarios.engine.draining import Drain
from scenarios.engine.members import Member
from scenarios.engine.state import RunState
from scenarios.engine.stopping import Stopping


class Background:
    """Looks, whenever something happened, whether more of the background can be ended."""

    def __init__(self, run: RunState, stopping: Stopping) -> None:
        self._run = run
        self._stopping = stopping
        self._drain = Drain(run.facilities)

    def draining(self) -> bool:
        """Whether queues have to be looked at again, unasked."""
        return self._run.stopping_background and any(_drains(one) for one in self._run.members)

    def progress(self) -> None:
        """Stop the background when the foreground is done."""
        if self._run.foreground_over:
            self._stop_background()
        self._end_inputs()

    def _stop_background(self) -> None:
        run = self._run
        run.stopping_background = True
        left = [member for member in run.members if not member.over]
        for member in left:
            if member.declared.stop.action == "terminate" and member.stopping is None:
                self._stopping.stop(member, "terminate")
        if any(member.stopping is not None for member in left if not member.over):
            return  # who is still ending may put once more
        draining = [member for member in left if _drains(member) and not _fed(member)]
        for member in draining:
            if not member.plan.gets:
                self._stopping.stop(member, "drain")  # it reads nothing, so it ends first
        together = _closed(draining, left)
        if together and self._drain.over(together):
            for member in together:
                self._stopping.stop(member, "drain")

    def _end_inputs(self) -> None:
        """Commands whose queue nobody can put into any more read to its end."""
        members = self._run.members
        for member in members:
            if member.over or member.attempt is None or not _fed(member):
                continue
            assert member.plan.command is not None
            source = member.plan.command.stdin_queue
            others = [other for other in members if other is not member]
            if all(other.over for other in others if source in other.plan.puts):
                member.attempt.end_input()


def asked_to_end(run: RunState, member: Member) -> bool:
    """Whether the end of the foreground ends a member by itself, told or not: it starts no more."""
    if not (member.declared.background and run.foreground_over):
        return False
    if member.declared.stop.action == "terminate":
        return True
    terminated = (one for one in run.members if one.declared.stop.action == "terminate")
    return not (member.plan.gets or _fed(member)) and all(one.over for one in terminated)


def _drains(member: Member) -> bool:
    return member.state == "running" and member.stopping is None


def _fed(member: Member) -> bool:
    """A command that is fed from a queue ends by itself once its input is over."""
    return member.plan.command is not None and member.plan.command.stdin_queue is not None


def _closed(draining: list[Member], left: list[Member]) -> list[Member]:
    """The readers among them that only they themselves can still feed."""
    members = [member for member in draining if not member.over and member.plan.gets]
    while True:
        others = [member for member in left if not member.over and member not in members]
        fed = {queue for member in others for queue in member.plan.puts}
        kept = [member for member in members if not member.plan.gets & fed]
        if len(kept) == len(members):
            return kept
        members = kept
