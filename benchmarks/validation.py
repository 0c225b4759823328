"""How long `scenarios validate` takes for 10,000 lines of YAML, the start of Python included."""

from __future__ import annotations

import tempfile
from pathlib import Path

from measure import SCENARIOS, Report, medians

WORKER = """\
  w{n}:
    executor: thread
    steps:
      - log: round of ${{worker.name}}
      - for_each: [1, 2, 3]
        as: item
        steps:
          - {{put: q, value: "${{item + {n}}}"}}
          - {{get: q, into: back, timeout: 1s}}
      - return: ${{back}}
"""


def text(lines: int) -> str:
    """A valid scenario of at least so many lines."""
    workers = "".join(WORKER.format(n=n) for n in range(lines // WORKER.count("\n") + 1))
    return f"version: 1\nname: long\nqueues:\n  q: {{}}\nworkers:\n{workers}"


def main() -> None:
    """Print the seconds."""
    with tempfile.TemporaryDirectory() as folder:
        cwd = Path(folder)
        (cwd / "long.yaml").write_text(text(10_000))
        (took,) = medians([[*SCENARIOS, "validate", "long.yaml"]], cwd, rounds=5)
    report = Report()
    report.at_most("10,000 lines validated", took, 1, "s")
    report.close()


if __name__ == "__main__":
    main()
