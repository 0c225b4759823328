"""How long the command line takes to start, and a whole small run, over a bare interpreter."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from measure import PYTHON, SCENARIOS, Report, medians

SMALL = """\
version: 1
name: small
workers:
  only:
    executor: inline
    steps:
      - set: {n: 1}
"""


def main() -> None:
    """Print the ratios."""
    with tempfile.TemporaryDirectory() as folder:
        cwd = Path(folder)
        (cwd / "small.yaml").write_text(SMALL)
        program = Path(PYTHON).with_name("scenarios")
        start = [str(program)] if program.exists() else SCENARIOS
        commands = [
            [PYTHON, "-c", "pass"],
            [*start, "--version"],
            [*start, "run", "small.yaml"],
        ]
        if "--pyperf" in sys.argv:
            with_pyperf(commands, cwd)
            return
        bare, version, run = medians(commands, cwd)
    print(f"       python -c pass: {bare * 1000:.1f} ms")
    report = Report()
    report.at_most(f"scenarios --version ({version * 1000:.0f} ms)", version / bare, 5, "x")
    report.at_most(f"a run of one inline step ({run * 1000:.0f} ms)", run / bare, 40, "x")
    report.close()


def with_pyperf(commands: list[list[str]], cwd: Path) -> None:
    """Let pyperf measure each command."""
    import subprocess

    for words in commands:
        measure = [PYTHON, "-m", "pyperf", "command", "--processes=10", "--values=3"]
        subprocess.run([*measure, "--inherit-environ=PATH", "--", *words], cwd=cwd, check=True)


if __name__ == "__main__":
    main()
