"""The engine's side of supervision: a spawner, children started through it, their end.

Thread-safe. One thread reads what the spawner reports; every wait ends when the spawner does.
"""

from __future__ import annotations

import itertools
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from scenarios.errors import EnvironmentFault
from scenarios.supervision import frames, leftovers, marks, orders, proctable

# Seconds that a start, and an end beyond its grace, may take before the spawner is taken for stuck.
_START_LIMIT = 30.0
_END_LIMIT = 5.0
_LOOK = 1.0  # seconds without an answer after which it is looked whether a signal has stopped it


class Child:
    """One process started through a spawner; it leads a session and a process group of its own."""

    def __init__(self, spawner: Spawner, key: int) -> None:
        self._spawner = spawner
        self._key = key
        self._answered = threading.Event()
        self._ended = threading.Event()
        self._refusal: EnvironmentFault | None = None
        self.pid = 0
        self.returncode: int | None = None
        self.lost = False  # the spawner ended first, so nobody knows how the child ended
        self.asked = False  # to end, by the engine

    def __repr__(self) -> str:
        return f"<Child {self.pid}, returncode {self.returncode}>"

    def wait(self, timeout: float | None = None) -> int | None:
        """The exit code, or minus the signal's number; None after `timeout` seconds.

        Any number of threads may wait. Raises EnvironmentFault when the spawner was ended from
        outside.
        """
        if not self._ended.wait(timeout):
            return None
        if self.lost:
            raise self._spawner.loss()
        return self.returncode

    def terminate(self) -> None:
        """Ask the group to end: SIGTERM, and SIGCONT so that a stopped process can follow it.

        Once the child has ended, what it has left elsewhere is killed: see `kill`. Nothing happens
        when it has ended already.
        """
        self.asked = True
        self._spawner._tell(("terminate", self._key, None))

    def kill(self) -> None:
        """SIGKILL to the group and to everything that the child has started, stopped or not.

        Daemons in sessions of their own included, unless they have cleared their environment as
        well: those are ended by `close`.
        """
        self.asked = True
        self._spawner._tell(("kill", self._key, None))


