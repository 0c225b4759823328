"""Options that several verbs have in common, and what they mean."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
import rich_click

from scenarios.cli import complete

if TYPE_CHECKING:
    from scenarios.loading import Targets
    from scenarios.plugins import Registry

Command = TypeVar("Command", bound=Callable[..., Any])

ALLOWED = "SCENARIOS_ALLOW_TARGETS"
"""Environment variable: `--allow-targets` where that is not given; empty it allows nothing."""

FORMATS = ("text", "json", "github", "junit")


def verb(name: str, short: str, text: str) -> Callable[[Callable[..., Any]], click.Command]:
    """Make a function the command of a verb; `text` is its help, with its lines as written."""
    return click.command(name, cls=rich_click.RichCommand, help=page(text), short_help=short)


def page(text: str) -> str:
    """A help text whose lines stay as they are, in click's notation."""
    # A paragraph after \b is not wrapped; with a space in its empty lines a text is one paragraph.
    return "\b\n" + text.strip().replace("\n\n", "\n \n")


def files(command: Command) -> Command:
    """One scenario file or more."""
    return click.argument(
        "files", nargs=-1, required=True, metavar="FILE...", shell_complete=complete.files
    )(command)


def format_of(*formats: str) -> Callable[[Command], Command]:
    """`--format`, the first one is the default."""
    return click.option(
        "--format",
        "form",
        type=click.Choice(formats),
        default=formats[0],
        show_default=True,
        help="What is printed on standard output.",
    )


def values(command: Command) -> Command:
    """`--set` and `--executor`, which change a scenario without editing its file."""
    command = click.option(
        "--executor",
        "executors",
        multiple=True,
        metavar="NAME[:WORKER]",
        shell_complete=complete.executors,
        help="Run all workers, or one, with another executor; may be repeated.",
    )(command)
    return click.option(
        "--set",
        "settings",
        multiple=True,
        metavar="KEY=VALUE",
        help="Give a variable of `vars` another value, read as YAML, or pick one of the matrix by "
        "matrix.NAME=VALUE; may be repeated.",
    )(command)


def limits(command: Command) -> Command:
    """`--allow-targets`, which limits what a file may call and start."""
    return click.option(
        "--allow-targets",
        "allowed",
        multiple=True,
        metavar="NAME,...",
        help="Refuse files that call other modules than these, or start programs: MODULE (and what "
        "is below it), MODULE:NAME, command:PROGRAM, env:VARIABLE; may be repeated.",
    )(command)


def plugins(command: Command) -> Command:
    """`--plugins-dir` and `-p`."""
    command = click.option(
        "-p",
        "switches",
        multiple=True,
        metavar="no:NAME",
        help="Leave the plugin NAME out; may be repeated.",
    )(command)
    return click.option(
        "--plugins-dir",
        "plugins_dirs",
        multiple=True,
        type=click.Path(file_okay=False, path_type=Path),
        metavar="DIR",
        help="Load the plugins `*.py` of a folder too; may be repeated.",
    )(command)


def root(command: Command) -> Command:
    """`--run-dir`, where runs are stored."""
    return click.option(
        "--run-dir",
        "root",
        type=click.Path(file_okay=False, path_type=Path),
        default=Path(),
        metavar="DIR",
        help="Store runs in DIR/.scenarios (default: the current folder).",
    )(command)


def registry(
    plugins_dirs: Sequence[Path], switches: Sequence[str], *, warn: bool = True
) -> Registry:
    """The plugins that these options ask for; broken ones are named on standard error."""
    from scenarios import plugins as known

    disabled = []
    for switch in switches:
        word, _, name = switch.partition(":")
        if word != "no" or not name:
            raise click.UsageError(f'-p takes no:NAME, not "{switch}"')
        disabled.append(name)
    for folder in plugins_dirs:
        if not folder.is_dir():
            raise click.UsageError(f"--plugins-dir: there is no folder {folder}")
    found = known.load(plugins_dirs, disabled)
    for name, reason in found.broken if warn else ():
        click.echo(f"scenarios: the plugin {name} cannot be used: {reason}", err=True)
    return found


def targets(allowed: Sequence[str]) -> Targets | None:
    """`--allow-targets`, or the environment's where it is not given; None without any limit."""
    from scenarios.loading import Targets

    lists = allowed or [os.environ[name] for name in (ALLOWED,) if name in os.environ]
    if not lists:
        return None
    return Targets(name.strip() for names in lists for name in names.split(",") if name.strip())


def overrides(settings: Sequence[str]) -> dict[str, str]:
    """`--set KEY=VALUE` as texts by key; the loader reads them as YAML."""
    found: dict[str, str] = {}
    for setting in settings:
        key, sign, value = setting.partition("=")
        if not sign or not key:
            raise click.UsageError(f'--set takes KEY=VALUE, not "{setting}"')
        found[key.strip()] = value
    return found


def swaps(executors: Sequence[str]) -> dict[str | None, str]:
    """`--executor NAME[:WORKER]` as executor by worker; None stands for all."""
    found: dict[str | None, str] = {}
    for text in executors:
        name, sign, worker = text.partition(":")
        if not name or (sign and not worker):
            raise click.UsageError(f'--executor takes NAME or NAME:WORKER, not "{text}"')
        found[worker or None] = name
    return found
