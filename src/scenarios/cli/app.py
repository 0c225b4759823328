"""The group of all verbs, and what becomes of an error: one sentence and an exit code."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import Any

import click
import rich_click

from scenarios.cli import VERSION, options, output
from scenarios.errors import ScenarioFileError, ScenariosError

VERBS = ("run", "explore", "replay", "validate", "list", "show", "schema", "plugins", "completion")
"""In the order of the help; each is `command` in the module of its name."""

BROKEN, INTERRUPTED = 70, 130

HELP = """\
Runs concurrency designs that are written in YAML: threads, processes, pools
and commands that share queues, locks and values.

Examples:
  scenarios list                             what there is to run
  scenarios run queue.yaml                   run one of the shipped scenarios
  scenarios run mine.yaml --set size=3       give another value
  scenarios run mine.yaml --executor thread  the same design on threads
  scenarios validate *.yaml                  check files, run nothing
  scenarios show                             look at the latest run again

Exit codes:
  0    passed
  1    failed: an expectation, a crash or a time-out
  2    the command line or a file is wrong; nothing ran
  3    unknown: nothing failed, and something could not be decided
  70   a fault in the engine or in a plugin
  130  stopped by Ctrl-C (143 by SIGTERM)

`scenarios VERB --help` has the options and examples of each verb.
"""


class Verbs(rich_click.RichGroup):
    """Imports the module of a verb when it is asked for, and knows the nearest word."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All verbs in the order of the help."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a verb, or None."""
        if cmd_name not in VERBS:
            return None
        command: click.Command = import_module(f"scenarios.cli.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The verb that the first word names; another word is told with the nearest verb."""
        word = args[0]
        command = self.get_command(ctx, word)
        if command is not None:
            return word, command, args[1:]
        if ctx.resilient_parsing:
            return None, None, args[1:]
        if word.startswith("-"):
            raise click.NoSuchOption(word, ctx=ctx)
        raise click.UsageError(f'no verb "{word}"{_near(word, VERBS)}', ctx)


@click.group(
    cls=Verbs,
    help=options.page(HELP),
    options_metavar="[--version] [--help]",
    subcommand_metavar="VERB ...",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(VERSION, "-V", "--version", message="scenarios %(version)s")
def app() -> None:
    """All verbs; see HELP."""


def start(words: Sequence[str]) -> int:
    """Run the verb that the words name; every error becomes its exit code."""
    _lenient_streams()
    try:
        wanted = list(words) or ["--help"]
        code = app.main(args=wanted, prog_name="scenarios", standalone_mode=False)
    except click.Abort:
        return INTERRUPTED
    except click.ClickException as error:
        return _tell(_usage(error), 2)
    except ScenarioFileError as error:
        return _tell(str(error), error.exit_code)
    except ScenariosError as error:
        return _tell(f"scenarios: {error}", error.exit_code)
    except (KeyboardInterrupt, SystemExit):
        raise
    except OSError as error:
        if output.failed():
            return 1
        place = _place(error)
        if place is None:
            return _bug(error)
        return _tell(f"scenarios: cannot use {place}: {error.strerror}", 2)
    except Exception as error:
        return _bug(error)
    if not words:
        return 2
    return code if isinstance(code, int) else 0


def _place(error: OSError) -> str | None:
    """What the system did not let us use; a run's own faults end in its result, and never here."""
    if error.filename is None and isinstance(error, FileNotFoundError):
        return "the current folder"  # it was removed
    return None if error.filename is None else str(error.filename)


def _lenient_streams() -> None:
    """No character that the terminal does not know ends the program."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _tell(text: str, exit_code: int) -> int:
    from scenarios.wording import visible_lines

    sys.stderr.write(visible_lines(text) + "\n")
    return exit_code


def _usage(error: click.ClickException) -> str:
    """click's message in our words, with where help is found."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "scenarios"
    text = error.format_message()
    if isinstance(error, click.NoSuchOption):
        known = _options(context) if context is not None else []
        text = f'no option "{error.option_name}"{_near(error.option_name, known)}'
    text = (text[:1].lower() + text[1:]).rstrip(".")
    return f"{path}: {text} (see `{path} --help`)"


def _options(context: Any) -> list[str]:
    found = [name for option in context.command.get_params(context) for name in option.opts]
    return [name for name in found if name.startswith("-")]


def _near(word: str, known: Sequence[str]) -> str:
    """The nearest known word, or all words of a short list."""
    near = get_close_matches(word, known, n=1)
    if near:
        return f'; did you mean "{near[0]}"?'
    return f"; there are {', '.join(known)}" if len(known) < 16 else ""


def _bug(error: Exception) -> int:
    """A fault of our own: the traceback is what helps to mend it."""
    import traceback

    from scenarios.wording import visible_lines

    for line in traceback.format_exception(error):
        sys.stderr.write(visible_lines(line))
    return _tell(
        f"scenarios: a fault in the engine or in a plugin: {type(error).__name__}: {error}", BROKEN
    )
