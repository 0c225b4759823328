"""What every primitive's machine is: operations go in, answers and whom they wake come out.

A machine has no I/O, no clock and no threads. The driver inside one process, the hub between
processes and an explorer all drive the same one and add no semantics of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any, ClassVar

Who = Hashable
Woken = list[tuple[Who, Any]]
Verbs = Mapping[str, Callable[[Any, Who, Any, Woken], Any]]


class _Parked:
    """The type of PARKED."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "PARKED"


PARKED = _Parked()
"""The answer to an operation that waits; its real answer comes with whoever wakes it."""


class Refused:
    """The answer to an operation that cannot be done.

    `reason` is one of: timeout, would_block, not_owner, not_held, over_release, too_many_done,
    uncomparable, broken, holder_died, invalid. `detail` is a sentence for people.
    """

    __slots__ = ("detail", "reason")

    def __init__(self, reason: str, detail: str = "") -> None:
        self.reason = reason
        self.detail = detail

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Refused) and other.reason == self.reason

    def __hash__(self) -> int:
        return hash(self.reason)

    def __repr__(self) -> str:
        return f"Refused({self.reason!r}, {self.detail!r})"

    def __reduce__(self) -> tuple[type[Refused], tuple[str, str]]:
        return Refused, (self.reason, self.detail)


TIMED_OUT = Refused("timeout", "not done within its time")


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
