"""Segments of the event log, written and read by tests."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from scenarios.journal import Merged, Segment


def line(at: int, seq: int = 1, event: str = "log", **fields: Any) -> str:
    """A line of the log."""
    rest = {"time": at, "seq": seq, "event": event, **fields}
    return json.dumps(rest, separators=(",", ":")) + "\n"


def written(path: Path, *texts: str, close: bool = True) -> Segment:
    """A segment with these lines; its folder is made where it is missing."""
    path.parent.mkdir(exist_ok=True)
    segment = Segment(str(path))
    for text in texts:
        segment.write(text)
    if close:
        segment.close()
    return segment


def read(path: Path) -> list[str]:
    """The lines of a segment that is alone in its folder, as they were written."""
    return [one.decode() for one in Merged(path.parent, over=False)]


def placed(folder: Path, content: bytes, name: str = "a") -> Path:
    """A segment with this content, whoever wrote it."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(content)
    return folder / name


def mount(*words: str) -> None:
    """Mount something; where this process may not, the test says so and does not run."""
    done = subprocess.run(["mount", *words], capture_output=True, text=True, check=False)
    refused = os.geteuid() or "permission denied" in done.stderr
    if done.returncode and refused:
        pytest.skip(f"a test of real disks needs to mount them: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr


@contextmanager
def disk(folder: Path, *options: str) -> Iterator[Path]:
    """A file system in memory with mount options such as size=256k; only root can make one."""
    mounted = folder / "disk"
    mounted.mkdir()
    mount("-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(mounted))
    try:
        yield mounted
    finally:
        subprocess.run(["umount", "-l", str(mounted)], check=True)
