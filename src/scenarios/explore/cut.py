"""What the state machine cannot follow, and the exception that says so."""

from __future__ import annotations

from typing import NamedTuple


class Unmodelled(NamedTuple):
    """Something that exploring cannot follow: whose it is, at which line, and why."""

    worker: str
    line: int
    why: str


class Cut(BaseException):
    """A worker does what the machine cannot follow: nothing is known of what comes after.

    No `except` of a scenario catches it.
    """

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why
