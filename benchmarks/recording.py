"""How many recorded `write` steps a second a worker in a thread does; each makes two events."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import SCENARIOS, Report

STEPS = 300_000
ROUNDS = 5

FILE = f"""\
version: 1
name: recording
vars:
  rounds: {STEPS}
values:
  v: 0
workers:
  writer:
    executor: thread
    steps:
      - repeat: ${{vars.rounds}}
        steps:
          - {{write: v, value: 1}}
"""


def once(cwd: Path) -> float:
    """Steps a second, by the worker's own duration."""
    done = subprocess.run(
        [*SCENARIOS, "run", "recording.yaml", "--format", "json"],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    result = json.loads(done.stdout)
    events = Path(cwd / ".scenarios" / "latest" / "events.jsonl")
    with events.open("rb") as lines:
        recorded = sum(b'"op":"write"' in line or b'"op": "write"' in line for line in lines)
    if recorded < 2 * STEPS:
        sys.exit(f"only {recorded:,} of {2 * STEPS:,} events of the writes are in the log")
    return STEPS / float(result["workers"]["writer"]["duration"])


def main() -> None:
    """Print the rate."""
    with tempfile.TemporaryDirectory() as folder:
        cwd = Path(folder)
        (cwd / "recording.yaml").write_text(FILE)
        rates = [once(cwd) for _ in range(ROUNDS)]
    report = Report()
    report.at_least("recorded writes", statistics.median(rates), 250_000, "steps/s")
    report.close()


if __name__ == "__main__":
    main()
