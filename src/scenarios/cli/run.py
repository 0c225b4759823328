"""`scenarios run`: run files and tell how each scenario ended."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from scenarios.cli import check, options, running
from scenarios.verdict import worst

HELP = """\
Run scenario files, one scenario after the other, and tell how each ended.

FILE is a path, or the name of a file under `scenarios/`, or of one of the
shipped scenarios. What the workers do is shown on standard error while it
happens, the results on standard output.

Examples:
  scenarios run queue.yaml                          a shipped scenario
  scenarios run mine.yaml -v                        with every operation
  scenarios run mine.yaml --set size=3 --set names='[a, b]'
  scenarios run mine.yaml --executor process        all workers as processes
  scenarios run mine.yaml --executor thread:writer  one worker as a thread
  scenarios run mine.yaml --seed 42                 the same random draws
  scenarios run pool.yaml --set matrix.size=3       one value of a matrix
  scenarios run scenarios/*.yaml --format junit > report.xml
  scenarios run theirs.yaml --allow-targets json,command:echo
                                                    nothing else is called

Exit codes (of several scenarios: 70 before 1 before 3 before 0):
  0    passed
  1    failed: an expectation, a crash or a time-out
  2    the command line or a file is wrong; nothing ran
  3    unknown: nothing failed, and something could not be decided
  70   a fault in the engine or in a plugin
  130  stopped by Ctrl-C (143 by SIGTERM)
"""


@options.verb("run", "Run scenarios.", HELP)
@options.files
@options.format_of(*options.FORMATS)
@options.values
@click.option("--seed", type=int, metavar="N", help="Seed of all random draws.")
@click.option("-v", "--verbose", is_flag=True, help="Show every operation, too.")
@click.option("-q", "--quiet", is_flag=True, help="Show no progress, and of results the verdict.")
@options.limits
@options.root
@click.option(
    "--keep",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    metavar="N",
    help="Keep the newest N stored runs.",
)
@options.plugins
def command(
    files: Sequence[str],
    form: str,
    settings: Sequence[str],
    executors: Sequence[str],
    seed: int | None,
    verbose: bool,
    quiet: bool,
    allowed: Sequence[str],
    root: Path,
    keep: int,
    plugins_dirs: Sequence[Path],
    switches: Sequence[str],
) -> int:
    """Locate, load, plan, run, tell."""
    found = check.locate(files)
    registry = options.registry(plugins_dirs, switches)
    targets = options.targets(allowed)
    changes = check.Changes(options.overrides(settings), options.swaps(executors), seed, targets)
    checked = check.check(found, registry, changes)
    if any(one.faults for one in checked):
        check.refuse(checked, form)
        return worst(one.exit for one in checked)
    view = running.View(form, verbose, quiet)
    names = None if targets is None else targets.names
    again = running.Again(settings, executors, plugins_dirs, switches, names)
    return worst(running.run_all(checked, view, again, running.Store(root, keep)))
