"""The real command in a process of its own, for tests of what people see."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src"


def environment(**other: str) -> dict[str, str]:
    """The environment for a child that finds the package and writes plain text."""
    kept = {key: os.environ[key] for key in os.environ if not key.startswith("SCENARIOS_")}
    kept |= {"PYTHONPATH": str(SOURCE), "NO_COLOR": "1", "COLUMNS": "100"}
    return kept | other


def scenarios(
    *words: str, cwd: Path, timeout: float = 60, **other: str
) -> subprocess.CompletedProcess[str]:
    """Run `scenarios WORDS...` in a folder; `other` are environment variables."""
    return subprocess.run(
        [sys.executable, "-m", "scenarios", *words],
        cwd=cwd,
        env=environment(**other),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        stdin=subprocess.DEVNULL,
    )
