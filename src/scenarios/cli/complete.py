"""Shell completion: scenario files, executors and stored runs."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import click
from click.shell_completion import CompletionItem


def files(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Scenario files of the folder that is typed, then those that are known by name."""
    from scenarios.cli import gallery

    folder = Path(incomplete if incomplete.endswith("/") else Path(incomplete).parent)
    here, deeper = [], False
    with suppress(OSError):
        for path in sorted(folder.iterdir()):
            name = str(path) if not incomplete.startswith("./") else f"./{path}"
            if name.startswith(incomplete) and not path.name.startswith("."):
                deeper = deeper or path.is_dir()
                here += [name] if path.suffix in gallery.SUFFIXES else []
    if deeper and ("/" in incomplete or not here):
        return [CompletionItem(incomplete, type="file")]
    known = [place for place in (gallery.local(), gallery.shipped()) if place]
    names = {path.name for place in known for path in gallery.files_of(place)}
    return [CompletionItem(name) for name in [*here, *sorted(names)] if name.startswith(incomplete)]


def executors(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The names of the executors of all plugins."""
    from scenarios import plugins

    specs = plugins.load(ctx.params.get("plugins_dirs") or ()).executors
    return [
        CompletionItem(name, help=specs[name].summary)
        for name in specs
        if name.startswith(incomplete)
    ]


def runs(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The ids of the stored runs, newest first."""
    from scenarios import runs as known

    names: list[str] = []
    with suppress(OSError):
        names = [path.name for path in known.stored(ctx.params.get("root") or Path())]
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]
