"""`scenarios show`: stored runs, whole and damaged."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from command import completed, scenarios
from results import failed, passed
from running import started
from scenarios import runs


def store(root: Path, name: str, result: object, events: bytes = b"") -> runs.RunFolder:
    """A stored run with a result and events."""
    folder = runs.create(root, name)
    if result is not None:
        folder.write_text("result.json", json.dumps(result))
    (folder.path / "events.jsonl").write_bytes(events)
    folder.segments.rmdir()
    folder.close()
    return folder


EVENTS = (
    b'{"time":1000000000,"seq":1,"event":"run_started","run":"x","seed":1}\n'
    b'{"time":1500000000,"seq":2,"event":"log","worker":"w","message":"hello"}\n'
    b'{"time":1500000000,"seq":3,"event":"invoke","worker":"w","op":"put","object":"q"}\n'
)


def test_the_latest_run_by_default(tmp_path: Path) -> None:
    """The summary is the same as after the run, with the exact folder and its files."""
    store(tmp_path, "old", failed())
    folder = store(tmp_path, "new", passed())
    folder.write_text("outputs/writer.stdout", "hi\n")
    done = scenarios("show", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith("queue: passed in 1.23 s (seed 4217)\nworkers\n")
    assert f"folder: {folder.path}\n  outputs/writer.stdout  3 bytes\n" in done.stdout


def test_a_failed_run_is_shown_with_exit_0(tmp_path: Path) -> None:
    """Showing is not judging."""
    store(tmp_path, "old", failed())
    done = scenarios("show", "old", cwd=tmp_path)
    assert done.returncode == 0
    assert "to repeat it: " in done.stdout


def test_other_formats(tmp_path: Path) -> None:
    """The stored result comes as JSON, JUnit XML or GitHub's commands, too."""
    store(tmp_path, "one", failed())
    stored = scenarios("show", "--format", "json", cwd=tmp_path).stdout
    assert json.loads(stored) == failed()
    assert scenarios("show", "--format", "junit", cwd=tmp_path).stdout.startswith("<?xml")
    assert scenarios("show", "--format", "github", cwd=tmp_path).stdout.startswith("::error")


def test_the_list_of_runs(tmp_path: Path) -> None:
    """Newest first, with how each ended; one without a result and one under way say so."""
    store(tmp_path, "a", passed())
    store(tmp_path, "b", failed())
    store(tmp_path, "c", None)
    with runs.create(tmp_path, "d"):
        done = scenarios("show", "--list", "--format", "json", cwd=tmp_path)
    states = [(one["id"][-1], one["state"]) for one in json.loads(done.stdout)]
    assert states == [("d", "under way"), ("c", "no result"), ("b", "failed"), ("a", "passed")]
    assert "no run is stored" in scenarios("show", "--list", "--run-dir", "x", cwd=tmp_path).stdout


def test_events_as_they_were_shown(tmp_path: Path) -> None:
    """`--events` renders what the run showed, `-v` the operations as well."""
    store(tmp_path, "one", passed(), EVENTS)
    lines = scenarios("show", "--events", cwd=tmp_path).stdout.splitlines()
    assert [line.split() for line in lines][1] == ["0.500", "w", "hello"]
    assert len(lines) == 2
    assert len(scenarios("show", "-v", cwd=tmp_path).stdout.splitlines()) == 3
    raw = scenarios("show", "--events", "--format", "json", cwd=tmp_path).stdout
    assert raw.encode() == EVENTS


def test_damaged_events_are_read_as_far_as_they_go(tmp_path: Path) -> None:
    """A torn and a broken line are told, and the rest is shown."""
    store(tmp_path, "one", passed(), EVENTS.replace(b'"log"', b"log") + b'{"time":1')
    done = scenarios("show", "--events", cwd=tmp_path)
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 1
    assert "2 lines of " in done.stderr and "(the last one is torn)" in done.stderr


DAMAGED = [
    None, b"", b"[]", b'{"run": 3}', b"{" * 5000, b"\xff", b'{"run": {}, "exit": "0"}',
    b'{"run": {}, "exit": 0, "scenario": "x", "workers": 5}',
]  # fmt: skip


@pytest.mark.parametrize("text", DAMAGED)
def test_a_damaged_result_is_told(tmp_path: Path, text: bytes | None) -> None:
    """Without a result that can be read the message says how to look at the events."""
    folder = store(tmp_path, "one", None)
    if text is not None:
        (folder.path / "result.json").write_bytes(text)
    done = scenarios("show", cwd=tmp_path)
    assert done.returncode == 2
    assert "has no result: it was killed or is damaged" in done.stderr
    assert "--events" in done.stderr
    assert "Traceback" not in done.stderr


MANY = """\
timeout: 40s
queues: {q: {}}
workers: {w: {executor: thread, replicas: 1100, steps: [{get: q}]}}
"""


def test_a_run_under_way_with_more_segments_than_open_files(tmp_path: Path) -> None:
    """Each of 1,100 threads has a segment; 64 open files are enough to look at them."""
    with started(tmp_path, MANY) as command:
        command.until("w.1099  * started")
        words = 'ulimit -n 64; exec "$0" -m scenarios show --events -v'
        done = completed("bash", "-c", words, sys.executable, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    begun = [line for line in done.stdout.splitlines() if "> get q" in line]
    assert len(begun) > 1000  # the last threads may not have come to it yet
    assert "? get q" not in done.stdout


def test_outputs_are_printed_byte_for_byte(tmp_path: Path) -> None:
    """`--output` gives standard output and then standard error, raw; a wrong name is told."""
    folder = store(tmp_path, "one", passed())
    folder.write_text("outputs/w.0.stdout", "out \x1b[31m\n")
    folder.write_text("outputs/w.0.stderr", "err\n")
    assert scenarios("show", "--output", "w.0", cwd=tmp_path).stdout == "out \x1b[31m\nerr\n"
    done = scenarios("show", "--output", "w", cwd=tmp_path)
    assert done.returncode == 2
    assert 'no output of "w"; there is output of w.0' in done.stderr


def test_no_run_at_all(tmp_path: Path) -> None:
    """An empty folder says how to make a run."""
    done = scenarios("show", cwd=tmp_path)
    assert done.returncode == 2
    assert "`scenarios run FILE` makes one" in done.stderr
