"""The spawner: forks workers, starts commands, reaps all; ends all when the engine is gone.

Single-threaded, because the parent-death signal of a child fires when the *thread* that forked it
ends, and because a fork copies locks that other threads hold. It never blocks on a child.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import marshal
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Iterable
from typing import Any, NoReturn

from scenarios.supervision import birth, frames, linux, marks, proctable


def main(setup: dict[str, Any], channel: int, watched: Iterable[int]) -> NoReturn:
    """Serve the engine on the socket `channel` until its end or that of a `watched` process."""
    linux.set_subreaper(True)
    sock = socket.socket(fileno=channel)
    spawner = _Spawner(sock, watched)
    spawner.tell(("hello", os.getpid()))
    for name in setup["preload"]:
        with contextlib.suppress(Exception):  # a worker that needs it fails with the traceback
            importlib.import_module(name)
    sys.argv = ["scenarios-worker"]
    gc.collect()
    gc.freeze()  # what is here now is shared with all workers and stays so
    try:
        spawner.serve()
    finally:
        spawner.end_everything()
        os._exit(0)


# Seconds that a command's child has to leave its group once the command has ended: a server that
# puts itself in the background (daemon(3)) ends first and makes its session afterwards.
_LEAVING = 0.1


_ROUNDS = 20  # what is killed may have forked meanwhile


class _Born:
    """A child that is not reaped yet; `trouble` is the pipe that its start ends or writes to."""

    __slots__ = ("asked", "key", "leaving", "mark", "pid", "trouble")

    def __init__(self, key: int, pid: int, trouble: int | None, request: dict[str, Any]) -> None:
        self.key = key
        self.pid = pid
        self.trouble = trouble
        self.leaving: bool = request["leaving"]
        self.mark: str = request["env"][marks.CHILD]
        self.asked = False  # the engine wants it to end


class _Spawner:
    def __init__(self, sock: socket.socket, watched: Iterable[int]) -> None:
        self.sock = sock
        self.watched = set(watched)
        self.by_pid: dict[int, _Born] = {}
        self.by_key: dict[int, _Born] = {}
        self.starting: dict[int, _Born] = {}  # by `trouble`
        self.deadline: float | None = None  # of the end that the engine asked for
        self.left: list[tuple[float, int]] = []  # when to end what is in which group, oldest first
        self.null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        self.wake, wake = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self.poll = select.poll()
        for fd in (sock.fileno(), self.wake, *self.watched):
            self.poll.register(fd, select.POLLIN)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)

    def serve(self) -> None:
        """Until the engine is gone, or has asked for the end and nothing is left to wait for."""
        while self.deadline is None or (self.by_pid and time.monotonic() < self.deadline):
            for fd, _ in self.poll.poll(self._patience()):
                if fd in self.watched:
                    return
                if fd == self.wake:
                    _drain(self.wake)
                elif fd in self.starting:
                    self._started(self.starting[fd])
                elif fd == self.sock.fileno() and not self._request():
                    return
            self.reap()
            while self.left and self.left[0][0] <= time.monotonic():
                self._end_group(self.left.pop(0)[1])

    def _patience(self) -> float | None:
        """Milliseconds until there is something to do unasked."""
        moments = [moment for moment, _ in self.left[:1]]
        if self.deadline is not None:
            moments.append(self.deadline)
        return max(0.0, min(moments) - time.monotonic()) * 1000 if moments else None

    def tell(self, message: tuple[Any, ...]) -> None:
        """To the engine, if it still is there: `serve` finds out by itself."""
        with contextlib.suppress(OSError):
            frames.send(self.sock, message)

    def _request(self) -> bool:
        received = frames.receive(self.sock)
        if received is None:
            return False
        (verb, key, argument), fds = received
        if verb == "start":
            self._start(key, argument, fds)
        elif verb in ("terminate", "kill") and key in self.by_key:
            born = self.by_key[key]
            born.asked = True
            (_terminate if verb == "terminate" else _kill)(born.pid)
        elif verb == "close":
            self.deadline = time.monotonic() + argument
            for born in self.by_pid.values():
                _terminate(born.pid)
        return True

    def _start(self, key: int, request: dict[str, Any], fds: list[int]) -> None:
        files = {0: self.null, **dict(zip(request["files"], fds, strict=True))}
        me = os.getpid()
        try:
            trouble, write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
            try:
                pid = os.fork()
            except OSError:
                os.close(trouble)
                os.close(write)
                raise
        except OSError as error:
            self.tell(("failed", key, ("start", error.errno, "", str(error))))
        else:
            if pid == 0:
                try:
                    birth.begin(request, files, me, write)
                finally:
                    os._exit(1)
            os.close(write)
            born = _Born(key, pid, trouble, request)
            self.by_pid[pid] = self.by_key[key] = self.starting[trouble] = born
            self.poll.register(trouble, select.POLLIN)
        for fd in fds:
            os.close(fd)

    def _started(self, born: _Born) -> None:
        """The start of a child succeeded (end of file) or failed (it said how)."""
        fd = born.trouble
        if fd is None:
            return
        said = os.read(fd, 65536)
        self.poll.unregister(fd)
        del self.starting[fd]
        os.close(fd)
        born.trouble = None
        if said:
            del self.by_key[born.key]
            self.tell(("failed", born.key, marshal.loads(said)))
        else:
            self.tell(("started", born.key, born.pid))

    def reap(self) -> bool:
        """Reap and report what has ended; False when there is no child left at all."""
        while True:
            try:
                found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return False
            if found is None:
                return True
            born = self.by_pid.pop(found.si_pid, None)
            if born is None:  # an orphan that was given to this process
                os.waitpid(found.si_pid, 0)
                continue
            self._started(born)
            if born.asked or not born.leaving:
                # Not reaped yet, it keeps its group's number from being used again.
                _quietly(os.killpg, born.pid, signal.SIGKILL)
            elif len(proctable.children(os.getpid())) > len(self.by_pid) + 1:
                self.left.append((time.monotonic() + _LEAVING, born.pid))  # it left children
            code = os.waitstatus_to_exitcode(os.waitpid(born.pid, 0)[1])
            if born.asked or code < 0:
                self._end_strays(born.mark)
            if self.by_key.pop(born.key, None):
                self.tell(("ended", born.key, code))

    def _end_group(self, group: int) -> None:
        """SIGKILL what is still in the group of a child that was reaped."""
        below = proctable.descendants(os.getpid())
        there = [pid for pid in below if (found := proctable.status(pid)) and found.group == group]
        if group not in self.by_pid:  # its number was not given to a new child
            proctable.kill_all(there, (os.getpid(), *below))

    def _end_strays(self, mark: str) -> None:
        """SIGKILL what a child that was stopped or killed has left in sessions of its own."""
        me = os.getpid()
        for _ in range(_ROUNDS):
            orphans = [pid for pid in proctable.children(me) if pid not in self.by_pid]
            strays = [pid for pid in orphans if marks.of(pid, marks.CHILD) == mark]
            if not strays:
                return
            for pid in strays:
                proctable.kill_below(pid)
            proctable.kill_all(strays, (me,))
            time.sleep(0.001)

    def end_everything(self) -> None:
        """SIGKILL whatever is below this process, until there is nothing."""
        while True:
            proctable.kill_below(os.getpid())
            if not self.reap():
                return
            time.sleep(0.001)


def _drain(fd: int) -> None:
    try:
        while os.read(fd, 4096):
            pass
    except BlockingIOError:
        pass


def _quietly(call: Any, pid: int, number: int) -> None:
    with contextlib.suppress(OSError):  # nobody there, or a program that runs as another user
        call(pid, number)


def _signal(pid: int, number: int) -> None:
    """To the child's group, and to the child where it is in another one."""
    _quietly(os.killpg, pid, number)
    try:
        elsewhere = os.getpgid(pid) != pid
    except OSError:
        return
    if elsewhere:
        _quietly(os.kill, pid, number)


def _terminate(pid: int) -> None:
    """SIGTERM to the child's group, and what lets a stopped process follow it."""
    _signal(pid, signal.SIGTERM)
    _signal(pid, signal.SIGCONT)


def _kill(pid: int) -> None:
    """SIGKILL to the child's group and to everything below it, sessions of their own included."""
    below = proctable.descendants(pid)
    _signal(pid, signal.SIGKILL)
    proctable.kill_all(below, (pid, os.getpid()))
