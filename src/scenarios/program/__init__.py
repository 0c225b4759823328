"""A worker's steps as instructions, and `advance`, which goes from one operation to the next.

`advance(frame, answer)` runs local instructions until the worker has to do something that others
can see, and gives that operation; whoever performs it (a thread, a process, an explorer) comes
back with the answer. Nothing here performs anything.

`instructions` is what a program consists of, `frame` where a worker is in it, `arguments` what
an operation is given, `control` the local instructions, `advancing` the way through them.
"""

from __future__ import annotations

from scenarios.program.advancing import advance, refusal
from scenarios.program.arguments import Updater
from scenarios.program.control import ROUNDS
from scenarios.program.frame import FAILS, FALLS, RETURNS, STOPS, End, Frame
from scenarios.program.instructions import Operation, Program

__all__ = [
    "FAILS",
    "FALLS",
    "RETURNS",
    "ROUNDS",
    "STOPS",
    "End",
    "Frame",
    "Operation",
    "Program",
    "Updater",
    "advance",
    "refusal",
]
