"""What an operation may be answered with when it is not simply done."""

from __future__ import annotations

import traceback

from scenarios.errors import sentence

LONGEST_TEXT = 4000
"""Characters of a failure's sentence: escaped it has to fit into a record of the log."""

LONGEST_TRACEBACK = 64 * 1024


class _Mark:
    """A value that is only ever compared by identity."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


PARKED = _Mark("PARKED")
"""The operation waits; its real answer comes with whoever wakes it."""

STOP = _Mark("STOP")
"""The worker is asked to end: its `finally` steps and releases still run."""


class Refused:
    """The operation cannot be done.

    `reason` is one of: timeout, would_block, not_owner, not_held, over_release, too_many_done,
    uncomparable, broken, shut_down, holder_died, invalid. `detail` is a sentence for people.
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
WOULD_BLOCK = Refused("would_block", "it would wait")


class Failed:
    """The operation raised: one sentence, and a traceback if there is one; both are bounded.

    `error` is what a scenario's own code has raised.
    """

    __slots__ = ("error", "text", "traceback")

    def __init__(self, text: str, traceback: str = "", error: BaseException | None = None) -> None:
        self.error = error
        self.text = text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT] + "..."
        # its end tells what was raised
        long = len(traceback) > LONGEST_TRACEBACK
        self.traceback = "..." + traceback[3 - LONGEST_TRACEBACK :] if long else traceback

    def __repr__(self) -> str:
        return f"Failed({self.text!r})"


def failed(error: BaseException) -> Failed:
    """What is told of an exception under way, also where little memory is left to tell it."""
    try:
        return Failed(sentence(error), traceback.format_exc(), error)
    except MemoryError:
        return Failed(type(error).__name__, "", error)
