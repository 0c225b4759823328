"""`scenarios list`: what there is to run; nothing of a file is imported or run."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from scenarios.cli import gallery, options
from scenarios.errors import UsageError

HELP = """\
List the scenarios below FOLDER with their names, descriptions and files.

Without FOLDER: those of `scenarios/` here, or of this folder, and then the
shipped ones. Any of them can be run by its file's name.

Examples:
  scenarios list
  scenarios list tests/designs --format json
"""

LARGEST = 8 << 20
"""Bytes; a larger file is no scenario."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A scenario file with what it says of itself; `fault` where it cannot be read."""

    name: str
    description: str
    file: str
    fault: str | None = None


@options.verb("list", "List scenarios.", HELP)
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@options.format_of("text", "json")
def command(folder: Path | None, form: str) -> None:
    """Find, read, tell."""
    from scenarios.reports import as_json

    groups = {title: list(_read(gallery.files_of(place))) for title, place in _places(folder)}
    if form == "json":
        plain = [asdict(one) for listed in groups.values() for one in listed]
        click.echo(as_json.dump(plain), nl=False)
        return
    for title, listed in groups.items():
        click.echo(f"{title}:" if listed else f"{title}: none")
        _tell(listed)


def _places(folder: Path | None) -> Iterable[tuple[str, Path]]:
    """The folders to look in, with their headings."""
    if folder is not None:
        if not folder.is_dir():
            raise UsageError(f"there is no folder {folder}")
        yield str(folder), folder
        return
    mine, shipped = gallery.local(), gallery.shipped()
    if mine is None or shipped is None or mine.resolve() != shipped.resolve():
        yield (f"{mine}/", mine) if mine else ("this folder", Path())
    if shipped is not None:
        yield "shipped with scenarios", shipped


def _read(paths: Iterable[Path]) -> Iterable[Listed]:
    """Those of the files that are scenarios, or that look like one with faults."""
    for path in paths:
        listed = _listed(path)
        if listed is not None:
            yield listed


def _listed(path: Path) -> Listed | None:
    from scenarios.loading import nodes, reader
    from scenarios.loading.source import ReadFault, Source

    shown = str(gallery.shown(path))
    try:
        state = path.stat()
        if not stat.S_ISREG(state.st_mode) or state.st_size > LARGEST:
            return None  # a pipe would be waited for, a device may never end
        root, faults = reader.read(Source(path.read_bytes()).content)
        if faults:
            raise ReadFault(*faults[0])
        data = nodes.data(root)
    except OSError as error:
        return Listed(path.stem, "", shown, f"cannot be read: {error.strerror}")
    except ReadFault as fault:
        return Listed(path.stem, "", shown, f"{shown}:{fault.line}:{fault.column}: {fault.message}")
    if not isinstance(data, dict) or "workers" not in data:
        return None
    name, text = data.get("name") or path.stem, data.get("description") or ""
    return Listed(str(name), " ".join(str(text).split()), shown)


def _tell(listed: Sequence[Listed]) -> None:
    """Rows of name and file, each with its description below, cut at the terminal's width."""
    import shutil
    import sys

    from scenarios.wording import shorten, visible

    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    longest = max((len(one.name) for one in listed), default=0)
    for one in listed:
        click.echo(f"  {visible(one.name):<{longest}}  {one.file}")
        text = visible(one.fault or one.description)
        if text:
            indent = " " * (longest + 4)
            click.echo(shorten(indent + text, width) if width else indent + text)
