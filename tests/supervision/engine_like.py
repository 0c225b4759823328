"""A program that is killed by the tests: it starts what is hard to end, and goes on starting.

Usage: python engine_like.py MARK [SECONDS BETWEEN STARTS]
"""

from __future__ import annotations

import os
import socket
import sys
import time

from scenarios.supervision.client import Spawner


def main(mark: str) -> None:
    """Until killed, or for 20 s."""
    spawner = Spawner.start(mark, preload=("supervision.entries",))
    null = os.open(os.devnull, os.O_RDWR)
    _ours, theirs = socket.socketpair()
    channel = theirs.fileno()
    end = time.monotonic() + 20
    for entry in ("family", "stubborn", "sleeps", "daemon"):
        spawner.fork(
            mark.encode(),
            entry=f"supervision.entries:{entry}",
            stdout=null,
            stderr=null,
            channel=channel,
        )
    print("ready", spawner.pid, spawner.guard_pid, flush=True)
    while time.monotonic() < end:
        spawner.command(["sleep", "60"], stdout=null, stderr=null)
        entry = "supervision.entries:daemon"
        spawner.fork(mark.encode(), entry=entry, stdout=null, stderr=null, channel=channel)
        time.sleep(0.02)


main(sys.argv[1])
