"""`scenarios explore`: look at every schedule that a scenario can have."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from scenarios.cli import check, exploring, options, running
from scenarios.verdict import worst

HELP = """\
Decide what a scenario can do: every order of its steps is looked at, as far
as the budget reaches, and nothing is run.

What is found is told with a shortest schedule: fewest preemptions first,
then fewest steps. Each is kept, with the command that shows it again.

Examples:
  scenarios explore bugs/lost-update.yaml
  scenarios explore mine.yaml --seconds 300 --states 5000000
  scenarios explore mine.yaml --mode pct --schedules 10000
  scenarios explore mine.yaml --time exact     sleeps take their time

Verdicts: bug; proved (every schedule was covered); found as declared (the
same, and what the file says may be found was found); no bug within what was
looked at, or in exact time; inconclusive (something cannot be followed: it
is named).

Exit codes:
  0    proved, or found as declared
  1    a bug
  2    the command line or a file is wrong
  3    not decided
  130  stopped by Ctrl-C; what was covered so far is told
"""

MODES = ("auto", "prove", "dpor", "random", "pct", "pos")


@options.verb("explore", "Look at every schedule of a scenario.", HELP)
@options.files
@options.format_of(*options.FORMATS)
@click.option(
    "--mode",
    type=click.Choice(MODES),
    default="auto",
    show_default=True,
    help="prove: every state once; dpor: every schedule that differs; random, pct, pos: schedules "
    "drawn at random; auto: one after the other.",
)
@click.option(
    "--time",
    type=click.Choice(("free", "exact")),
    default="free",
    show_default=True,
    help="free: a sleep may end at any moment; exact: sleeps take their time and steps none.",
)
@click.option(
    "--timeouts",
    type=click.Choice(("last", "any")),
    default="last",
    show_default=True,
    help="When a step's time-out may be over: when only timers can go on, or at any moment.",
)
@click.option("--spurious", is_flag=True, help="A condition's wait may end without a notify.")
@click.option(
    "--states",
    type=click.IntRange(min=1),
    default=1_000_000,
    show_default=True,
    metavar="N",
    help="Look at N states at most.",
)
@click.option(
    "--schedules",
    type=click.IntRange(min=1),
    default=100_000,
    show_default=True,
    metavar="N",
    help="Look at N schedules at most.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    metavar="S",
    help="Search for S seconds at most.",
)
@click.option(
    "--memory",
    type=click.FloatRange(min=0, min_open=True),
    default=2.0,
    show_default=True,
    metavar="GIB",
    help="Use GIB GiB of memory at most.",
)
@click.option("--seed", type=int, metavar="N", help="Seed of schedules drawn at random.")
@options.values
@click.option("-q", "--quiet", is_flag=True, help="Show no progress, and no schedules.")
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
    mode: str,
    time: str,
    timeouts: str,
    spurious: bool,
    states: int,
    schedules: int,
    seconds: float,
    memory: float,
    seed: int | None,
    settings: Sequence[str],
    executors: Sequence[str],
    quiet: bool,
    allowed: Sequence[str],
    root: Path,
    keep: int,
    plugins_dirs: Sequence[Path],
    switches: Sequence[str],
) -> int:
    """Locate, load, plan, explore, tell."""
    found = check.locate(files)
    registry = options.registry(plugins_dirs, switches)
    overrides = options.overrides(settings)
    changes = check.Changes(overrides, options.swaps(executors), seed, options.targets(allowed))
    checked = check.check(found, registry, changes)
    if any(one.faults for one in checked):
        check.refuse(checked, form)
        return worst(one.exit for one in checked)
    from scenarios.explore.budget import Limits
    from scenarios.explore.exploring import Settings
    from scenarios.explore.machine import Options

    reading = Options(time == "exact", timeouts == "any", spurious)
    limits = Limits(states, schedules, seconds, int(memory * 1024**3))
    how = Settings(mode, reading, limits, seed or 0)  # type: ignore[arg-type]  # click has checked it
    results = exploring.explore_all(
        checked,
        how,
        running.View(form, False, quiet),
        exploring.Again(overrides, executors),
        running.Store(root, keep),
    )
    return worst(int(result["exit"]) for result in results)
