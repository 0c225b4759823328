"""Tells what everybody does, at which line, from the last lines of each thread's segment."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from scenarios.engine.members import Member

TAIL = 1 << 20
"""Bytes looked at: an open segment ends with up to 1 MiB that nothing is written to yet."""

BEGUN = 1 << 16
"""Bytes of lines looked at: an operation is at most two records of 64 KiB back, mostly far less."""


def describe(members: Sequence[Member], folder: str) -> list[str]:
    """One sentence for each thread of a running member; `folder` holds the segments."""
    described = []
    for member in members:
        if member.state == "running" and member.attempt is not None:
            found = sorted(_operations(member.attempt.label, Path(folder)))
            for label, operation in found:
                line = operation.get("line") or member.plan.line
                words = [operation["op"], *filter(None, [operation.get("object")])]
                described.append(f"{label} is in {' '.join(words)} (line {line})")
            if not found:
                described.append(f"{member.name} runs (line {member.plan.line})")
    return described


def _operations(label: str, folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """(thread's label, the operation that it has begun and not ended), for each thread."""
    try:
        names = os.listdir(folder)
    except OSError:  # no further file can be opened
        return
    for name in names:
        who = name.removesuffix(".jsonl").rpartition(".")[0]
        if who == label or who.startswith((f"{label}#", f"{label}@")):
            begun = _begun(folder / name)
            if begun is not None:
                yield who, begun


def _begun(path: Path) -> dict[str, Any] | None:
    begun: list[dict[str, Any]] = []
    for line in _last_lines(path):
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
