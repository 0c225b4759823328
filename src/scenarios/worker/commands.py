"""The `run` step in a worker's own process: a command, waited for."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Sequence
from typing import Any

from scenarios.answers import STOP, TIMED_OUT, Failed
from scenarios.worker.performer import Performer

LARGEST_OUTPUT = 1 << 20
"""Characters kept of each output of a command."""


def run_here(
    words: Sequence[str], stdin: str | None, timeout: float | None, performer: Performer
) -> Any:
    """Run a command: {"exit_code", "stdout", "stderr"}, or why that could not be.

    It belongs to the worker's process group, so that it ends with the worker.
    """
    try:
        process = subprocess.Popen(
            list(words),
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
    except OSError as error:
        return Failed(not_started(words[0] if words else "", error))
    performer.interrupts.append(process.kill)
    try:
        stdout, stderr = process.communicate(stdin, timeout or None)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return TIMED_OUT
    finally:
        with contextlib.suppress(ValueError):
            performer.interrupts.remove(process.kill)
    if performer.stopped and not performer.told:
        performer.told = True
        return STOP
    return {
        "exit_code": process.returncode,
        "stdout": stdout[:LARGEST_OUTPUT],
        "stderr": stderr[:LARGEST_OUTPUT],
    }


def not_started(program: str, error: OSError) -> str:
    """One sentence on a command that could not be started."""
    if isinstance(error, FileNotFoundError):
        return f"command {program!r} was not found; install it or correct its name"
    return f"command {program!r} cannot be started: {error.strerror or error}"
