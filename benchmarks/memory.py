"""How much memory a run that makes 1,000,000 events needs above one that makes none."""

from __future__ import annotations

import tempfile
from pathlib import Path

from measure import SCENARIOS, Report, peak_memory

FILE = """\
version: 1
name: memory
vars:
  rounds: 0
values:
  v: 0
workers:
  writer:
    executor: thread
    steps:
      - repeat: ${vars.rounds}
        steps:
          - {write: v, value: 1}
timeout: 120s
"""
MIB = 1024 * 1024


def main() -> None:
    """Print the difference."""
    with tempfile.TemporaryDirectory() as folder:
        cwd = Path(folder)
        (cwd / "memory.yaml").write_text(FILE)
        run = [*SCENARIOS, "run", "memory.yaml", "--set"]
        empty = peak_memory([*run, "rounds=0"], cwd)
        full = peak_memory([*run, "rounds=500000"], cwd)
        lines = sum(1 for _ in (cwd / ".scenarios" / "latest" / "events.jsonl").open("rb"))
    print(f"       empty run: {empty / MIB:.0f} MiB; {lines:,} events: {full / MIB:.0f} MiB")
    report = Report()
    report.at_least("events in the log", lines, 1_000_000, "events")
    report.at_most("memory above an empty run", (full - empty) / MIB, 100, "MiB")
    report.close()


if __name__ == "__main__":
    main()
