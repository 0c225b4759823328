"""What a run leaves: masked, and honest about what had no room."""

from __future__ import annotations

import sys
from pathlib import Path

from command import completed, scenarios

SECRET = """\
secrets: [hunter2]
workers: {w: {executor: thread, steps: [{log: hunter2}, {return: hunter2}]}}
"""

NO_ROOM = """\
values: {v: 0}
workers:
  w: {executor: thread, steps: [{repeat: 20000, steps: [{write: v, value: 1}]}]}
"""


def test_a_secret_that_stands_in_the_file_is_in_no_artefact(tmp_path: Path) -> None:
    """The copy of the scenario, the events and the result hold stars in its place."""
    (tmp_path / "one.yaml").write_text(SECRET)
    done = scenarios("run", "one.yaml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "hunter2" not in done.stdout + done.stderr
    stored = (tmp_path / ".scenarios" / "latest").resolve()
    texts = [path.read_text() for path in stored.rglob("*") if path.is_file()]
    assert any("***" in text for text in texts)
    assert not any("hunter2" in text for text in texts)


def test_events_without_room_are_counted_and_told(tmp_path: Path) -> None:
    """A file that may not grow ends neither worker nor run, and a notice counts the loss."""
    (tmp_path / "one.yaml").write_text(NO_ROOM)
    limited = 'ulimit -f 512; exec "$0" -m scenarios run one.yaml'  # blocks of 1 KiB
    done = completed("bash", "-c", limited, sys.executable, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "events of w had no room in the log" in done.stdout + done.stderr
    shown = scenarios("show", "--events", cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert "one" in shown.stdout
