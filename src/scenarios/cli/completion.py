"""`scenarios completion`: the script that teaches a shell to complete our words."""

from __future__ import annotations

import click

from scenarios.cli import options

HELP = """\
Print the script that makes a shell complete verbs, options, scenario files,
executors and runs.

For bash, for zsh (with ~/.zfunc in fpath) and for fish:

  scenarios completion bash > \\
      ~/.local/share/bash-completion/completions/scenarios
  scenarios completion zsh > ~/.zfunc/_scenarios
  scenarios completion fish > ~/.config/fish/completions/scenarios.fish
"""


@options.verb("completion", "Teach a shell to complete.", HELP)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """See HELP."""
    from click.shell_completion import get_completion_class

    from scenarios.cli.app import app

    maker = get_completion_class(shell)
    assert maker is not None
    click.echo(maker(app, {}, "scenarios", "_SCENARIOS_COMPLETE").source())