class Spawner:
    """The spawner process of one run."""

    def __init__(self, process: subprocess.Popen[bytes], sock: socket.socket, mark: str) -> None:
        self._process = process
        self._sock = sock
        self._mark = mark
        self._keys = itertools.count(1)
        self._children: dict[int, Child] = {}
        self._sending = threading.Lock()
        self._closing = threading.Lock()
        self._closed = False
        self._over = threading.Event()
        self.pid = 0  # known once the spawner has come up
        self.guard_pid = process.pid
        self._reader = threading.Thread(target=self._read, name="scenarios-spawner", daemon=True)
        self._reader.start()

    @classmethod
    def start(cls, mark: str, preload: Sequence[str] = ("scenarios.worker",)) -> Spawner:
        """Start a spawner and return at once, while it comes up.

        `mark` is the run's id, the environment variable SCENARIOS_RUN of everything below.
        `preload` are the modules that all workers need. Raises EnvironmentFault where processes
        cannot be supervised.
        """
        if not hasattr(os, "pidfd_open") or not hasattr(os, "memfd_create"):
            raise EnvironmentFault(
                "processes cannot be supervised on this system, which lacks pidfds: "
                "use Linux 5.3 or newer, or the executor thread"
            )
        ours, theirs = socket.socketpair()
        leftovers.adopt()
        try:
            process = orders.launch(theirs.fileno(), mark, preload)
        except OSError as error:
            leftovers.release()
            ours.close()
            raise EnvironmentFault(f"the spawner cannot be started: {error}") from error
        finally:
            theirs.close()
        return cls(process, ours, mark)

    @property
    def alive(self) -> bool:
        """Whether it can start something: neither closed nor ended from outside."""
        return not self._closed and not self._over.is_set()

    @property
    def stopped(self) -> bool:
        """Whether it is held by a signal, and so starts, tells and ends nothing."""
        return not self._over.is_set() and proctable.is_stopped(self.pid or self.guard_pid)

    def fork(
        self,
        bundle: bytes,
        *,
        entry: str = "scenarios.worker:main",
        fresh: bool = False,
        stdout: int,
        stderr: int,
        channel: int,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        stdin: int | None = None,
    ) -> Child:
        """A Python child that calls `entry(bundle, channel's descriptor)` and ends with its result.

        It is forked from the spawner, or with `fresh` begins in an interpreter of its own. `env`
        adds to what the engine had when the spawner was started. Its end is the end of its process
        group. Raises EnvironmentFault.
        """
        make = orders.fresh_worker if fresh else orders.forked_worker
        fds, request, made = make(bundle, entry, channel)
        try:
            return self._start(request, fds, (stdin, stdout, stderr), env, cwd)
        finally:
            os.close(made)

    def command(
        self,
        argv: Sequence[str],
        *,
        stdin: int | None = None,
        stdout: int,
        stderr: int,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        extra_fds: Sequence[int] = (),
    ) -> Child:
        """A program, found by the PATH of its own environment; `extra_fds` keep their numbers.

        When it has ended, its children have 100 ms to leave its process group, as a server does
        that puts itself in the background; those that stay are killed then, the others by `close`.
        Raises EnvironmentFault that says which program or folder is missing or cannot be used.
        """
        orders.check(argv, env, cwd)
        fds = {fd: fd for fd in extra_fds}
        request = {"entry": None, "argv": list(argv), "leaving": True}
        return self._start(request, fds, (stdin, stdout, stderr), env, cwd)

    def _start(
        self,
        request: dict[str, Any],
        fds: dict[int, int],
        standard: tuple[int | None, int, int],
        env: Mapping[str, str] | None,
        cwd: str | None,
    ) -> Child:
        fds |= {number: fd for number, fd in enumerate(standard) if fd is not None}
        request["files"] = list(fds)
        child = Child(self, next(self._keys))
        request["env"] = {**(env or {}), **marks.marked(self._mark, child._key)}
        request["cwd"] = None if cwd is None else os.path.abspath(cwd)
        self._children[child._key] = child
        if not self._tell(("start", child._key, request), list(fds.values())):
            self._children.pop(child._key, None)
            raise self.loss()
        latest = time.monotonic() + _START_LIMIT
        while not child._answered.wait(_LOOK):
            if self.stopped:
                raise EnvironmentFault(f"{self.held()} and does not say whether this has started")
            if time.monotonic() >= latest:
                raise EnvironmentFault(f"the spawner started no child within {_START_LIMIT:.0f} s")
        if child._refusal:
            raise child._refusal
        if child.lost and not child.pid:
            raise self.loss()
        return child

    def _tell(self, message: tuple[Any, ...], fds: Sequence[int] = ()) -> bool:
        """False when there is no spawner to tell it to."""
        with self._sending:
            if self._over.is_set() or (self._closed and message[0] == "start"):
                return False
            try:
                frames.send(self._sock, message, fds)
            except ConnectionError:
                return False
            except OSError as error:
                raise EnvironmentFault(f"the spawner cannot {message[0]}: {error}") from error
        return True

    def held(self) -> str:
        """What is told of it when it is stopped."""
        return (
            f"the spawner (process {self.pid or self.guard_pid}), which starts, watches and ends "
            "the workers, is stopped by a signal"
        )

    def loss(self) -> EnvironmentFault:
        """Why nothing can be started or known any more."""
        if self._closed:
            return EnvironmentFault("the run is being ended: nothing more is started")
        return EnvironmentFault(
            f"the spawner (process {self.pid or self.guard_pid}), which starts and watches the "
            "workers, was ended from outside; its workers were ended with it: run again"
        )

    def _read(self) -> None:
        """The reader thread: until the spawner's end of the socket closes."""
        while received := frames.receive(self._sock):
            self._hear(*received[0])
        if not self._closed:
            self._end_what_is_left()
        with self._sending:
            self._over.set()
        for child in list(self._children.values()):
            child.lost = True
            child._answered.set()
            child._ended.set()
        self._children.clear()

    def _hear(self, verb: str, key: int, argument: Any = None) -> None:
        if verb == "hello":
            self.pid = key
            return
        child = self._children[key]
        if verb == "started":
            child.pid = argument
        elif verb == "failed":
            child._refusal = orders.refusal(*argument)
            del self._children[key]
        else:
            child.returncode = argument
            del self._children[key]
            child._ended.set()
        child._answered.set()

    def _end_what_is_left(self) -> None:
        """The guard ends what a killed spawner leaves; without it this process does."""
        sessions = {child.pid for child in list(self._children.values()) if child.pid}
        try:
            self._process.wait(0.0 if proctable.is_stopped(self.guard_pid) else _END_LIMIT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        leftovers.end(self._mark, sessions | {self.pid})

    def close(self, grace: float = 0.0) -> None:
        """End everything left, by SIGTERM and after `grace` seconds by SIGKILL, then the spawner.

        Nothing below it is left when this returns. May be called again, and from several threads.
        """
        with self._closing:
            if self._closed:
                return
            with self._sending:
                self._closed = True
            self._tell(("close", 0, grace))
            if self.pid and (self.stopped or not self._over.wait(grace + _END_LIMIT)):
                os.kill(self.pid, signal.SIGKILL)  # stuck or stopped; its guard ends the rest
            self._over.wait(_END_LIMIT)
            self._end_what_is_left()
            self._sock.close()
            self._reader.join(_END_LIMIT)
            leftovers.release()
