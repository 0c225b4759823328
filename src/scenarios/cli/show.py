"""`scenarios show`: look at a stored run again, its result, events and outputs."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from scenarios import runs
from scenarios.cli import complete, options, reality, running
from scenarios.errors import UsageError

HELP = """\
Show a stored run: its summary, its events or what a worker wrote. Without
RUN it is the latest.

RUN is the id of a run, a part of it (the newest that has it), or a folder.
The exit code is 0 however the run ended, except with --check-model: 0 where
the run is a path of the explorer's state machine, 1 where it is not, and 3
where that is not known.

Examples:
  scenarios show                    the summary of the latest run
  scenarios show --list             all stored runs
  scenarios show --events           what was shown while it ran
  scenarios show queue --events -v  every operation of the newest "queue"
  scenarios show --output writer    what the worker wrote
  scenarios show --check-model      whether the run is a path of the machine
  scenarios show --format json      the result, for programs
"""


@options.verb("show", "Show a stored run.", HELP)
@click.argument("run", required=False, shell_complete=complete.runs)
@click.option("--list", "listing", is_flag=True, help="List the stored runs, newest first.")
@click.option("--events", is_flag=True, help="Show the events; `--format json` gives them raw.")
@click.option("-v", "--verbose", is_flag=True, help="Show operations, too (with --events).")
@click.option("--output", metavar="WORKER", help="Print what a worker wrote, as it was written.")
@click.option(
    "--check-model", "checking", is_flag=True, help="Check the run against the state machine."
)
@options.format_of(*options.FORMATS)
@options.root
def command(
    run: str | None,
    listing: bool,
    events: bool,
    verbose: bool,
    output: str | None,
    checking: bool,
    form: str,
    root: Path,
) -> int:
    """Find, read, tell."""
    if listing:
        _tell_list(root, form)
        return 0
    path = runs.find_run(run, root)
    if checking:
        return reality.tell(path, read_result(path), form)
    if output is not None:
        _tell_output(path, output)
    elif events or verbose:
        _tell_events(path, verbose, form)
    else:
        _tell_result(path, form)
    return 0


def read_result(path: Path) -> dict[str, Any] | None:
    """The stored result of a run; None where there is none that can be read."""
    file = path / "result.json"
    try:
        if not file.is_file():  # a pipe would be waited for
            return None
        result = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    fits = isinstance(result, dict) and isinstance(result.get("run"), dict)
    return result if fits and type(result.get("exit")) is int else None


def _state(path: Path, result: Mapping[str, Any] | None) -> str:
    """How a run ended, or why it has no result."""
    from scenarios.verdict import word

    if runs.under_way(path):
        return "under way"
    return word(int(result["exit"])) if result else "no result"


def _took(seconds: Any) -> str:
    from scenarios.wording import duration

    known = isinstance(seconds, int | float) and 0 <= seconds < 1e9
    return duration(seconds) if known else ""


def _tell_list(root: Path, form: str) -> None:
    from scenarios.page import Page
    from scenarios.reports.as_json import dump

    rows = []
    for path in runs.stored(root):
        result = read_result(path)
        took = _took(result["run"].get("duration")) if result else ""
        file = str(result.get("file", "")) if result else ""
        rows.append((path.name, _state(path, result), took, file))
    if form == "json":
        keys = ("id", "state", "duration", "file")
        click.echo(dump([dict(zip(keys, row, strict=True)) for row in rows]), nl=False)
    elif rows:
        page = Page(None, colours=False)
        page.rows(f"runs in {root.absolute() / '.scenarios' / 'runs'}", rows, state=1)
        click.echo(page.text(), nl=False)
    else:
        click.echo(f"no run is stored in {root.absolute() / '.scenarios' / 'runs'}")


def _tell_result(path: Path, form: str) -> None:
    result = read_result(path)
    try:
        text = _rendered(path, result, form) if result else ""
    except Exception:  # it is JSON, and not what a run has stored
        text = ""
    if not text:
        raise UsageError(
            f"the run {path} has no result: {_why_none(path)}; `scenarios show {path.name} "
            "--events` shows what it did"
        )
    click.echo(text, nl=False, color=True)


def _why_none(path: Path) -> str:
    if runs.under_way(path):
        return "it is still under way"
    try:
        os.close(os.open(path / "result.json", os.O_RDONLY | os.O_NONBLOCK))
    except FileNotFoundError:
        pass
    except OSError as error:
        return f"it cannot be read ({error.strerror})"
    return "it was killed or is damaged"


def _rendered(path: Path, result: dict[str, Any], form: str) -> str:
    if form != "text":
        return running.together([result], form)
    files = [line for part in ("outputs", "tracebacks") for line in _sizes(path / part)]
    result["run"]["folder"] = str(path)
    return running.page(result, files=files)


def _sizes(folder: Path) -> list[str]:
    try:
        return [
            f"{folder.name}/{file.name}  {file.stat().st_size} bytes"
            for file in runs.inside(folder)
        ]
    except OSError as error:
        return [f"{folder.name}  cannot be read: {error.strerror}"]


def _tell_events(path: Path, verbose: bool, form: str) -> None:
    """Events rendered as in the run, or raw lines; damage is told on standard error."""
    from scenarios import history
    from scenarios.log import Console

    events = history.of_run(path)
    console = Console(sys.stdout, verbose=verbose)
    for event in events:
        if form == "json":
            click.echo(json.dumps(event, separators=(",", ":")))
        else:
            console(event)
    damage = events.damage()
    if damage:
        click.echo(f"scenarios: {damage}", err=True)


def _tell_output(path: Path, worker: str) -> None:
    """What a worker wrote: standard output, then standard error; raw where it is no terminal."""
    folder = path / "outputs"
    found = [folder / f"{worker}.{stream}" for stream in ("stdout", "stderr")]
    if not any(file.is_file() for file in found):
        files = runs.inside(folder, ".stdout") + runs.inside(folder, ".stderr")
        known = sorted({file.stem for file in files})
        listed = f"; there is output of {', '.join(known)}" if known else ""
        raise UsageError(f'the run {path} has no output of "{worker}"{listed}')
    for file in found:
        if file.is_file():
            content = file.read_bytes()
            click.echo(_seen(content) if sys.stdout.isatty() else content, nl=False)


def _seen(content: bytes) -> str:
    """As a terminal may get it."""
    from scenarios.wording import visible_lines

    return visible_lines(content.decode("utf-8", "backslashreplace"))
