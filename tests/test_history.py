"""Reading stored events, whole and damaged."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from scenarios.history import History, of_run
from scenarios.journal import LARGEST_LINE
from segments import placed

EVENTS = [{"time": n, "seq": n, "event": "log", "message": f"m{n}"} for n in range(3)]
LINES = [json.dumps(event, separators=(",", ":")).encode() + b"\n" for event in EVENTS]


def test_a_whole_file_is_read_in_order(tmp_path: Path) -> None:
    """Every line is an event, and there is no damage to tell."""
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"".join(LINES))
    history = History(path)
    assert list(history) == EVENTS
    assert list(history) == EVENTS
    assert history.damage() is None


def test_a_torn_tail_is_dropped_and_said(tmp_path: Path) -> None:
    """The half line at the end is no event, and the report says so."""
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"".join(LINES)[:-5])
    history = History(path)
    assert list(history) == EVENTS[:2]
    assert history.damage() == (
        f"one line of {path} cannot be read and stands for no event (the last one is torn)"
    )


def test_bad_lines_in_the_middle_are_counted(tmp_path: Path) -> None:
    """Text, numbers, events without a kind, deep nesting and NULs are skipped, not fatal."""
    path = tmp_path / "events.jsonl"
    bad = [b"{]\n", b"7\n", b'{"time": 1}\n', b"[" * 100_000 + b"\n", b"\0\0\0\n", b"\xff\xfe\n"]
    path.write_bytes(LINES[0] + b"".join(bad) + b"\n" + LINES[1] + LINES[2])
    history = History(path)
    assert list(history) == EVENTS
    assert history.skipped == len(bad)
    assert "6 lines" in str(history.damage())


def test_a_line_without_end_costs_no_memory(tmp_path: Path) -> None:
    """A line longer than any record is passed over to its end as one."""
    path = tmp_path / "events.jsonl"
    path.write_bytes(LINES[0] + b"x" * (3 * LARGEST_LINE + 7) + b"\n" + LINES[1])
    history = History(path)
    assert list(history) == EVENTS[:2]
    assert history.skipped == 1


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    """No file gives no events and one sentence."""
    history = History(tmp_path / "events.jsonl")
    assert list(history) == []
    assert str(history.damage()).startswith("cannot read ")


@given(st.binary(max_size=300))
def test_no_bytes_make_reading_fail(data: bytes) -> None:
    """Whatever the file holds, reading ends and gives events alone."""
    import tempfile

    with tempfile.NamedTemporaryFile() as file:
        file.write(LINES[0] + data)
        file.flush()
        events = list(History(Path(file.name)))
    assert all("event" in event for event in events)


def test_segments_are_read_where_the_run_has_not_ended(tmp_path: Path) -> None:
    """Without events.jsonl the segments are merged by time; their unused end is no damage."""
    segments = tmp_path / "segments"
    placed(segments, LINES[0] + LINES[2] + bytes(4096), "b")
    placed(segments, LINES[1] + bytes(7), "a")
    history = of_run(tmp_path)
    assert list(history) == EVENTS
    assert history.damage() is None
    placed(segments, LINES[1] + LINES[0][:9] + bytes(7), "a")
    assert list(history) == EVENTS
    assert history.damage() == (
        f"one line of {segments} cannot be read and stands for no event (the last one is torn)"
    )
    assert list(History(tmp_path / "none", segments, over=False)) == EVENTS
    assert (history.torn, History(tmp_path / "none", segments, over=False).damage()) == (1, None)
    (tmp_path / "events.jsonl").write_bytes(LINES[0])
    assert list(of_run(tmp_path)) == EVENTS[:1]
