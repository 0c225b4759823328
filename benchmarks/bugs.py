"""Explores every file of scenarios/bugs/ and makes the table of docs/bugs.md.

    python benchmarks/bugs.py            prints the table
    python benchmarks/bugs.py --write    puts it into docs/bugs.md

The time is that of the whole command, start of the program included.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from measure import SCENARIOS

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "bugs.md"
BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"
HEAD = """\
| file | verdict | found | shortest | states | schedules | time |
|---|---|---|---|---|---|---|
"""


def explored(file: Path, folder: Path, mode: str) -> tuple[dict[str, Any], float]:
    """The result of one exploration, and how long the command took."""
    words = [*SCENARIOS, "explore", str(file), "--format", "json", "--mode", mode]
    start = time.perf_counter()
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    took = time.perf_counter() - start
    if done.returncode not in (0, 1, 3):
        sys.exit(f"{file}: exit {done.returncode}: {done.stderr}")
    return json.loads(done.stdout), took


def row(file: Path, folder: Path) -> str:
    """One line of the table."""
    result, took = explored(file, folder, "auto")
    schedules, _ = explored(file, folder, "dpor")
    findings = [one for one in result["findings"] if one["order"] is not None]
    witnesses = [one for one in result["expectations"] if one["kind"] == "sometimes"]
    shortest = next((one for one in [*findings, *witnesses] if one.get("order")), None)
    cost = "" if shortest is None else f"{shortest['preemptions']}, {shortest['steps']}"
    kinds = ", ".join(dict.fromkeys(one["checker"] for one in result["findings"]))
    counted = schedules["explored"]
    number = f"{counted['schedules']:,}" + ("" if counted["complete"] else "+")
    return (
        f"| `{file.name}` | {result['explored']['verdict']} | {kinds} | {cost} "
        f"| {result['explored']['states']:,} | {number} | {took:.2f} s |\n"
    )


def main() -> None:
    """Print the table, or write it."""
    files = sorted((ROOT / "scenarios" / "bugs").glob("*.yaml"))
    with tempfile.TemporaryDirectory() as folder:
        table = HEAD + "".join(row(file, Path(folder)) for file in files)
    if "--write" not in sys.argv:
        print(table, end="")
        return
    text = PAGE.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n{table}{END}{after}")


if __name__ == "__main__":
    main()
