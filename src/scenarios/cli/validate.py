"""`scenarios validate`: check files without importing or running anything of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from scenarios.cli import check, options
from scenarios.verdict import worst

HELP = """\
Check scenario files: every fault of every file, at its line and column.
Nothing is run.

Examples:
  scenarios validate queue.yaml
  scenarios validate *.yaml --format github        annotate a pull request
  scenarios validate mine.yaml --executor process  would it run on processes?
  scenarios validate mine.yaml --allow-targets json   does it call more?

Exit codes: 0 all files are right, 2 some are not, 70 a fault in a plugin
"""


@options.verb("validate", "Check files, run nothing.", HELP)
@options.files
@options.format_of(*options.FORMATS)
@options.values
@options.limits
@options.plugins
def command(
    files: Sequence[str],
    form: str,
    settings: Sequence[str],
    executors: Sequence[str],
    allowed: Sequence[str],
    plugins_dirs: Sequence[Path],
    switches: Sequence[str],
) -> int:
    """Locate, load, plan, tell."""
    found = check.locate(files)
    registry = options.registry(plugins_dirs, switches)
    changes = check.Changes(
        options.overrides(settings),
        options.swaps(executors),
        targets=options.targets(allowed),
    )
    checked = check.check(found, registry, changes)
    return _tell(checked, form)


def _tell(checked: Sequence[check.Checked], form: str) -> int:
    if any(one.faults for one in checked):
        check.refuse(checked, form)
    elif form != "text":
        click.echo(check.machine(checked, form), nl=False)
    if form == "text":
        for one in checked:
            _tell_one(one)
    return worst(one.exit for one in checked)


def _tell_one(one: check.Checked) -> None:
    """A right file on standard output, with what the loader noticed."""
    from scenarios.wording import count, visible

    if one.faults:
        return
    click.echo(f"{visible(one.file)}: ok ({count(len(one.plans), 'scenario')})")
    for notice in one.notices:
        click.echo(f"  note: {visible(notice)}")
