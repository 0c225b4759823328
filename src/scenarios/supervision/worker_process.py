"""The engine's end of a worker in a process of its own: starting it, hearing it, its outcome."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from scenarios.errors import EnvironmentFault, sentence
from scenarios.supervision.host import HostPorts, Lines, finish, place
from scenarios.supervision.output import Stream
from scenarios.supervision.under_way import under_way
from scenarios.worker.child import CUT_OFF, HEAD, bundle, frame, unpack
from scenarios.worker_plan import Outcome, WorkerPlan


class WorkerProcess:
    """One child that runs a worker's program, or jobs of a pool that `next_job` hands out.

    `job_done` gets each job's index and outcome; both are called on the pump's thread.
    """

    def __init__(
        self,
        plan: WorkerPlan,
        ports: HostPorts,
        label: str,
        *,
        fresh: bool = False,
        next_job: Callable[[], int | None] | None = None,
        job_done: Callable[[int, Outcome], None] | None = None,
    ) -> None:
        self._ports = ports
        self._label = label
        self._next_job = next_job
        self._job_done = job_done
        self.said: Outcome | None = None  # the outcome that it told itself
        self._heard = bytearray()
        self._damage = ""
        try:
            pump = ports.pump()
            reads = self._begin(plan, fresh)
        except OSError as error:
            raise EnvironmentFault(
                f"a process cannot be started: {error}; let the engine have more open files"
                " (`ulimit -n`), or use fewer processes at a time"
            ) from error
        self._streams: list[Stream] = []
        for read, name in zip(reads, ("stdout", "stderr"), strict=False):
            lines = Lines(ports, name)
            self._streams.append(pump.add(read, lines, lines.end))
        self._streams.append(pump.add(reads[2], self._hear))

    def _begin(self, plan: WorkerPlan, fresh: bool) -> list[int]:
        """Start it; where to read its output, its errors and its channel."""
        env, cwd = place(plan, self._ports)
        with ExitStack() as theirs, ExitStack() as ours:
            self._sock, channel = socket.socketpair()
            ours.callback(self._sock.close)
            theirs.callback(channel.close)
            reads, writes = [], []
            for _ in range(2):
                read, write = os.pipe2(os.O_CLOEXEC)
                ours.callback(os.close, read)
                theirs.callback(os.close, write)
                reads.append(read)
                writes.append(write)
            reads.append(os.dup(self._sock.fileno()))
            ours.callback(os.close, reads[2])
            self.child = self._ports.spawner().fork(
                bundle(plan, self._ports.setting, self._label),
                fresh=fresh,
                stdout=writes[0],
                stderr=writes[1],
                channel=channel.fileno(),
                env=env,
                cwd=cwd,
            )
            ours.pop_all()  # they stay open
        return reads

    def wait(self, timeout: float | None = None) -> Outcome | None:
        """How it ended, once all that it said is read; None after `timeout` seconds."""
        try:
            code = self.child.wait(timeout)
        except EnvironmentFault:  # nobody knows how it ended, but it did
            self._wind_up()
            raise
        if code is None:
            return None
        self._wind_up()
        outcome = self.said or self._unsaid(code)
        outcome.exit_code = code
        outcome.pid = self.child.pid
        return outcome

    def _wind_up(self) -> None:
        finish(self._streams)
        self._sock.close()

    def _unsaid(self, code: int) -> Outcome:
        """The outcome of a worker that ended before it could tell one, at the step it was in."""
        journal, pid = Path(self._ports.setting.journal), self.child.pid
        begun = under_way(journal / f"{self._label}.{pid}.jsonl") or {}
        error = f"ended by {signal_name(-code)}"
        if code >= 0:
            error = f"ended with exit code {code} before its work was done"
        if code == CUT_OFF:
            error = "lost its channel to the engine: let its code close only what it has opened"
        if self._damage:
            error = f"wrote what is no message into its channel to the engine: {self._damage}"
        return Outcome("failed", error=error, line=begun.get("line"))

    def _ended(self, outcome: Outcome) -> Outcome:
        """Who followed a SIGTERM that the engine has not sent was ended from outside."""
        if outcome.state == "terminated" and not self.child.asked:
            outcome.state, outcome.error = "failed", "ended by SIGTERM"
        elif outcome.state == "terminated":
            outcome.line = None
        return outcome

    def _hear(self, data: bytes) -> None:
        if self._damage:
            return
        try:
            self._read(data)
        except Exception as error:  # it would wait for an answer for ever
            self._damage = sentence(error)
            self.child.kill()

    def _read(self, data: bytes) -> None:
        heard = self._heard
        heard += data
        while len(heard) >= HEAD.size:
            length, letter = HEAD.unpack_from(heard)
            if len(heard) < HEAD.size + length - 1:
                return
            payload = bytes(heard[HEAD.size : HEAD.size + length - 1])
            del heard[: HEAD.size + length - 1]
            self._act(chr(letter), payload)

    def _act(self, letter: str, payload: bytes) -> None:
        if letter == "E":
            self._ports.observe(payload)
        elif letter == "O":
            self.said = self._ended(unpack(payload))
        elif letter == "D" and self._job_done is not None:
            self._job_done(int.from_bytes(payload[:8], "big"), self._ended(unpack(payload[8:])))
        elif letter == "N" and self._next_job is not None:
            index = self._next_job()
            answer = frame(b"X") if index is None else frame(b"J", index.to_bytes(8, "big"))
            try:
                self._sock.sendall(answer)
            except OSError:
                return  # it died in between; its end tells


def signal_name(number: int) -> str:
    """SIGKILL for 9, and the like."""
    import signal

    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
