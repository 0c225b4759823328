"""Tells what everybody does, at which line, from the last lines of each thread's segment."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from scenarios.engine.members import Member
from scenarios.supervision.under_way import under_way


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
            begun = under_way(folder / name)
            if begun is not None:
                yield who, begun
