"""A writer's own segment of the event log: lines in a mapped file that outlive its SIGKILL.

A segment grows by windows that are allocated on disk before they are mapped, so that a full disk
is an error and never a bus error. Beyond its last line a segment of a killed writer holds NULs.
"""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import time
from collections.abc import Callable
from weakref import WeakSet

PAGE = mmap.ALLOCATIONGRANULARITY
FIRST_WINDOW = 4 * PAGE  # most workers log little: 16 KiB
LARGEST_WINDOW = 256 * PAGE  # 1 MiB keeps remapping below 1% of the cost of a line


class Segment:
    """An append-only file of whole lines for one thread.

    Nothing that goes wrong with the file is raised: a line without room is dropped, and the run
    goes on. `dropped` counts such lines, `trouble` says why the last one was, and `on_loss` is
    called with that at the first. When there is room again an `events_lost` goes before the next
    line. Between two windows it holds no open file but the map's own.
    """

    __slots__ = (
        "__weakref__", "_append", "_gap", "_map", "_on_loss", "_path", "_start", "_window",
        "dropped", "trouble",
    )  # fmt: skip

    def __init__(self, path: str, on_loss: Callable[[str], None] | None = None) -> None:
        self._path: str | None = os.path.abspath(path)  # a worker may change its folder
        self._window = FIRST_WINDOW
        self._start = 0  # where the mapped window begins in the file
        self._map: mmap.mmap | None = None
        self._append: Callable[[bytes], object] = _no_room
        self._on_loss = on_loss
        self._gap = 0  # lines dropped since the last one that was written
        self.dropped = 0
        self.trouble = ""
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        except FileExistsError:  # of a writer that had this process's number
            self._path += f".{time.monotonic_ns()}"
        except OSError:
            pass  # tried again when there is something to write
        _segments.add(self)

    def write(self, text: str) -> None:
        """Append a line of ASCII; after this returns it survives the writer."""
        line = text.encode()
        try:
            self._append(line)
        except ValueError:  # the window has no room for it
            if self._gap:
                line = _lost(line, self._gap, self.trouble) + line
            if self._move_on(len(line)):
                self._append(line)
                self._gap = 0
            else:
                self._drop()

    def close(self) -> None:
        """Cut the file after its last line."""
        if self._path is None:
            return
        end = self._position()
        if self._map is not None:
            self._map.close()
        with contextlib.suppress(OSError):  # what follows the last line is left out when read
            os.truncate(self._path, end)
        self._path, self._map, self._append = None, None, _no_room

    def forked(self) -> None:
        """In a forked child: what it writes goes to a file of its own."""
        if self._path is not None:
            self._path += f".{os.getpid()}"
            self._start, self._map, self._append = 0, None, _no_room

    def _drop(self) -> None:
        self._append = _no_room  # a shorter line must not take the place of this one
        self._gap += 1
        self.dropped += 1
        if self.dropped == 1 and self._on_loss is not None:
            self._on_loss(self.trouble)

    def _position(self) -> int:
        return self._start + (self._map.tell() if self._map is not None else 0)

    def _move_on(self, needed: int) -> bool:
        """Map the next window; False where the disk has no room for it."""
        if self._path is None:
            self.trouble = "it is closed"
            return False
        position = self._position()
        start = position // PAGE * PAGE
        least = (position - start + needed + PAGE - 1) // PAGE * PAGE
        try:
            try:
                window = _window(self._path, start, max(self._window, least))
            except OSError:
                window = _window(self._path, start, least)  # the last room of a disk is used
        except OSError as error:
            self.trouble = error.strerror or str(error)
            return False
        self._window = min(self._window * 2, LARGEST_WINDOW)
        window.seek(position - start)
        if self._map is not None:
            self._map.close()
        self._map, self._start, self._append = window, start, window.write
        return True


def _window(path: str, start: int, size: int) -> mmap.mmap:
    """A part of the file, with its room on the disk; OSError where there is none."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.posix_fallocate(file, start, size)
        return mmap.mmap(file, size, offset=start)
    finally:
        os.close(file)


def _lost(line: bytes, count: int, why: str) -> bytes:
    """The event that stands for those missing before a line: with its time, number and writer."""
    record = json.loads(line)
    whose = ("time", "seq", "event", "worker", "replica", "pid", "thread")
    kept = {key: record[key] for key in whose if key in record}
    kept |= {"event": "events_lost", "count": count, "error": why}
    return json.dumps(kept, separators=(",", ":")).encode() + b"\n"


def _no_room(line: bytes) -> None:
    raise ValueError("no window is mapped")


_segments: WeakSet[Segment] = WeakSet()


def _after_fork() -> None:
    for segment in list(_segments):
        segment.forked()


os.register_at_fork(after_in_child=_after_fork)
