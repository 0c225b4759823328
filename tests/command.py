"""The real command in a process of its own, for tests of what people see."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src"


def environment(**other: str) -> dict[str, str]:
    """The environment for a child that finds the package and writes plain text."""
    kept = {key: os.environ[key] for key in os.environ if not key.startswith("SCENARIOS_")}
    kept |= {"PYTHONPATH": str(SOURCE), "NO_COLOR": "1", "COLUMNS": "100"}
    return kept | other


def completed(
    *words: str,
    cwd: Path,
    timeout: float = 60,
    prepare: Callable[[], None] | None = None,
    **other: str,
) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder to its end; `other` are environment variables.

    `prepare` is called between fork and exec.
    """
    return subprocess.run(
        words,
        cwd=cwd,
        env=environment(**other),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        stdin=subprocess.DEVNULL,
        preexec_fn=prepare,
    )


def scenarios(
    *words: str, cwd: Path, timeout: float = 60, **other: str
) -> subprocess.CompletedProcess[str]:
    """Run `scenarios WORDS...` in a folder; `other` are environment variables."""
    command = sys.executable, "-m", "scenarios", *words
    return completed(*command, cwd=cwd, timeout=timeout, prepare=None, **other)
