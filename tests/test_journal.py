from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hubs import SOURCE
from scenarios import journal
from scenarios.journal import Segment, lines, merge


def line(at: int, seq: int = 1, event: str = "log", **fields: Any) -> str:
    """A line of the log."""
    rest = {"time": at, "seq": seq, "event": event, **fields}
    return json.dumps(rest, separators=(",", ":")) + "\n"


def written(path: Path, *texts: str, close: bool = True) -> Segment:
    """A segment with these lines."""
    segment = Segment(str(path))
    for text in texts:
        segment.write(text)
    if close:
        segment.close()
    return segment


def read(path: Path) -> list[str]:
    """The lines of a segment as text."""
    return [one.decode() for one in lines(path)]


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
def test_lines_of_any_length(tmp_path: Path, size: int) -> None:
    """Also longer than a window."""
    texts = [line(1), line(2, text="x" * size), line(3)]
    written(tmp_path / "a", *texts)
    assert read(tmp_path / "a") == texts


def test_a_segment_that_holds_nothing(tmp_path: Path) -> None:
    """Of a thread that never logged, closed or killed."""
    written(tmp_path / "a")
    open_ = written(tmp_path / "b", close=False)
    assert read(tmp_path / "a") == read(tmp_path / "b") == []
    open_.close()


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
    found = [json.loads(one) for one in lines(path)]
    assert [one["time"] for one in found] == list(range(1, len(found) + 1))
    assert len(found) >= int(said[-1] if said else 1)
    assert all(len(one["text"]) == one["time"] * 37 % 3000 for one in found)


@settings(max_examples=150, deadline=None)
@given(
    count=st.integers(0, 5),
    kept=st.integers(0, 60),
    holes=st.lists(st.integers(0, 59), max_size=3),
    nuls=st.integers(0, 5000),
)
def test_a_torn_tail_is_left_out(
    tmp_path_factory: pytest.TempPathFactory, count: int, kept: int, holes: list[int], nuls: int
) -> None:
    """However much of the last line was copied, and in which order."""
    whole = [line(at) for at in range(count)]
    torn = bytearray(line(99, text="y" * 5).encode()[:kept])
    for hole in holes:
        if hole < len(torn):
            torn[hole] = 0
    complete = kept >= len(line(99, text="y" * 5)) and 0 not in torn
    path = tmp_path_factory.mktemp("torn") / "a"
    path.write_bytes("".join(whole).encode() + bytes(torn) + bytes(nuls))
    assert read(path) == whole + ([torn.decode()] if complete else [])


def test_an_operation_that_was_not_ended_may_have_happened(tmp_path: Path) -> None:
    """A killed writer's are told as info, the innermost first or last."""
    done = [line(1, 1, "invoke", op="put"), line(2, 2, "ok", op="put")]
    begun = [line(3, 3, "invoke", op="call"), line(4, 4, "invoke", op="get")]
    segment = written(tmp_path / "a", *done, *begun, close=False)
    found = [json.loads(one) for one in lines(tmp_path / "a")]
    assert [one["event"] for one in found] == ["invoke", "ok", "invoke", "invoke", "info", "info"]
    assert {one["op"] for one in found[4:]} == {"call", "get"}
    segment.close()


def test_segments_are_merged_by_time_then_number(tmp_path: Path) -> None:
    """Into one file; the segments are gone."""
    folder = tmp_path / "segments"
    folder.mkdir()
    written(folder / "a", line(1, 5, who="a"), line(10, 2, who="a"), line(10, 4, who="a"))
    written(folder / "b", line(2, 1, who="b"), line(10, 1, who="b"), line(10, 3, who="b"))
    written(folder / "c")
    killed = written(folder / "d", line(5, 9, who="d"), close=False)
    target = tmp_path / "events.jsonl"
    merge(folder, target)
    found = [json.loads(one) for one in target.read_text().splitlines()]
    assert [(one["time"], one["seq"]) for one in found] == [
        (1, 5), (2, 1), (5, 9), (10, 1), (10, 2), (10, 3), (10, 4),
    ]  # fmt: skip
    assert not folder.exists()
    killed.close()


