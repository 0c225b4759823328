"""The command `scenarios`: one file a verb; nothing heavy is imported before it is needed."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from contextlib import suppress

from scenarios.cli import output

VERSION = "0.1.0"
"""The version of the distribution, here so that `--version` reads no metadata (40 ms)."""


def main(words: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; without words those of the process."""
    words = sys.argv[1:] if words is None else list(words)
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
