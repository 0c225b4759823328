"""A writer's segment: what is written stays, whatever becomes of the writer and of the disk."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hubs import SOURCE
from scenarios.journal import Segment
from scenarios.journal.segment import PAGE
from segments import disk, line, read, written


@contextlib.contextmanager
def limited(kind: int, soft: int) -> Iterator[None]:
    """While this lasts, a limit of this process is lower."""
    before = resource.getrlimit(kind)
    resource.setrlimit(kind, (soft, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(kind, before)


def test_lines_come_back_as_they_were_written(tmp_path: Path) -> None:
    """And a closed segment holds nothing else."""
    texts = [line(at, text="x" * (at % 300)) for at in range(2000)]
    path = tmp_path / "a"
    assert written(path, *texts).dropped == 0
    assert path.read_text() == "".join(texts)
    assert read(path) == texts


def test_an_open_segment_can_be_read(tmp_path: Path) -> None:
    """Up to its last line, as that of a killed writer."""
    segment = written(tmp_path / "a", line(1), line(2), close=False)
    assert read(tmp_path / "a") == [line(1), line(2)]
    segment.write(line(3))
    assert read(tmp_path / "a") == [line(1), line(2), line(3)]
    segment.close()


def test_closing_twice_and_writing_afterwards(tmp_path: Path) -> None:
    """The file stays as it is; what comes too late is counted."""
    segment = written(tmp_path / "a", line(1))
    segment.close()
    segment.write(line(2))
    assert segment.dropped == 1
    assert (tmp_path / "a").read_text() == line(1)


@pytest.mark.parametrize("size", [0, 1, 4095, 4096, 70_000, 5_000_000])
def test_lines_of_any_length_can_be_written(tmp_path: Path, size: int) -> None:
    """Also longer than a window."""
    texts = [line(1), line(2, text="x" * size), line(3)]
    written(tmp_path / "a", *texts)
    assert (tmp_path / "a").read_text() == "".join(texts)


WRITER = """
import os, sys
sys.path.insert(0, {source!r})
from scenarios.journal import Segment
segment = Segment({path!r})
number = 0
while True:
    number += 1
    segment.write('{{"time":%d,"seq":1,"text":"%s"}}\\n' % (number, "x" * (number * 37 % 3000)))
    os.write(1, b"%d\\n" % number)
"""


@pytest.mark.parametrize("moment", [0.0, 0.01, 0.1, 0.2])
def test_what_a_killed_writer_had_written_is_readable(tmp_path: Path, moment: float) -> None:
    """Every line whose write had come back, and nothing torn."""
    path = tmp_path / "a"
    code = WRITER.format(source=SOURCE, path=str(path))
    process = subprocess.Popen([sys.executable, "-I", "-c", code], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(moment)
    os.kill(process.pid, signal.SIGKILL)
    said = process.stdout.read().split()
    process.wait()
    process.stdout.close()
    found = [json.loads(one) for one in read(path)]
    assert [one["time"] for one in found] == list(range(1, len(found) + 1))
    assert len(found) >= int(said[-1] if said else 1)
    assert all(len(one["text"]) == one["time"] * 37 % 3000 for one in found)


def test_a_segment_needs_one_open_file(tmp_path: Path) -> None:
    """A run may have as many threads as a process may have files."""
    gc.collect()  # what others have left closes files of its own
    before = len(os.listdir("/proc/self/fd"))
    segments = [written(tmp_path / str(n), line(1), close=False) for n in range(20)]
    assert len(os.listdir("/proc/self/fd")) - before <= 20
    for segment in segments:
        segment.close()
    assert len(os.listdir("/proc/self/fd")) == before


def test_no_file_at_all_leaves_the_writer_going(tmp_path: Path) -> None:
    """Every line is counted as dropped, with the reason; whoever listens hears of the first."""
    heard: list[str] = []
    segment = Segment(str(tmp_path / "missing" / "a"), heard.append)
    for at in range(3):
        segment.write(line(at))
    segment.close()
    assert segment.dropped == 3
    assert segment.trouble == "No such file or directory"
    assert heard == ["No such file or directory"]


def test_a_file_that_could_not_be_made_is_tried_again(tmp_path: Path) -> None:
    """When there are open files again the segment goes on."""
    with limited(resource.RLIMIT_NOFILE, 3):
        segment = Segment(str(tmp_path / "a"))
        segment.write(line(1))
    segment.write(line(2))
    segment.close()
    assert segment.dropped == 1
    assert segment.trouble == "Too many open files"
    assert read(tmp_path / "a") == [
        line(2, event="events_lost", count=1, error="Too many open files"),
        line(2),
    ]


def test_a_writer_with_the_number_of_an_earlier_process_has_its_own_file(tmp_path: Path) -> None:
    """Process ids come again; nothing is written over."""
    written(tmp_path / "a", line(1))
    written(tmp_path / "a", line(2))
    assert read(tmp_path / "a") == [line(1), line(2)]


def test_a_fork_writes_a_file_of_its_own(tmp_path: Path) -> None:
    """Code of a worker may fork; parent and child do not write over each other."""
    segment = written(tmp_path / "a", line(1), close=False)
    child = os.fork()
    if not child:
        for at in range(10, 20):
            segment.write(line(at, who="child"))
        os._exit(0)
    os.waitpid(child, 0)
    for at in range(2, 6):
        segment.write(line(at, who="parent"))
    segment.close()
    times = [json.loads(one)["time"] for one in read(tmp_path / "a")]
    assert times == [1, 2, 3, 4, 5, *range(10, 20)]


def test_no_more_room(tmp_path: Path) -> None:
    """The file is filled to the last page, what has no room is counted, and the rest is whole."""
    text = line(1, text="x" * 900)
    limit = 300 * 1024
    segment = Segment(str(tmp_path / "a"))
    with limited(resource.RLIMIT_FSIZE, limit):
        for _ in range(1000):
            segment.write(text)
        kept = len(read(tmp_path / "a"))
        assert segment.dropped == 1000 - kept > 0
        assert limit - len(text) * kept < PAGE + len(text)
    assert segment.trouble == "File too large"
    later = line(2, 7, "ok", worker="w", pid=3, thread="x", op="put")
    segment.write(later)  # there is room again
    segment.write(later)
    segment.close()
    (lost, *after) = read(tmp_path / "a")[kept:]
    assert after == [later, later]
    whose = {"worker": "w", "pid": 3, "thread": "x"}
    told = {**whose, "count": 1000 - kept, "error": "File too large"}
    assert json.loads(lost) == {"time": 2, "seq": 7, "event": "events_lost", **told}


def test_a_full_disk(tmp_path: Path) -> None:
    """No signal, no exception; what was written is readable."""
    with disk(tmp_path, "size=256k") as small:
        paths = [small / str(n) / "a" for n in range(3)]
        segments = [written(path, close=False) for path in paths]
        text = line(1, text="x" * 900)
        for _ in range(300):
            for segment in segments:
                segment.write(text)
        kept = [len(read(path)) for path in paths]
        assert [segment.dropped for segment in segments] == [300 - count for count in kept]
        assert {segment.trouble for segment in segments} == {"No space left on device"}
        assert sum(kept) * len(text) > 200 * 1024
        for segment in segments:
            segment.close()
        assert [len(read(path)) for path in paths] == kept
