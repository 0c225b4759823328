"""Segments in order of time: killed writers, torn tails, damage, more of them than open files."""

from __future__ import annotations

import json
import os
import resource
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journal.test_segment import limited
from scenarios.journal import LARGEST_LINE, Merged, merge
from segments import disk, line, placed, read, written


def events(folder: Path, **options: bool) -> list[tuple[int, int, str]]:
    """time, number and kind of each line of a folder of segments."""
    found = map(json.loads, Merged(folder, **options))
    return [(one["time"], one["seq"], one["event"]) for one in found]


@pytest.mark.parametrize("close", [True, False])
def test_a_segment_that_holds_nothing(tmp_path: Path, close: bool) -> None:
    """Of a thread that never logged, closed or killed."""
    segment = written(tmp_path / "a", close=close)
    assert read(tmp_path / "a") == []
    segment.close()


@pytest.mark.parametrize("size", [0, 1, 4095, 4096, 262_100, 262_144, 700_000])
def test_lines_of_any_length_can_be_read(tmp_path: Path, size: int) -> None:
    """Also longer than what is read at once."""
    texts = [line(1), line(2, text="x" * size), line(3)]
    written(tmp_path / "a", *texts)
    assert read(tmp_path / "a") == texts


@settings(max_examples=150, deadline=None)
@given(
    count=st.integers(0, 5),
    kept=st.integers(0, 60),
    holes=st.lists(st.integers(0, 59), max_size=3),
    nuls=st.integers(0, 5000),
)
def test_a_torn_tail_is_left_out_and_counted(
    tmp_path_factory: pytest.TempPathFactory, count: int, kept: int, holes: list[int], nuls: int
) -> None:
    """However much of the last line was copied, and in which order."""
    whole = [line(at) for at in range(count)]
    last = line(99, text="y" * 5).encode()
    torn = bytearray(last[:kept])
    for hole in holes:
        if hole < len(torn):
            torn[hole] = 0
    complete = kept >= len(last) and 0 not in torn
    path = placed(tmp_path_factory.mktemp("torn"), "".join(whole).encode() + torn + bytes(nuls))
    merged = Merged(path.parent)
    assert [one.decode() for one in merged] == whole + ([torn.decode()] if complete else [])
    assert merged.torn == int(not complete and any(torn))


def test_an_operation_that_was_not_ended_may_have_happened(tmp_path: Path) -> None:
    """A killed writer's are told as info after its last line, the innermost first."""
    done = [line(1, 1, "invoke", op="put"), line(2, 2, "ok", op="put")]
    begun = [line(3, 3, "invoke", op="call"), line(4, 4, "invoke", op="get", item="w:1")]
    segment = written(tmp_path / "a", *done, *begun, line(5, 5), close=False)
    (*_, inner, outer) = map(json.loads, Merged(tmp_path))
    assert inner == {"time": 5, "seq": 4, "event": "info", "op": "get", "item": "w:1"}
    assert outer == {"time": 5, "seq": 3, "event": "info", "op": "call"}
    segment.close()


def test_where_the_window_is_full_to_its_last_byte(tmp_path: Path) -> None:
    """A killed writer's file may end with a line's end; its operation is told as info as well."""
    begun = line(1, 1, "invoke", op="get")
    for size in range(4096 - len(begun) - 60, 4096):
        last = line(2, 2, text="x" * size)
        if (len(begun) + len(last)) % 4096 == 0:
            break
    placed(tmp_path, (begun + last).encode())
    assert events(tmp_path) == [(1, 1, "invoke"), (2, 2, "log"), (2, 1, "info")]


def test_an_operation_whose_end_may_be_lost(tmp_path: Path) -> None:
    """Where lines are missing it is told as info there, and a later end ends nothing before it."""
    lost = line(4, 9, "events_lost", count=5)
    written(tmp_path / "a", line(1, 1, "invoke", op="get"), line(2, 2), lost, line(4, 9, "ok"))
    assert events(tmp_path) == [
        (1, 1, "invoke"), (2, 2, "log"), (4, 1, "info"), (4, 9, "events_lost"), (4, 9, "ok"),
    ]  # fmt: skip


def test_an_operation_that_still_lasts_is_not_unknown(tmp_path: Path) -> None:
    """While the run is under way nothing is said of it."""
    segment = written(tmp_path / "a", line(1, 1, "invoke", op="get"), close=False)
    assert events(tmp_path, over=False) == [(1, 1, "invoke")]
    segment.close()