def test_one_segment_alone_is_cut_after_its_last_line(tmp_path: Path) -> None:
    """Whether it was closed or not."""
    for name, close in (("closed", True), ("killed", False)):
        folder = tmp_path / name
        folder.mkdir()
        segment = written(folder / "a", line(1), line(2), close=close)
        target = tmp_path / f"{name}.jsonl"
        merge(folder, target)
        assert target.read_text() == line(1) + line(2)
        segment.close()


def test_thousands_of_segments(tmp_path: Path) -> None:
    """With as few files open at once as a process may have."""
    folder = tmp_path / "segments"
    folder.mkdir()
    count = 2500
    for number in range(count):
        (folder / f"w{number}").write_text(line(number * 7 % count, number) + line(count + number))
    target = tmp_path / "events.jsonl"
    with limited(resource.RLIMIT_NOFILE, 256):
        merge(folder, target)
    times = [json.loads(one)["time"] for one in target.read_text().splitlines()]
    assert len(times) == 2 * count
    assert times == sorted(times)


def test_a_segment_needs_one_open_file(tmp_path: Path) -> None:
    """A run may have as many threads as a process may have files."""
    before = len(os.listdir("/proc/self/fd"))
    segments = [written(tmp_path / str(n), line(1), close=False) for n in range(20)]
    assert len(os.listdir("/proc/self/fd")) - before <= 20
    for segment in segments:
        segment.close()
    assert len(os.listdir("/proc/self/fd")) == before


def test_no_file_at_all_leaves_the_writer_going(tmp_path: Path) -> None:
    """Every line is counted as dropped."""
    segment = Segment(str(tmp_path / "missing" / "a"))
    segment.write(line(1))
    segment.close()
    assert segment.dropped == 1


def test_a_fork_writes_a_file_of_its_own(tmp_path: Path) -> None:
    """Code of a worker may fork; parent and child do not write over each other."""
    folder = tmp_path / "segments"
    folder.mkdir()
    segment = written(folder / "a", line(1), close=False)
    child = os.fork()
    if not child:
        for at in range(10, 20):
            segment.write(line(at, who="child"))
        os._exit(0)
    os.waitpid(child, 0)
    for at in range(2, 6):
        segment.write(line(at, who="parent"))
    segment.close()
    target = tmp_path / "events.jsonl"
    merge(folder, target)
    times = [json.loads(one)["time"] for one in target.read_text().splitlines()]
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
        assert limit - len(text) * kept < journal.PAGE + len(text)
    segment.write(text)  # there is room again
    segment.close()
    assert len(read(tmp_path / "a")) == kept + 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB."""
    mounted = tmp_path / "disk"
    mounted.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(mounted)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no tmpfs can be mounted here: {done.stderr.strip()}")
    try:
        yield mounted
    finally:
        subprocess.run(["umount", "-l", str(mounted)], check=True)


def test_a_full_disk(small_disk: Path) -> None:
    """No signal, no exception; what was written is readable."""
    segments = [Segment(str(small_disk / str(n))) for n in range(3)]
    text = line(1, text="x" * 900)
    for _ in range(300):
        for segment in segments:
            segment.write(text)
    kept = [len(read(small_disk / str(n))) for n in range(3)]
    assert [segment.dropped for segment in segments] == [300 - count for count in kept]
    assert sum(kept) * len(text) > 200 * 1024
    for segment in segments:
        segment.close()
    assert [len(read(small_disk / str(n))) for n in range(3)] == kept


def test_a_merge_without_room_leaves_the_segments(small_disk: Path) -> None:
    """And no half file, so that they are read in its place."""
    folder = small_disk / "segments"
    folder.mkdir()
    for name in "ab":
        written(folder / name, *[line(at, text="x" * 900) for at in range(90)])
    with pytest.raises(OSError, match="No space left"):
        merge(folder, small_disk / "events.jsonl")
    assert not (small_disk / "events.jsonl").exists()
    assert sorted(path.name for path in folder.iterdir()) == ["a", "b"]
    assert len(read(folder / "a")) == 90


@given(text=st.binary(max_size=60))
def test_any_line_has_an_order(text: bytes) -> None:
    """A damaged one comes first."""
    assert isinstance(journal.order(text), tuple)
    assert journal.order(line(5, 3).encode()) == (5, 3)
