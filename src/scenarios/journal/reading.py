"""Segments in order of time, whatever became of their writers and of the disk; never all open."""

from __future__ import annotations

import contextlib
import heapq
from collections.abc import Iterator
from pathlib import Path

LARGEST_LINE = 1 << 20
"""Bytes of a line that are looked at; a record is at most 64 KiB, so more is damage."""

BUFFERED = 32 << 20
"""Bytes read ahead of all segments together."""

SMALLEST_PIECE, LARGEST_PIECE = 1 << 12, 1 << 18
"""Bytes of one segment that are read at once: for thousands of them a page, for few what the
kernel reads ahead anyway."""

Entry = tuple[int, int, bytes]
"""time, sequence number, line."""

_DAMAGED = b"\0\n"
"""Stands for a line with holes, or one that is too long: it is no JSON either."""


class Merged:
    """The lines of all segments of a folder, oldest first, and as many damaged ones as there are.

    `over`: nobody writes any more. An operation that a writer had begun and not ended may then
    have taken effect or not, and gets an `info` line with the number of its `invoke`, after the
    writer's last line, or where its end may be among lines that had no room.

    A file is open only while a piece of it is read, so that a run may have had more writers than a
    process may have files. Raises OSError where there is no such folder.

    After an iteration `torn` counts the writers that ended in the middle of a line, which is left
    out, and `trouble` is the error of the first file that could not be read to its end.
    """

    def __init__(self, folder: Path, *, over: bool = True) -> None:
        self.folder = folder
        self.over = over
        self.torn = 0
        self.trouble: OSError | None = None
        self.paths: list[Path] = []

    def __iter__(self) -> Iterator[bytes]:
        self.torn, self.trouble = 0, None
        self.paths = sorted(path for path in self.folder.iterdir() if path.is_file())
        piece = BUFFERED // max(1, len(self.paths))
        piece = min(max(piece, SMALLEST_PIECE), LARGEST_PIECE)
        for _, _, line in heapq.merge(*(self._entries(path, piece) for path in self.paths)):
            yield line

    def _entries(self, path: Path, piece: int) -> Iterator[Entry]:
        begun: list[bytes] = []
        time, number = 0, 0
        for line in self._lines(path, piece):
            try:
                comma = line.index(b",", 8)  # {"time":T,"seq":N,"event":...
                end = line.index(b",", comma + 7)
                time, number = int(line[8:comma]), int(line[comma + 7 : end])
            except ValueError:
                pass  # a damaged line stays behind the one before it
            else:
                if line.startswith(_INVOKE, end + 1):
                    begun.append(line)
                elif begun and line.startswith(_ENDS, end + 1):
                    begun.pop()
                elif begun and line.startswith(_LOST, end + 1):
                    yield from _unknown(begun, time, number)
            yield time, number, line
        if self.over:
            yield from _unknown(begun, time, number)

    def _lines(self, path: Path, piece: int) -> Iterator[bytes]:
        """The whole lines; a line is copied in any order, so the last one may have holes."""
        holes = False  # in the line before: damage where others follow it, else the torn tail
        rest = b""
        for data in self._pieces(path, piece):
            if b"\n" not in data:
                rest = _bounded(rest + data)
                continue
            first, *whole = data.split(b"\n")
            whole.insert(0, rest + first)
            rest = whole.pop()
            for line in whole:
                if holes:
                    yield _DAMAGED
                holes = b"\0" in line
                if not holes:
                    yield line + b"\n" if len(line) < LARGEST_LINE else _DAMAGED
        rest = rest.strip(b"\0")
        if holes and rest:
            yield _DAMAGED
        self.torn += bool(holes or rest)

    def _pieces(self, path: Path, size: int) -> Iterator[bytes]:
        position = 0
        while True:
            try:
                with path.open("rb", buffering=0) as segment:
                    segment.seek(position)
                    data = segment.read(size)
            except OSError as error:
                self.trouble = self.trouble or error
                return
            if not data:
                return
            position += len(data)
            yield data


def _bounded(text: bytes) -> bytes:
    """What is kept of a line that has not ended: whether it can be one, and whether it is empty."""
    return text if len(text) <= LARGEST_LINE else b"\0" + text.strip(b"\0")[:1]


def _unknown(begun: list[bytes], time: int, number: int) -> Iterator[Entry]:
    """The `info` lines of operations without an end, from their `invoke`, the innermost first."""
    while begun:
        line = begun.pop()
        rest = line[line.index(b",", 8) :].replace(_INVOKE, b'"event":"info"', 1)
        yield time, number, b'{"time":%d' % time + rest


_INVOKE = b'"event":"invoke"'
_ENDS = (b'"event":"ok"', b'"event":"fail"')
_LOST = b'"event":"events_lost"'


def merge(folder: Path, target: Path) -> int:
    """Write all segments of a folder into one file, and remove them; how many were torn.

    Raises OSError where that cannot be; the segments then stay, and are read in its place.
    """
    merged = Merged(folder)
    part = target.with_name(f"{target.name}.part")
    try:
        with part.open("wb") as file:
            file.writelines(merged)
        if merged.trouble is not None:
            raise merged.trouble
    except OSError:
        part.unlink(missing_ok=True)
        raise
    part.replace(target)
    with contextlib.suppress(OSError):  # what stays there is not read any more
        for path in merged.paths:
            path.unlink()
        folder.rmdir()
    return merged.torn
