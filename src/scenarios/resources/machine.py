"""What every primitive's machine is: operations go in, answers and whom they wake come out.

A machine has no I/O, no clock and no threads. The driver inside one process, the hub between
processes and an explorer all drive the same one and add no semantics of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any, ClassVar

from scenarios.answers import PARKED, TIMED_OUT, WOULD_BLOCK, Refused
from scenarios.resources.freezing import Keep, Rename, Who, itself

__all__ = [
    "PARKED",
    "TIMED_OUT",
    "WOULD_BLOCK",
    "Keep",
    "Machine",
    "Refused",
    "Rename",
    "Verbs",
    "Who",
    "Woken",
    "itself",
]

Woken = list[tuple[Who, Any]]
Verbs = Mapping[str, Callable[[Any, Who, Any, Woken], Any]]


class Machine:
    """One resource. Subclasses list their verbs as methods in `verbs`.

    A verb is `(who, argument, woken) -> answer | PARKED`. `who` is any hashable token; nobody
    waits in two places at once. `woken` collects (who, answer) for those who waited and now go on.
    """

    verbs: ClassVar[Verbs] = {}
    __slots__ = ()

    def apply(self, who: Who, verb: str, argument: Any, woken: Woken) -> Any:
        """Do one operation; PARKED when it has to wait."""
        return self.verbs[verb](self, who, argument, woken)

    def expire(self, who: Who, woken: Woken) -> Any:
        """The deadline of a parked operation has passed: its answer, or PARKED to wait on."""
        self.cancel(who, woken)
        return TIMED_OUT

    def cancel(self, who: Who, woken: Woken) -> None:
        """A parked operation is given up; nothing is taken for it."""

    def leave(self, who: Who, died: bool, woken: Woken) -> None:
        """`who` has ended; with `died` what it held is given back."""
        self.cancel(who, woken)

    def statistics(self) -> dict[str, Any]:
        """What `expect` may ask of this resource at the end, as plain data."""
        return {}

    def freeze(self, who: Rename = itself, keep: Keep = None) -> Hashable:
        """All that later answers depend on, as a small hashable value.

        `who` renames participants; counts that no name in `keep` asks for are left out, so that
        states which differ in nothing else are one. Payloads that are not plain: a ValueError.
        """
        raise NotImplementedError

    def thaw(self, state: Any) -> None:
        """Take on a state that a machine of the same declaration gave."""
        raise NotImplementedError
