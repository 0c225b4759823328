"""The executor `subprocess`: a command with input, output and exit code."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any

from scenarios.contracts import Handle, Status
from scenarios.errors import EnvironmentFault
from scenarios.supervision.host import HostPorts, Lines, finish, place
from scenarios.supervision.output import BoundedOutput, Stream
from scenarios.supervision.queue_pipes import Ended, feed, put_lines, text_of
from scenarios.supervision.worker_process import signal_name
from scenarios.worker.performer import Performer
from scenarios.worker_plan import CommandPlan, Outcome, WorkerPlan

LARGEST_OUTPUT = 1 << 20
"""Bytes kept of each output: half from its beginning, half from its end."""


class SubprocessExecutor:
    """Starts commands through the spawner."""

    def start(self, plan: WorkerPlan, ports: HostPorts) -> Handle:
        """Start the command."""
        return SubprocessHandle(plan, ports)


class SubprocessHandle:
    """A running command; threads feed it from a queue or put its lines into one."""

    def __init__(self, plan: WorkerPlan, ports: HostPorts) -> None:
        assert plan.command is not None
        self._plan = plan
        self._ports = ports
        self._kept: dict[str, BoundedOutput] = {}
        self._streams: list[Stream] = []
        self._threads: list[threading.Thread] = []
        self._failures: list[str] = []
        self._feeder: Performer | None = None
        self._stopping = False
        self._begin(plan.command)

    def _begin(self, command: CommandPlan) -> None:
        words = [text_of(self._ports.evaluate(word)) for word in command.words]
        env, cwd = place(self._plan, self._ports)
        self._ended = Ended()
        opened: list[int] = []  # ours until the command has its copies
        feed = out = err = None
        try:
            stdin, feed = self._input(command, opened)
            stdout, out = self._output(command.stdout, 1, opened)
            stderr, err = self._output(command.stderr, 2, opened)
            self.child = self._ports.spawner().command(
                words, stdin=stdin, stdout=stdout, stderr=stderr, env=env, cwd=cwd
            )
        except BaseException:
            opened += [fd for fd in (feed, out, err) if fd is not None]
            self._ended.close()
            raise
        finally:
            for fd in opened:
                os.close(fd)
        self.pid = self.child.pid
        if command.stdin_queue is not None:
            self._thread(self._feed, command.stdin_queue, feed)
        for to, read, name in ((command.stdout, out, "stdout"), (command.stderr, err, "stderr")):
            if isinstance(to, tuple):
                self._thread(self._put_lines, to[1], read)
            elif read is not None:
                self._keep(read, name)

    def _input(self, command: CommandPlan, opened: list[int]) -> tuple[int | None, int | None]:
        """(the command's standard input, where to feed it)."""
        if command.stdin is not None:
            memory = os.memfd_create("stdin", os.MFD_CLOEXEC)
            opened.append(memory)
            with os.fdopen(os.dup(memory), "wb") as file:
                file.write(text_of(self._ports.evaluate(command.stdin)).encode())
            os.lseek(memory, 0, os.SEEK_SET)
            return memory, None
        if command.stdin_queue is None:
            return None, None
        read, write = os.pipe2(os.O_CLOEXEC)
        opened.append(read)
        return read, write

    def _output(
        self, to: str | tuple[str, str], inherited: int, opened: list[int]
    ) -> tuple[int, int | None]:
        """(the command's output, where to read it)."""
        if to == "inherit":
            return inherited, None
        if to == "discard":
            opened.append(os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC))
            return opened[-1], None
        read, write = os.pipe2(os.O_CLOEXEC)
        opened.append(write)
        return write, read

    def _keep(self, read: int, name: str) -> None:
        kept = self._kept[name] = BoundedOutput(LARGEST_OUTPUT)
        lines = Lines(self._ports, name)

        def data(piece: bytes) -> None:
            kept(piece)
            lines(piece)

        self._streams.append(self._ports.pump().add(read, data, lines.end))

    def _thread(self, target: Callable[..., str | None], *args: Any) -> None:
        def run() -> None:
            try:
                problem = target(*args)
                if problem is not None:
                    self._failures.append(problem)
            finally:
                self._ports.leave()

        thread = threading.Thread(target=run, name=f"{self._plan.name}-pipe", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _feed(self, queue: str, write: int) -> str | None:
        performer = self._feeder = self._ports.crew().here()
        self._ports.on_input_over(performer.stop)
        if self.child.returncode is not None:  # `wait` came before there was a feeder to stop
            performer.stop(kill=True)
        return feed(performer, queue, self._plan.line, write, self._ended)

    def _put_lines(self, queue: str, read: int) -> str | None:
        performer = self._ports.crew().here()
        return put_lines(performer, queue, self._plan.line, read, self._ended)

    # -- its end -------------------------------------------------------------------------------

    def wait(self, timeout: float | None = None) -> Outcome | None:
        """The outcome, once all of its output is read; None after `timeout` seconds."""
        try:
            code = self.child.wait(timeout)
        except EnvironmentFault:  # nobody knows how it ended, but it did
            self._wind_up()
            raise
        if code is None:
            return None
        self._wind_up()
        texts = {name: kept.text() for name, kept in self._kept.items()}
        error = None
        if code:
            error = f"ended by {signal_name(-code)}" if code < 0 else f"exit code {code}"
        elif self._failures:
            error = self._failures[0]
        return Outcome(
            "failed" if error else "succeeded",
            None,
            error,
            self._plan.line if error else None,
            exit_code=code,
            stdout=texts.get("stdout", ""),
            stderr=texts.get("stderr", ""),
            pid=self.child.pid,
        )

    def _wind_up(self) -> None:
        """Read what it left, and end what fed it and took its lines."""
        self._ended.tell()
        if self._feeder is not None:
            self._feeder.stop(kill=True)  # it would wait for items that nobody reads
        if self._stopping:
            self._ports.stop()
        finish(self._streams)
        for thread in self._threads:
            thread.join()  # a put may wait for room in its queue, as long as nobody stops it
        self._ended.close()

    def stop(self) -> None:
        """SIGTERM to its group; lines that wait for room in a queue wait no more once it ended."""
        self._stopping = True
        self.child.terminate()
        if self.child.returncode is not None:
            self._ports.stop()

    def kill(self) -> None:
        """SIGKILL to its group."""
        self.child.kill()
        self._ports.stop(kill=True)

    @property
    def status(self) -> Status:
        """Whether it has not been reaped yet."""
        return "running" if self.child.returncode is None else "ended"
