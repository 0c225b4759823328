"""A worker in a process of its own: what runs there, and its channel to the engine.

Frames on the channel: a length (4 bytes, big-endian), a letter, and the rest. From the worker:
`E` an event's line, `N` asks for a job, `D` a job is done (index, outcome), `O` the outcome (of a
pool's process: only what failed when it left).
From the engine: `J` and a job's index, `X` when there is none left.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import marshal
import os
import pickle
import signal
import struct
import threading
from collections.abc import Iterator
from dataclasses import astuple
from typing import Any

from scenarios.errors import Stopped
from scenarios.wire.aside import aside
from scenarios.worker import capture, modules
from scenarios.worker.access import Access
from scenarios.worker.commands import run_here
from scenarios.worker.crew import Crew
from scenarios.worker_plan import Outcome, Setting, WorkerPlan

HEAD = struct.Struct(">IB")

CUT_OFF = 74
"""Exit code of a process whose code has closed its channel: EX_IOERR of sysexits.h."""


def bundle(plan: WorkerPlan, setting: Setting, label: str) -> bytes:
    """What `main` is given: the work as bytes."""
    return pickle.dumps((plan, setting, label), 5)


def frame(letter: bytes, payload: bytes = b"") -> bytes:
    """One frame of the channel."""
    return HEAD.pack(len(payload) + 1, letter[0]) + payload


def pack(outcome: Outcome) -> bytes:
    """An outcome without jobs as bytes; what cannot travel is told in its place."""
    values = list(astuple(outcome))
    try:
        return marshal.dumps(values)
    except ValueError:
        values[1] = None
        return marshal.dumps(values)


def unpack(data: bytes) -> Outcome:
    """The outcome that `pack` made bytes of."""
    return Outcome(*marshal.loads(data))


class Channel:
    """The worker's end; written by all of its threads, and by the processes that they fork.

    `lost`: its code has closed it, so that nobody hears any more of this process.
    """

    def __init__(self, fd: int) -> None:
        self._fd = aside(fd)
        self._mutex = threading.RLock()
        self._turns = -1  # a file that is locked for each frame, once another process writes, too
        self.lost = False
        os.register_at_fork(before=self._share, after_in_child=self._renew)

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        with self._mutex:
            if self._turns < 0:
                yield
                return
            fcntl.lockf(self._turns, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.lockf(self._turns, fcntl.LOCK_UN)

    def _share(self) -> None:
        if self._turns < 0:
            self._turns = aside(os.memfd_create("turns", os.MFD_CLOEXEC))

    def _renew(self) -> None:
        self._mutex = threading.RLock()  # a thread that is not here may have held it

    def send(self, letter: bytes, payload: bytes = b"") -> None:
        """Send one frame whole; an engine that is gone ends the worker by other means."""
        data = memoryview(frame(letter, payload))
        try:
            with self._turn():
                while data:
                    data = data[os.write(self._fd, data) :]
        except OSError as error:
            self.lost |= error.errno == errno.EBADF

    def event(self, line: bytes) -> None:
        """Send an event's line."""
        self.send(b"E", line)

    def next_job(self) -> int | None:
        """Ask for a job's index; None when there is none left."""
        self.send(b"N")
        if self.lost:
            return None
        head = self._read(HEAD.size)
        length, letter = HEAD.unpack(head) if head else (1, ord("X"))
        payload = self._read(length - 1)
        return int.from_bytes(payload, "big") if letter == ord("J") else None

    def _read(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            piece = os.read(self._fd, count - len(data))
            if not piece:
                return b""
            data += piece
        return data


def main(packed: bytes, channel_fd: int) -> int:
    """Run a worker, or jobs of a pool until there are none left; the process's exit code."""
    plan, setting, label = pickle.loads(packed)
    channel = Channel(channel_fd)
    crew = Crew(plan, setting, label, Access(setting), run_here, channel.event)
    modules.reach(setting.modules, last=setting.limited)
    capture.whole_process(crew.event)
    stop = _end_on_term(crew)
    try:
        if plan.jobs is not None:
            code = _jobs(plan, crew, channel, stop)
        else:
            code = _once(crew, channel, stop)
    except Stopped:
        channel.send(b"O", pack(stop.noted(Outcome("terminated"))))
        code = -signal.SIGTERM
    capture.flush_all()
    crew.leave()
    if channel.lost:
        return CUT_OFF
    if code == -signal.SIGTERM:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)
    return code


class _Stop:
    """Where the worker was when SIGTERM came."""

    line: int | None = None

    def noted(self, outcome: Outcome) -> Outcome:
        """The outcome; of who was stopped with that line."""
        if outcome.state == "terminated":
            outcome.line = self.line
        return outcome


def _end_on_term(crew: Crew) -> _Stop:
    performer = crew.here()  # made now: a handler must not make it
    stop = _Stop()

    def handle(*_: Any) -> None:
        if stop.line is None:
            stop.line = performer.doing.line if performer.doing is not None else crew.plan.line
        crew.stop()
        if performer.in_code:
            performer.told = True
            performer.party.stopped = False
            raise Stopped("stopped by SIGTERM")

    signal.signal(signal.SIGTERM, handle)
    return stop


def _once(crew: Crew, channel: Channel, stop: _Stop) -> int:
    outcome = stop.noted(crew.run())
    capture.flush()
    errors = crew.leave()
    if errors and outcome.state == "succeeded":
        outcome = Outcome("failed", error="; ".join(errors), line=crew.plan.line)
    channel.send(b"O", pack(outcome))
    return exit_code(outcome)


def _jobs(plan: WorkerPlan, crew: Crew, channel: Channel, stop: _Stop) -> int:
    assert plan.jobs is not None
    while (index := channel.next_job()) is not None:
        outcome = stop.noted(crew.run((index, plan.jobs[index])))
        capture.flush()
        channel.send(b"D", index.to_bytes(8, "big") + pack(outcome))
        if outcome.state == "terminated":
            return -signal.SIGTERM
    errors = crew.leave()
    if errors:
        channel.send(b"O", pack(Outcome("failed", error="; ".join(errors), line=crew.plan.line)))
    return 0


def exit_code(outcome: Outcome) -> int:
    """The exit code of a worker's process."""
    if outcome.exit_code is not None:
        return outcome.exit_code
    if outcome.state == "terminated":
        return -signal.SIGTERM
    return 0 if outcome.state == "succeeded" else 1
