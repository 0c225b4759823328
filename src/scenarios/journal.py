"""A writer's own segment of the event log: lines in a mapped file that outlive its SIGKILL.

A segment grows by windows that are allocated on disk before they are mapped, so that a full disk
is an error and never a bus error. Beyond its last line a segment of a killed writer holds NULs.
"""

from __future__ import annotations

import contextlib
import heapq
import mmap
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from weakref import WeakSet

PAGE = mmap.ALLOCATIONGRANULARITY
FIRST_WINDOW = 4 * PAGE  # most workers log little: 16 KiB
LARGEST_WINDOW = 256 * PAGE  # 1 MiB keeps remapping below 1% of the cost of a line
AT_ONCE = 200  # segments merged in one pass, well under the usual limit of open files


class Segment:
    """An append-only file of whole lines for one thread; `dropped` counts lines without room.

    Nothing that goes wrong with the file is raised: its lines are dropped, and the run goes on.
    Between two windows it holds no open file but the map's own.
    """

    __slots__ = ("__weakref__", "_append", "_map", "_path", "_start", "_window", "dropped")

    def __init__(self, path: str) -> None:
        self._path: str | None = os.path.abspath(path)  # a worker may change its folder
        self._window = FIRST_WINDOW
        self._start = 0  # where the mapped window begins in the file
        self._map: mmap.mmap | None = None
        self._append: Callable[[bytes], object] = _no_room
        self.dropped = 0
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        except OSError:
            self._path = None
        _segments.add(self)

    def write(self, text: str) -> None:
        """Append a line of ASCII; after this returns it survives the writer."""
        line = text.encode()
        try:
            self._append(line)
        except ValueError:  # the window has no room for it
            if self._move_on(len(line)):
                self._append(line)
            else:
                self.dropped += 1

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

    def _position(self) -> int:
        return self._start + (self._map.tell() if self._map is not None else 0)

    def _move_on(self, needed: int) -> bool:
        """Map the next window; False where the disk has no room for it."""
        if self._path is None:
            return False
        position = self._position()
        start = position // PAGE * PAGE
        least = (position - start + needed + PAGE - 1) // PAGE * PAGE
        window = _window(self._path, start, max(self._window, least))
        if window is None:
            window = _window(self._path, start, least)  # the last room of a disk is used
        if window is None:
            return False
        self._window = min(self._window * 2, LARGEST_WINDOW)
        window.seek(position - start)
        if self._map is not None:
            self._map.close()
        self._map, self._start, self._append = window, start, window.write
        return True


def _window(path: str, start: int, size: int) -> mmap.mmap | None:
    """A part of the file, with its room on the disk; None where there is none."""
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        return None
    try:
        os.posix_fallocate(file, start, size)
        return mmap.mmap(file, size, offset=start)
    except OSError:
        return None
    finally:
        os.close(file)


def _no_room(line: bytes) -> None:
    raise ValueError("no window is mapped")


_segments: WeakSet[Segment] = WeakSet()


def _after_fork() -> None:
    for segment in list(_segments):
        segment.forked()


os.register_at_fork(after_in_child=_after_fork)


def lines(path: Path) -> Iterator[bytes]:
    """The whole lines of a segment; what follows the last one is a torn tail and left out.

    An operation that a killed writer had begun and not ended may have taken effect or not: for
    each of them an `info` line with its time follows the last line.
    """
    killed = _has_torn_tail(path)
    begun: list[bytes] = []
    with path.open("rb") as segment:
        for line in segment:
            if b"\0" in line or not line.endswith(b"\n"):  # copied in any order
                break
            if killed:
                if _INVOKE in line:
                    begun.append(line)
                elif begun and (b'"event":"ok"' in line or b'"event":"fail"' in line):
                    begun.pop()
            yield line
    for line in begun:
        yield line.replace(_INVOKE, b'"event":"info"', 1)


_INVOKE = b'"event":"invoke"'


def _has_torn_tail(path: Path) -> bool:
    """Whether the writer never closed its segment."""
    with path.open("rb") as segment:
        if not segment.seek(0, os.SEEK_END):
            return False
        segment.seek(-1, os.SEEK_END)
        return segment.read(1) != b"\n"


def order(line: Any) -> tuple[int, int]:
    """The time and sequence number with which every line begins."""
    try:
        comma = line.index(b",", 8)
        return int(line[8:comma]), int(line[comma + 7 : line.index(b",", comma + 7)])
    except ValueError:
        return 0, 0


def merge(folder: Path, target: Path) -> None:
    """Write all segments of a folder, in order of time, into one file, and remove them.

    Raises OSError where there is no room; the segments then stay, and are read in its place.
    """
    segments = sorted(folder.iterdir())
    number = 0
    while len(segments) > AT_ONCE:  # each needs an open file
        number += 1
        part = folder / f".merged-{number}"
        _merge(segments[:AT_ONCE], part)
        segments = [*segments[AT_ONCE:], part]
    _merge(segments, target)
    folder.rmdir()


def _merge(segments: list[Path], target: Path) -> None:
    if len(segments) == 1 and not _has_torn_tail(segments[0]):
        os.replace(segments[0], target)
        return
    part = target.with_name(f"{target.name}.part")
    try:
        with part.open("wb") as merged:
            sources = [lines(path) for path in segments]
            merged.writelines(heapq.merge(*sources, key=order))
    except OSError:
        part.unlink(missing_ok=True)
        raise
    part.replace(target)
    for path in segments:
        path.unlink()
