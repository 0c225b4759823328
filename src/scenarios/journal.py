"""A writer's own segment of the event log: lines in a mapped file that outlive its SIGKILL.

A segment grows by windows that are allocated on disk before they are mapped, so that a full disk
is an error and never a bus error. Beyond its last line a segment of a killed writer holds NULs.
"""

from __future__ import annotations

import heapq
import mmap
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

PAGE = mmap.ALLOCATIONGRANULARITY
FIRST_WINDOW = 4 * PAGE  # most workers log little: 16 KiB
LARGEST_WINDOW = 256 * PAGE  # 1 MiB keeps remapping below 1% of the cost of a line
AT_ONCE = 200  # segments merged in one pass, well under the usual limit of open files


class Segment:
    """An append-only file of whole lines for one thread; `dropped` counts lines without room."""

    __slots__ = ("_append", "_file", "_map", "_start", "_window", "dropped")

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._window = FIRST_WINDOW
        self._start = 0  # where the mapped window begins in the file
        self._map: mmap.mmap | None = None
        self._append: Callable[[bytes], object] = _no_room
        self.dropped = 0

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
        if self._file < 0:
            return
        end = self._position()
        if self._map is not None:
            self._map.close()
        os.ftruncate(self._file, end)
        os.close(self._file)
        self._file, self._map, self._append = -1, None, _no_room

    def _position(self) -> int:
        return self._start + (self._map.tell() if self._map is not None else 0)

    def _move_on(self, needed: int) -> bool:
        """Map the next window; False where the disk has no room for it."""
        if self._file < 0:
            return False
        position = self._position()
        start = position // PAGE * PAGE
        self._window = min(self._window * 2, LARGEST_WINDOW)
        size = max(self._window, (position - start + needed + PAGE - 1) // PAGE * PAGE)
        try:
            os.posix_fallocate(self._file, start, size)
            window = mmap.mmap(self._file, size, offset=start)
        except OSError:
            return False
        window.seek(position - start)
        if self._map is not None:
            self._map.close()
        self._map, self._start, self._append = window, start, window.write
        return True


def _no_room(line: bytes) -> None:
    raise ValueError("no window is mapped")


def lines(path: Path) -> Iterator[bytes]:
    """The whole lines of a segment; what follows the last one is a torn tail and left out.

    An operation that a killed writer had begun and not ended may have taken effect or not: for
    each of them an `info` line with its time follows the last line.
    """
    killed = _has_torn_tail(path)
    begun: list[bytes] = []
    with path.open("rb") as segment:
        for line in segment:
            if line.startswith(b"\0") or not line.endswith(b"\n"):
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
    """Write all segments of a folder, in order of time, into one file, and remove them."""
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
    with target.open("wb") as merged:
        sources = [lines(path) for path in segments]
        merged.writelines(heapq.merge(*sources, key=order))
    for path in segments:
        path.unlink()
