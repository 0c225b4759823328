"""The command `scenarios`: one file a verb; nothing heavy is imported before it is needed."""

from __future__ import annotations

import atexit
import gc
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NoReturn

from scenarios.cli import output

VERSION = "0.1.0"
"""The version of the distribution, here so that `--version` reads no metadata (40 ms)."""


def main(words: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Without words it is the process's own: Ctrl-C and SIGTERM then end the process with 130 and 143
    wherever it is, unless a run hears them.
    """
    if words is None:
        _hear(_leave)
        atexit.register(_hear, signal.SIG_IGN)  # the interpreter's own end has no handlers any more
        words = sys.argv[1:]
        output.fill_gaps()
    words = list(words)
    output.install()
    if words[:1] in (["--version"], ["-V"]):
        with suppress(OSError):  # told below
            sys.stdout.write(f"scenarios {VERSION}\n")
        return output.told(0)
    collects = gc.isenabled()
    gc.disable()  # modules make much and drop little: 9% of the time to the first step
    try:
        from scenarios.cli.app import start

        return output.told(start(words))
    finally:
        if collects:
            gc.enable()


def _hear(handler: Callable[[int, object], NoReturn] | signal.Handlers) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handler)


def _leave(number: int, _: object) -> NoReturn:
    """Nothing runs, so nothing is lost; what has been printed was flushed."""
    os._exit(128 + number)
