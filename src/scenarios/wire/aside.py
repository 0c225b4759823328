"""Moves a file descriptor of ours out of the way of those that a worker's code opens and closes.

Code that closes every descriptor closes ours as well, and that is noticed. But what it opens next
gets the lowest numbers: under one of those our frames would go into its file.
"""

from __future__ import annotations

import fcntl
import os
import resource

LOWEST = 512
"""Half of the usual limit of 1,024 stays for others on either side."""


def aside(fd: int) -> int:
    """The same open file under a high number, closed by exec; `fd` itself where none is free."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        moved = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, min(LOWEST, soft // 2))
    except OSError:
        return fd
    os.close(fd)
    return moved
