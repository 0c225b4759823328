"""The engine's end of a worker in a process of its own: starting it, hearing it, its outcome."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable

from scenarios.errors import EnvironmentFault
from scenarios.supervision.host import HostPorts, Lines, finish, place
from scenarios.supervision.output import Stream
from scenarios.worker.child import HEAD, bundle, frame, unpack
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
        self._next_job = next_job
        self._job_done = job_done
        self.said: Outcome | None = None  # the outcome that it told itself
        self._heard = bytearray()
        env, cwd = place(plan, ports)
        self._sock, theirs = socket.socketpair()
        outputs = [os.pipe2(os.O_CLOEXEC) for _ in range(2)]
        try:
            self.child = ports.spawner().fork(
                bundle(plan, ports.setting, label),
                fresh=fresh,
                stdout=outputs[0][1],
                stderr=outputs[1][1],
                channel=theirs.fileno(),
                env=env,
                cwd=cwd,
            )
        except BaseException:
            self._sock.close()
            for read, _ in outputs:
                os.close(read)
            raise
        finally:
            theirs.close()
            for _, write in outputs:
                os.close(write)
        pump = ports.pump()
        self._streams: list[Stream] = []
        for (read, _), name in zip(outputs, ("stdout", "stderr"), strict=True):
            lines = Lines(ports, name)
            self._streams.append(pump.add(read, lines, lines.end))
        self._streams.append(pump.add(os.dup(self._sock.fileno()), self._hear))

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
        """The outcome of a worker that ended before it could tell one."""
        if code < 0:
            return Outcome("failed", error=f"ended by {signal_name(-code)}")
        return Outcome("failed", error=f"ended with exit code {code} before its work was done")

    def _hear(self, data: bytes) -> None:
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
            self.said = unpack(payload)
        elif letter == "D" and self._job_done is not None:
            self._job_done(int.from_bytes(payload[:8], "big"), unpack(payload[8:]))
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
