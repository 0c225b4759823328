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

LEAVING = 0.1
"""Seconds that its children have to leave its group then, as a server does that puts itself in the
background; those that stay are killed."""

_LOOK = 0.005
"""Seconds between two looks at who is still there."""

_CHUNK = 1 << 16


def run_here(
    words: Sequence[str], stdin: str | None, timeout: float | None, performer: Performer
) -> Any:
    """Run a command: {"exit_code", "stdout", "stderr"}, or why that could not be.

    It leads a session and a group of its own, as any command of a run does, so that all of it can
    be ended: asked where the worker is stopped, by force where it is out of time.
    """
    try:
        talk = _Talk(words, stdin)
    except (OSError, ValueError) as error:
        return Failed(not_started(words[0] if words else "", error))
    performer.interrupts.append(talk.ask)
    if performer.stopped and not performer.told:
        talk.ask()  # the stop came before there was something to interrupt
    try:
        late = not talk.until(None if timeout is None else time.monotonic() + timeout)
        stopped = performer.stopped and not performer.told
        if late or stopped:
            talk.force()
        else:
            talk.finish()
    finally:
        performer.interrupts.remove(talk.ask)
        talk.close()
    if stopped:
        performer.told = True
        return STOP
    return TIMED_OUT if late else talk.answer()


class _Talk:
    """A command that is fed and read; `kept` has the beginning of each output by descriptor."""

    def __init__(self, words: Sequence[str], stdin: str | None) -> None:
        pipe = subprocess.PIPE
        source = subprocess.DEVNULL if stdin is None else pipe
        self._process = process = subprocess.Popen(
            list(words), stdin=source, stdout=pipe, stderr=pipe, start_new_session=True
        )
        assert process.stdout is not None and process.stderr is not None
        self._left = memoryview((stdin or "").encode())
        self.kept = {process.stdout.fileno(): bytearray(), process.stderr.fileno(): bytearray()}
        self._open = set(self.kept)
        self._poll = select.poll()
        for fd in self._open:
            self._poll.register(fd, select.POLLIN)
        self._stdin = -1
        if process.stdin is not None:
            self._stdin = process.stdin.fileno()
            os.set_blocking(self._stdin, False)
            self._poll.register(self._stdin, select.POLLOUT)

    def ask(self) -> None:
        """Ask its group to end; what is stopped by a signal can follow."""
        if self._process.returncode is None:
            _signal(self._process.pid, signal.SIGTERM)
            _signal(self._process.pid, signal.SIGCONT)

    def force(self) -> None:
        """End its group now; nobody is interested in what it says any more."""
        _signal(self._process.pid, signal.SIGKILL)
        self.until(time.monotonic() + LAST_WORDS)
        self._process.poll()

    def answer(self) -> dict[str, Any]:
        """What the step gives."""
        stdout, stderr = (bytes(kept).decode("utf-8", "replace") for kept in self.kept.values())
        return {"exit_code": self._process.returncode, "stdout": stdout, "stderr": stderr}

    def close(self) -> None:
        """Let its files go."""
        for file in (self._process.stdin, self._process.stdout, self._process.stderr):
            if file is not None:
                with contextlib.suppress(OSError):
                    file.close()

    def until(self, deadline: float | None) -> bool:
        """Until the command has ended, not yet reaped; False where the deadline came first."""
        ended = os.pidfd_open(self._process.pid)
        self._poll.register(ended, select.POLLIN)
        try:
            while ended not in self._turn(deadline):
                if deadline is not None and time.monotonic() >= deadline:
                    return False
            return True
        finally:
            self._poll.unregister(ended)
            os.close(ended)

    def finish(self) -> None:
        """It has ended: reap it, end who stays in its group, and read what they have left."""
        self._process.wait()
        end = time.monotonic() + LEAVING
        while _signal(self._process.pid, 0):
            if time.monotonic() >= end:
                _signal(self._process.pid, signal.SIGKILL)
                break
            self._turn(min(time.monotonic() + _LOOK, end))
        end += LAST_WORDS
        while self._open and time.monotonic() < end:
            self._turn(end)

    def _turn(self, deadline: float | None) -> set[int]:
        """Move what can be moved, once; the descriptors that were ready, none after `deadline`."""
        patience = None if deadline is None else max(0.0, deadline - time.monotonic()) * 1000
        ready = {fd for fd, _ in self._poll.poll(patience)}
        for fd in ready:
            if fd in self.kept:
                self._read(fd)
            elif fd == self._stdin:
                self._write(fd)
        return ready

    def _read(self, fd: int) -> None:
        data = os.read(fd, _CHUNK)
        kept = self.kept[fd]
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


def _signal(group: int, number: int) -> bool:
    """Whether there is somebody in a group; its number is not given away as long as there is."""
    try:
        os.killpg(group, number)
    except OSError:
        return False
    return True


def not_started(program: str, error: Exception) -> str:
    """One sentence on a command that could not be started."""
    if isinstance(error, FileNotFoundError):
        return f"command {program!r} was not found; install it or correct its name"
    return f"command {program!r} cannot be started: {getattr(error, 'strerror', None) or error}"
