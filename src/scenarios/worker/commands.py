"""The `run` step in a worker's own process: a command, waited for."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Sequence
from typing import Any

from scenarios.answers import STOP, TIMED_OUT, Failed
from scenarios.worker.performer import Performer

LARGEST_OUTPUT = 1 << 20
"""Bytes kept of each output of a command."""

LAST_WORDS = 1.0
"""Seconds to read what a command that ended has left; what it started may hold its pipes open."""

_CHUNK = 1 << 16


def run_here(
    words: Sequence[str], stdin: str | None, timeout: float | None, performer: Performer
) -> Any:
    """Run a command: {"exit_code", "stdout", "stderr"}, or why that could not be.

    It leads a process group of its own, so that all of it can be ended.
    """
    pipe = subprocess.PIPE
    try:
        process = subprocess.Popen(
            list(words),
            stdin=subprocess.DEVNULL if stdin is None else pipe,
            stdout=pipe,
            stderr=pipe,
            process_group=0,
        )
    except (OSError, ValueError) as error:
        return Failed(not_started(words[0] if words else "", error))

    def kill() -> None:
        if process.returncode is None:
            with contextlib.suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)

    performer.interrupts.append(kill)
    if performer.stopped and not performer.told:
        kill()  # the stop came before there was something to interrupt
    try:
        talk = _Talk(process, stdin)
        late = not talk.until(None if timeout is None else time.monotonic() + timeout)
        if late:
            kill()
            talk.until(time.monotonic() + LAST_WORDS)
    finally:
        performer.interrupts.remove(kill)
        for file in (process.stdin, process.stdout, process.stderr):
            if file is not None:
                with contextlib.suppress(OSError):
                    file.close()
    if performer.stopped and not performer.told:
        performer.told = True
        return STOP
    if late:
        return TIMED_OUT
    stdout, stderr = (bytes(kept).decode("utf-8", "replace") for kept in talk.kept.values())
    return {"exit_code": process.returncode, "stdout": stdout, "stderr": stderr}


class _Talk:
    """Feeds a command and reads it; `kept` has the beginning of each output by descriptor."""

    def __init__(self, process: subprocess.Popen[bytes], stdin: str | None) -> None:
        assert process.stdout is not None and process.stderr is not None
        self._process = process
        self._left = memoryview((stdin or "").encode())
        self.kept = {process.stdout.fileno(): bytearray(), process.stderr.fileno(): bytearray()}
        self._open = set(self.kept)
        self._poll = select.poll()
        for fd in self._open:
            self._poll.register(fd, select.POLLIN)
        if process.stdin is not None:
            os.set_blocking(process.stdin.fileno(), False)
            self._poll.register(process.stdin.fileno(), select.POLLOUT)

    def until(self, deadline: float | None) -> bool:
        """Until the command has ended and all is read; False where the deadline came first."""
        over: float | None = None  # when what it left is no longer waited for
        ended = os.pidfd_open(self._process.pid) if self._process.returncode is None else -1
        if ended >= 0:
            self._poll.register(ended, select.POLLIN)
        try:
            while self._open or over is None:
                bounds = [one for one in (deadline, over) if one is not None]
                patience = max(0.0, min(bounds) - time.monotonic()) * 1000 if bounds else None
                ready = self._poll.poll(patience)
                for fd, _ in ready:
                    if fd == ended:
                        self._process.wait()
                        self._poll.unregister(ended)
                        over = time.monotonic() + LAST_WORDS
                    else:
                        self._move(fd)
                if over is not None and time.monotonic() >= over:
                    return True
                if over is None and deadline is not None and time.monotonic() >= deadline:
                    return False
            return True
        finally:
            if ended >= 0:
                with contextlib.suppress(KeyError):
                    self._poll.unregister(ended)
                os.close(ended)

    def _move(self, fd: int) -> None:
        """Read a piece of an output, or write one of the input."""
        kept = self.kept.get(fd)
        if kept is None:
            self._write(fd)
            return
        data = os.read(fd, _CHUNK)
        kept += data[: max(0, LARGEST_OUTPUT - len(kept))]
        if not data:
            self._open.discard(fd)
            self._poll.unregister(fd)

    def _write(self, fd: int) -> None:
        try:
            self._left = self._left[os.write(fd, self._left[:_CHUNK]) :]
        except BlockingIOError:
            return
        except OSError:
            self._left = memoryview(b"")  # it reads no more
        if not self._left:
            self._poll.unregister(fd)
            assert self._process.stdin is not None
            self._process.stdin.close()


def not_started(program: str, error: Exception) -> str:
    """One sentence on a command that could not be started."""
    if isinstance(error, FileNotFoundError):
        return f"command {program!r} was not found; install it or correct its name"
    return f"command {program!r} cannot be started: {getattr(error, 'strerror', None) or error}"
