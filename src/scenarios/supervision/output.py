"""Output of children: one thread that drains every pipe, and a store that keeps a bounded part.

A child whose pipe is full stops; so everything is read at once, and keeping is bounded instead.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
from collections.abc import Callable

_CHUNK = 1 << 16  # a pipe's usual size: one read empties it


class Stream:
    """One pipe that an OutputPump reads."""

    def __init__(
        self, pump: OutputPump, fd: int, data: Callable[[bytes], object], end: Callable[[], object]
    ) -> None:
        self._pump = pump
        self._data = data
        self._end = end
        self._closed = threading.Event()
        self.fd = fd
        self.failure: BaseException | None = None  # of a callback; the rest is read and dropped

    def wait(self, timeout: float | None = None) -> bool:
        """Whether the end was reached and told within `timeout` seconds."""
        return self._closed.wait(timeout)

    def finish(self, timeout: float) -> bool:
        """Wait for the end, at most `timeout` seconds, then detach; False where it had to.

        The writers are dead, but a process that left their group may hold the pipe open for ever.
        """
        if self._closed.wait(timeout):
            return True
        self.detach()
        return False

    def detach(self) -> None:
        """Take what is in the pipe now, close it, tell the end. A later writer gets SIGPIPE."""
        self._pump._ask(self)
        if threading.current_thread() is not self._pump._thread:
            self._closed.wait()

    def _read(self) -> bool:
        """One read; False at the end of the pipe."""
        try:
            data = os.read(self.fd, _CHUNK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if data:
            self._guarded(self._data, data)
        return bool(data)

    def _close(self) -> None:
        os.close(self.fd)
        self._guarded(self._end)
        self._closed.set()

    def _guarded(self, call: Callable[..., object], *arguments: bytes) -> None:
        if self.failure is None or not arguments:
            try:
                call(*arguments)
            except BaseException as error:
                self.failure = self.failure or error


class OutputPump:
    """Reads many pipes on one thread, each with callbacks that are called there."""

    def __init__(self) -> None:
        self._streams: dict[int, Stream] = {}
        self._asked: list[Stream] = []
        self._lock = threading.Lock()
        self._stopping = False
        self._poll = select.poll()
        self._wake, self._waker = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._poll.register(self._wake, select.POLLIN)
        self._thread = threading.Thread(target=self._run, name="scenarios-output", daemon=True)
        self._thread.start()

    def add(
        self,
        fd: int,
        data: Callable[[bytes], object],
        end: Callable[[], object] = lambda: None,
    ) -> Stream:
        """Read the pipe `fd` from now on, and own it: `data(bytes)` for each piece, `end()` once.

        Callbacks must be quick, since all pipes wait for them.
        """
        os.set_blocking(fd, False)
        stream = Stream(self, fd, data, end)
        with self._lock:
            if self._stopping:
                raise RuntimeError("the output pump is closed")
            self._streams[fd] = stream
            self._poll.register(fd, select.POLLIN)
        self._nudge()  # a poll under way does not see the new one
        return stream

    def close(self) -> None:
        """Detach what is left and end the thread; may be called again."""
        with self._lock:
            already, self._stopping = self._stopping, True
        if not already:
            self._nudge()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _ask(self, stream: Stream) -> None:
        with self._lock:
            if self._stopping or stream._closed.is_set():
                return
            self._asked.append(stream)
        self._nudge()

    def _nudge(self) -> None:
        with contextlib.suppress(BlockingIOError):  # full: it wakes anyway
            os.write(self._waker, b".")

    def _run(self) -> None:
        while not self._stopping:
            for fd, _ in self._poll.poll():
                if fd == self._wake:
                    with contextlib.suppress(BlockingIOError):
                        os.read(self._wake, 4096)
                elif (stream := self._streams.get(fd)) and not stream._read():
                    self._drop(stream)
            with self._lock:
                asked, self._asked = self._asked, []
            for stream in asked:
                self._empty(stream)
        for stream in list(self._streams.values()):
            self._empty(stream)
        os.close(self._wake)
        os.close(self._waker)

    def _empty(self, stream: Stream) -> None:
        """What is in the pipe now, and no more: its writer may write for ever."""
        if self._streams.get(stream.fd) is stream:
            for _ in range(64):  # 4 MiB, more than any pipe holds
                if not select.select([stream.fd], [], [], 0)[0] or not stream._read():
                    break
            self._drop(stream)

    def _drop(self, stream: Stream) -> None:
        with self._lock:
            self._poll.unregister(stream.fd)
            del self._streams[stream.fd]
        stream._close()


class BoundedOutput:
    """Keeps the head and the tail of an output, `limit` bytes together, and counts the rest."""

    def __init__(self, limit: int) -> None:
        self._head_limit = limit - limit // 2
        self._tail_limit = limit // 2
        self._head = bytearray()
        self._tail = bytearray()
        self._lock = threading.Lock()
        self.total = 0  # bytes seen

    def __call__(self, data: bytes) -> None:
        """Take the next piece: an instance is a callback for `OutputPump.add`."""
        with self._lock:
            self.total += len(data)
            room = self._head_limit - len(self._head)
            if room > 0:
                self._head += data[:room]
                data = data[room:]
            self._tail += data
            # Trimmed by halves, so that each byte is moved about once.
            if len(self._tail) > 2 * self._tail_limit:
                del self._tail[: len(self._tail) - self._tail_limit]

    @property
    def dropped(self) -> int:
        """How many bytes in the middle are not kept."""
        return max(0, self.total - self._head_limit - self._tail_limit)

    def raw(self) -> tuple[bytes, bytes]:
        """Head and tail; together the whole output where nothing was dropped."""
        with self._lock:
            start = max(0, len(self._tail) - self._tail_limit)
            return bytes(self._head), bytes(self._tail[start:])

    def text(self) -> str:
        """As text, UTF-8 with replacement; a line in the middle says how much is missing."""
        head, tail = self.raw()
        if not self.dropped:
            return (head + tail).decode(errors="replace")
        note = f"\n[... {self.dropped} bytes dropped ...]\n"
        return head.decode(errors="replace") + note + tail.decode(errors="replace")
