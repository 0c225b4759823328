"""`scenarios plugins`: executors, steps and checkers, where they come from, and what is broken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scenarios.cli import options

if TYPE_CHECKING:
    from scenarios.plugins import Registry

HELP = """\
List executors, steps and checkers with what they do and where they come
from, and the plugins that cannot be used with the reason.

Examples:
  scenarios plugins
  scenarios plugins --plugins-dir plugins --format json
"""


@options.verb("plugins", "List plugins.", HELP)
@options.format_of("text", "json")
@options.plugins
def command(form: str, plugins_dirs: Sequence[Path], switches: Sequence[str]) -> None:
    """Load, tell."""
    known = options.registry(plugins_dirs, switches, warn=False)
    if form == "json":
        from scenarios.reports import as_json

        click.echo(as_json.dump(_plain(known)), nl=False)
    else:
        click.echo(_text(known), nl=False)


def _plain(known: Registry) -> dict[str, Any]:
    executors = [
        {
            "name": name,
            "summary": spec.summary,
            "origin": known.origins.get(name, ""),
            "capabilities": asdict(spec.capabilities),
        }
        for name, spec in known.executors.items()
    ]
    broken = [{"name": name, "reason": reason} for name, reason in known.broken]
    steps, checkers = sorted(known.steps), sorted(known.checkers)
    return {"executors": executors, "steps": steps, "checkers": checkers, "broken": broken}


def _text(known: Registry) -> str:
    from scenarios.page import Page
    from scenarios.wording import visible

    page = Page(None, colours=False)
    rows = [
        (name, known.origins.get(name, ""), visible(spec.summary))
        for name, spec in known.executors.items()
    ]
    page.rows("executors", rows)
    page.rows("steps", [(name, known.origins.get(name, "")) for name in sorted(known.steps)])
    page.rows("checkers", [(name, known.origins.get(name, "")) for name in sorted(known.checkers)])
    page.rows("broken", [(visible(name), visible(reason)) for name, reason in known.broken])
    return page.text()
