"""What the system has no more of: neither a fault of ours nor of a plugin."""

from __future__ import annotations

import errno
import os

from scenarios.errors import EnvironmentFault

CURES = {
    errno.EMFILE: "raise the limit of open files (`ulimit -n`), or let fewer workers run at once",
    errno.ENFILE: "close files of other programs, or let fewer workers run at once",
    errno.EAGAIN: "raise the limit of processes (`ulimit -u`), or let fewer workers run at once",
    errno.ENOMEM: "let fewer workers run at once",
    errno.ENOSPC: "make room on the disk",
}


def exhausted(error: BaseException | None) -> EnvironmentFault | None:
    """One sentence with the cure, where that is the cause of an error."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in CURES:
            return EnvironmentFault(f"{os.strerror(error.errno).lower()}: {CURES[error.errno]}")
        if isinstance(error, RuntimeError) and "start new thread" in str(error):
            return EnvironmentFault(f"no further thread can be started: {CURES[errno.EAGAIN]}")
        error = error.__cause__
    return None