def test_segments_are_merged_by_time_then_number(tmp_path: Path) -> None:
    """Into one file; the segments are gone."""
    folder = tmp_path / "segments"
    written(folder / "a", line(1, 5, who="a"), line(10, 2, who="a"), line(10, 4, who="a"))
    written(folder / "b", line(2, 1, who="b"), line(10, 1, who="b"), line(10, 3, who="b"))
    written(folder / "c")
    killed = written(folder / "d", line(5, 9, who="d"), close=False)
    target = tmp_path / "events.jsonl"
    assert merge(folder, target) == 0
    found = [json.loads(one) for one in target.read_text().splitlines()]
    assert [(one["time"], one["seq"]) for one in found] == [
        (1, 5), (2, 1), (5, 9), (10, 1), (10, 2), (10, 3), (10, 4),
    ]  # fmt: skip
    assert not folder.exists()
    killed.close()


def test_what_a_killed_writer_left_open_does_not_spoil_the_order(tmp_path: Path) -> None:
    """Its info has the time of its last line, not that of its beginning."""
    killed = written(tmp_path / "a", line(1, 1, "invoke"), line(5, 2), close=False)
    written(tmp_path / "b", *[line(at, at) for at in range(2, 9)])
    times = [time for time, _, _ in events(tmp_path)]
    assert times == sorted(times)
    killed.close()


def test_damage_in_the_middle_stays_where_it_is(tmp_path: Path) -> None:
    """A line with holes, one that is none, one without end: what follows them is read."""
    holes = bytearray(line(2).encode())
    holes[5:8] = bytes(3)
    long = b"x" * (3 * LARGEST_LINE)
    placed(tmp_path, line(1).encode() + holes + b"nothing\n" + long + b"\n" + line(3).encode())
    placed(tmp_path, line(2).encode(), "b")
    merged = Merged(tmp_path)
    first, *damaged, second, third = merged
    assert [first, second, third] == [line(at).encode() for at in (1, 2, 3)]
    assert damaged == [b"\0\n", b"nothing\n", b"\0\n"]
    assert merged.torn == 0


def test_thousands_of_segments(tmp_path: Path) -> None:
    """With hardly any open files: a run may have more threads than a process may have files."""
    folder = tmp_path / "segments"
    folder.mkdir()
    count = 2500
    for number in range(count):
        (folder / f"w{number}").write_text(line(number * 7 % count, number) + line(count + number))
    target = tmp_path / "events.jsonl"
    with limited(resource.RLIMIT_NOFILE, len(os.listdir("/proc/self/fd")) + 3):
        merge(folder, target)
    times = [json.loads(one)["time"] for one in target.read_text().splitlines()]
    assert len(times) == 2 * count
    assert times == sorted(times)


def test_a_segment_that_disappears_is_told(tmp_path: Path) -> None:
    """What can be read is."""
    written(tmp_path / "a", line(1), line(3))
    written(tmp_path / "b", *[line(2, text="x" * 1000)] * 500)
    merged = Merged(tmp_path)
    found = iter(merged)
    assert next(found) == line(1).encode()
    (tmp_path / "b").unlink()
    *some, last = found
    assert 0 < len(some) < 500
    assert last == line(3).encode()
    assert isinstance(merged.trouble, FileNotFoundError)


def test_what_is_no_file_is_passed_over(tmp_path: Path) -> None:
    """A pipe that nobody writes would be waited for for ever."""
    written(tmp_path / "a", line(1))
    os.mkfifo(tmp_path / "b")
    (tmp_path / "c").mkdir()
    assert read(tmp_path / "a") == [line(1)]


def test_a_merge_without_room_leaves_the_segments(tmp_path: Path) -> None:
    """And no half file, so that they are read in its place."""
    with disk(tmp_path, "size=256k") as small:
        folder = small / "segments"
        for name in "ab":
            written(folder / name, *[line(at, text="x" * 900) for at in range(90)])
        with pytest.raises(OSError, match="No space left"):
            merge(folder, small / "events.jsonl")
        assert sorted(path.name for path in small.iterdir()) == ["segments"]
        assert sorted(path.name for path in folder.iterdir()) == ["a", "b"]
        assert len(list(Merged(folder))) == 180


@given(text=st.binary(max_size=60))
def test_any_line_has_a_place(tmp_path_factory: pytest.TempPathFactory, text: bytes) -> None:
    """Whatever stands in it; nothing is lost but what has no end."""
    path = placed(tmp_path_factory.mktemp("any"), text + b"\n" + line(5, 3).encode())
    assert list(Merged(path.parent))[-1] == line(5, 3).encode()
    assert len(list(Merged(path.parent))) == text.count(b"\n") + 2
