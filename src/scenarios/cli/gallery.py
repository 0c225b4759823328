"""Which file a word of the command line means: the file itself, one of yours, a shipped one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import scenarios
from scenarios.errors import UsageError

SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Found:
    """A scenario file; `said` tells where it was found if that is not what was typed."""

    path: Path
    said: str | None = None


def shipped() -> Path | None:
    """The folder of the shipped scenarios: inside the package, or beside `src` in a checkout."""
    package = Path(scenarios.__file__).parent
    for folder in (package / "gallery", package.parent.parent / "scenarios"):
        if folder.is_dir() and (folder.parent != package.parent.parent or _is_checkout(package)):
            return folder
    return None


def _is_checkout(package: Path) -> bool:
    return package.parent.name == "src"


def local() -> Path | None:
    """The user's own folder `scenarios/`, where there is one here."""
    folder = Path("scenarios")
    return folder if folder.is_dir() else None


def files_of(folder: Path) -> list[Path]:
    """All scenario files below a folder, sorted; hidden folders are passed over."""
    found = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(parent, name) for name in names if name.endswith(SUFFIXES)]
    return sorted(found)


def find_all(words: Sequence[str]) -> list[Found]:
    """The file of each word; all words that mean none are told together (`UsageError`)."""
    found, wrong = [], []
    for word in words:
        try:
            found.append(find(word))
        except UsageError as error:
            wrong.append(str(error))
    if wrong:
        raise UsageError("\n".join(wrong))
    return found


def find(word: str) -> Found:
    """The file that one word means; several or none are a `UsageError` that lists what is near."""
    path = Path(word)
    if path.is_file():
        return Found(path)
    if path.is_dir():
        raise UsageError(f"{word} is a folder; name files in it, such as {path / '*.yaml'}")
    mine, gallery = local(), shipped()
    if not path.is_absolute() and ".." not in path.parts and not word.startswith("./"):
        for folder, kind in ((mine, "found under scenarios/"), (gallery, "shipped")):
            matches = _matches(folder, word) if folder else []
            if len(matches) > 1:
                raise UsageError(_ambiguous(word, matches))
            if matches:
                place = shown(matches[0])
                return Found(place, f"{word} is {place} ({kind})")
    raise UsageError(_missing(word, [folder for folder in (mine, gallery) if folder]))


def _matches(folder: Path, word: str) -> list[Path]:
    """Files whose path ends with the word, which may lack its suffix."""
    wanted = {Path(word).parts} | {Path(word + suffix).parts for suffix in SUFFIXES}
    found = []
    for path in files_of(folder):
        parts = path.relative_to(folder).parts
        if any(parts[-len(tail) :] == tail for tail in wanted if tail):
            found.append(path)
    return found


def shown(path: Path) -> Path:
    """The path relative to the current folder where it is below that."""
    whole, here = path.absolute(), Path.cwd()
    return whole.relative_to(here) if whole.is_relative_to(here) else whole


def _ambiguous(word: str, matches: Sequence[Path]) -> str:
    lines = "".join(f"\n  {shown(path)}" for path in matches)
    return f'"{word}" stands for {len(matches)} files; name one of{lines}'


def _missing(word: str, folders: Sequence[Path]) -> str:
    names = {path.name for folder in folders for path in files_of(folder)}
    names |= {path.name for path in Path().glob("*.y*ml")}
    name = Path(word).name
    by_stem = {Path(known).stem: known for known in sorted(names)}
    near = get_close_matches(name, sorted(names), n=3) or [
        by_stem[stem] for stem in get_close_matches(Path(name).stem, by_stem, n=3)
    ]
    hint = f"; did you mean {' or '.join(near)}?" if near else "; `scenarios list` shows what is"
    return f'there is no scenario file "{word}"{hint}'
