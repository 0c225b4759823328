"""`scenarios schema`: the JSON Schema of scenario files, with the installed plugins."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from scenarios.cli import options

HELP = """\
Print the JSON Schema of scenario files, with the executors and steps of the
installed plugins.

An editor with the YAML language server completes and checks a file that
begins with the second line here:

  scenarios schema > scenarios.schema.json
  # yaml-language-server: $schema=scenarios.schema.json
"""


@options.verb("schema", "JSON Schema for editors.", HELP)
@options.plugins
def command(plugins_dirs: Sequence[Path], switches: Sequence[str]) -> None:
    """See HELP."""
    from scenarios import loading
    from scenarios.reports import as_json

    known = options.registry(plugins_dirs, switches)
    schema = loading.schema(known.executors, known.steps, known.checkers)
    click.echo(as_json.dump(schema), nl=False)
