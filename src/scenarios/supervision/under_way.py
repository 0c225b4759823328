"""What a thread had begun and not ended, from the last lines of its segment of the log."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

TAIL = 1 << 20
"""Bytes looked at: an open segment ends with up to 1 MiB that nothing is written to yet."""

BEGUN = 1 << 16
"""Bytes of lines looked at: an operation is at most two records of 64 KiB back, mostly far less."""


def under_way(segment: Path) -> dict[str, Any] | None:
    """The `invoke` of the innermost operation; its line is that of the step. None without any."""
    begun: list[dict[str, Any]] = []
    for line in _last_lines(segment):
        try:
            event = json.loads(line)
        except ValueError:
            continue  # cut by the beginning of the tail
        if event["event"] == "invoke":
            begun.append(event)
        elif event["event"] in ("ok", "fail") and begun:
            begun.pop()
    if not begun:
        return None
    lines = [event["line"] for event in begun if event.get("line")]
    return {**begun[-1], "line": lines[-1] if lines else None}


def _last_lines(path: Path) -> list[bytes]:
    try:
        with path.open("rb") as segment:
            end = segment.seek(0, os.SEEK_END)
            segment.seek(max(0, end - TAIL - BEGUN))
            written = segment.read().rstrip(b"\0")
    except OSError:
        return []
    return written[-BEGUN:].split(b"\n")
