"""What ends a job's process, or only the job: called by scenarios of tests, which copy this file.

`kill`, `segfault` and `hard` end the process at once; `leave` and `error` are exceptions. Each can
happen when an object is made bytes, when it is read again, and in the call itself.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import Any, NoReturn

ENDS = {
    "kill": "ended by SIGKILL",
    "segfault": "ended by SIGSEGV",
    "hard": "ended with exit code 3 before its work was done",
    "leave": "exited with 4",
    "error": "ValueError: no luck",
}
"""How the process or the job ends, as its error says it."""

FATAL = ("kill", "segfault", "hard")
"""After these there is no process that could tell it."""

PLACES = (
    "pickled",
    "unpickled",
    "run",
    "result pickled",
    "result unpickled",
    "value",
    "value read",
)
CASES = [[place, how] for place in PLACES for how in ENDS]


def end(how: str) -> NoReturn:
    """End the process, or raise."""
    if how == "hard":
        os._exit(3)
    if how == "leave":
        sys.exit(4)
    if how == "error":
        raise ValueError("no luck")
    os.kill(os.getpid(), signal.SIGKILL if how == "kill" else signal.SIGSEGV)
    time.sleep(60)
    raise AssertionError("nobody lives so long")


class Pickled:
    """Ends when it is made bytes."""

    def __init__(self, how: str) -> None:
        self.how = how

    def __reduce__(self) -> Any:
        end(self.how)


class Unpickled(Pickled):
    """Ends when it is read."""

    def __reduce__(self) -> Any:
        return end, (self.how,)


def case(place: str, how: str, queue: Any, value: Any) -> Any:
    """One case; `queue` and `value` are this job's own."""
    if place == "run":
        end(how)
    if place.startswith("result"):
        return (Pickled if place == "result pickled" else Unpickled)(how)
    if place == "value":
        value.set(Pickled(how))
    elif place == "value read":
        value.set(Unpickled(how))
        value.get()
    elif place == "pickled":
        queue.put(Pickled(how))
    else:
        queue.put(Unpickled(how))
        queue.get(timeout=5)
    return "it went on"


def put(queue: Any, how: str) -> None:
    """Put one that ends who reads it."""
    queue.put(Unpickled(how))


def look(queue: Any, value: Any) -> None:
    """Use both, as one who meets nothing."""
    queue.put(value.get())
    queue.get(timeout=5)
