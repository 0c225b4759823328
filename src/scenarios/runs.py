"""Run folders: where a run keeps its files, which of them are kept, and how one is found again.

    <root>/.scenarios/runs/<id>/     one folder for each run, held by a lock while it lasts
    <root>/.scenarios/latest         a link to the newest

Many runs may begin and end at once in one root. A folder gets its name only when it is locked,
so no run ever prunes the folder of another that is still starting.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import re
import shutil
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from weakref import WeakSet

from scenarios.errors import EnvironmentFault, UsageError

KEEP = 20
"""How many runs stay by default."""

STALE = 3600.0
"""Seconds after which a folder that was never named is taken as left by a killed run."""

SPARE = 64 << 10
"""Bytes kept free for the end of a run whose disk is full by then: its last events, its result."""

HUB = "hub"
"""The file of a run that names the folder of its hub's socket, while there is one."""

STAMP = re.compile(r"\d{8}-\d{6}-\d{6}-")
"""How the id of a run begins: date, time and microseconds, in UTC, so that ids sort by age."""


class RunFolder:
    """The folder of one run; its lock is held until `close`."""

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self.id = path.name
        self.segments = path / "segments"
        self.tmp = path / "tmp"
        self._lock = lock
        _held.add(self)

    def write_text(self, name: str, text: str) -> None:
        """Write a file of the run whole or not at all; a full disk is an `EnvironmentFault`."""
        target = self.path / name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            write_whole(target, text)
        except OSError as error:
            raise EnvironmentFault(f"cannot write {target}: {error.strerror or error}") from error

    def make_room(self) -> None:
        """The run is at its end: what was kept free for that may be used."""
        with suppress(OSError):
            (self.path / "spare").unlink()

    def close(self) -> None:
        """Remove the run's temporary files and give up its lock; a second call does nothing."""
        if self._lock < 0:
            return
        self.make_room()
        shutil.rmtree(self.tmp, ignore_errors=True)
        os.close(self._lock)
        self._lock = -1

    def __enter__(self) -> RunFolder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


_held: WeakSet[RunFolder] = WeakSet()


def _after_fork() -> None:
    """What code of a run forks does not hold the run's lock, since it may outlive the run."""
    for folder in list(_held):
        if folder._lock >= 0:
            os.close(folder._lock)
            folder._lock = -1


os.register_at_fork(after_in_child=_after_fork)


def home_of(root: Path) -> Path:
    """Where the runs of a root are, in `runs`, and the link to the latest."""
    return root.absolute() / ".scenarios"


def create(
    root: Path, name: str, keep: int | None = KEEP, scenario: str | None = None
) -> RunFolder:
    """A new locked folder under `root`, with `latest` on it; all but the newest `keep` runs go.

    `name` becomes the end of the id. With `keep` None nothing is removed. Runs whose lock is
    held are never removed. `scenario` is stored as `scenario.yaml`. A root that cannot be written
    is an `EnvironmentFault` (exit 2), and nothing of the folder stays.
    """
    home = home_of(root)
    try:
        _prepare(home)
        folder = _named(home / "runs", _slug(name), scenario)
    except OSError as error:
        place = Path(error.filename) if isinstance(error.filename, str) else home
        raise EnvironmentFault(
            f"cannot write the run folder {place}: {error.strerror or error}; "
            "name a folder that can be written with --run-dir DIR",
            exit_code=2,
        ) from error
    _point(home / "latest", folder.path)
    if keep is not None:
        prune(home / "runs", keep)
    return folder


def _prepare(home: Path) -> None:
    """The folder of all runs, which version control is told to leave alone."""
    (home / "runs").mkdir(parents=True, exist_ok=True)
    ignore = home / ".gitignore"
    if not ignore.exists():
        write_whole(ignore, "*\n")


def write_whole(target: Path, text: str) -> None:
    """Write a file whole or not at all."""
    part = target.with_name(f".{target.name}.{_own()}.part")
    try:
        part.write_text(text, encoding="utf-8", errors="backslashreplace", newline="")
        os.replace(part, target)
    except OSError:
        with suppress(OSError):
            part.unlink()
        raise


def _own() -> str:
    """A part of a name that no other thread of the system has."""
    return f"{threading.get_native_id()}-{time.monotonic_ns()}"


def _named(runs: Path, slug: str, scenario: str | None) -> RunFolder:
    """Make a folder under a hidden name, lock it, and only then give it its id."""
    hidden = runs / f".new-{_own()}"
    hidden.mkdir()
    lock = -1
    try:
        lock = os.open(hidden / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        fcntl.flock(lock, fcntl.LOCK_EX)
        (hidden / "segments").mkdir()
        (hidden / "tmp").mkdir(mode=0o700)
        if scenario is not None:
            write_whole(hidden / "scenario.yaml", scenario)
        _keep_free(hidden / "spare")
        for path in _free_names(runs, slug):
            with suppress(FileExistsError):
                _rename_new(hidden, path)
                return RunFolder(path, lock)
    except BaseException:
        if lock >= 0:
            os.close(lock)
        shutil.rmtree(hidden, ignore_errors=True)
        raise
    raise AssertionError("names never run out")


def _keep_free(spare: Path) -> None:
    """Set room aside, as much as there is."""
    file = os.open(spare, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    size = SPARE
    try:
        while size >= mmap.PAGESIZE:
            with suppress(OSError):
                os.posix_fallocate(file, 0, size)
                return
            os.truncate(file, 0)  # some file systems leave what they could get
            size //= 4
    finally:
        os.close(file)


def _free_names(runs: Path, slug: str) -> Iterator[Path]:
    now = time.time_ns()
    date = time.strftime("%Y%m%d-%H%M%S", time.gmtime(now // 10**9))
    stem = f"{date}-{now // 1000 % 10**6:06d}-{slug}"
    yield runs / stem
    number = 2
    while True:
        yield runs / f"{stem}-{number}"
        number += 1


def _rename_new(source: Path, target: Path) -> None:
    """Rename a folder; a target that holds a run already is a `FileExistsError`."""
    try:
        os.rename(source, target)
    except OSError as error:
        if target.exists():
            raise FileExistsError from error
        raise


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.")[:60] or "run"


def _point(link: Path, target: Path) -> None:
    """Move the link in one step; it is a convenience, so a file system without links is fine."""
    part = link.with_name(f".latest-{_own()}")
    try:
        os.symlink(Path("runs", target.name), part)
        os.replace(part, link)
    except OSError:
        with suppress(OSError):
            part.unlink()


def prune(runs: Path, keep: int) -> None:
    """Remove all but the newest `keep` runs that nobody holds, and the remains of killed ones."""
    try:
        paths = inside(runs)
    except OSError:
        return
    for path in _ids(paths)[keep:]:
        _remove(path)
    for path in paths:
        stale = path.name.startswith(".new-") and _age(path) > STALE
        if stale or path.name.startswith(".old-"):
            _remove(path)


def inside(folder: Path, suffix: str = "") -> list[Path]:
    """What a folder holds whose name ends with `suffix`, sorted; nothing where there is no folder.

    Raises OSError for a folder that cannot be read.
    """
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return []
    return [folder / name for name in sorted(names) if name.endswith(suffix)]


def _ids(paths: Iterable[Path]) -> list[Path]:
    """Those that are run folders, newest first."""
    return sorted((path for path in paths if STAMP.match(path.name)), reverse=True)


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0


def _remove(path: Path) -> None:
    """Remove a run's folder if nobody holds its lock; it loses its name first."""
    lock = try_lock(path, make=True)
    if lock is None:
        return
    gone = path.with_name(f".old-{path.name.lstrip('.')}-{os.getpid()}")
    try:
        os.rename(path, gone)
        shutil.rmtree(gone, ignore_errors=True)
    except OSError:
        return  # another run removes it, or the folder cannot be written: it stays
    finally:
        os.close(lock)


def try_lock(folder: Path, *, make: bool = False) -> int | None:
    """The lock of a run's folder, held from now on; None where a run holds it or there is none.

    With `make` a missing one is made.
    """
    flags = os.O_RDWR | os.O_CREAT if make else os.O_RDONLY
    try:
        lock = os.open(folder / "lock", flags | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return None
    return lock


def under_way(path: Path) -> bool:
    """Whether the run of this folder still holds its lock."""
    try:
        lock = os.open(path / "lock", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # even a pipe
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(lock)
    return False


def stored(root: Path) -> list[Path]:
    """The folders of the runs stored under `root`, newest first; OSError where that is unknown."""
    return _ids(inside(home_of(root) / "runs"))


def find_run(which: str | None, root: Path) -> Path:
    """The folder of a stored run by its id, a part of its id or its path; None is the latest.

    Of several whose ids have that part it is the newest. Nothing found is a `UsageError` that
    tells the nearest id. Raises OSError for a folder that cannot be read.
    """
    home = home_of(root)
    paths = stored(root)
    if which is None or which == "latest":
        link = home / "latest"
        if link.is_dir():
            return link.resolve()
        if paths:
            return paths[0]
        raise UsageError(f"no run is stored in {home}; `scenarios run FILE` makes one")
    if (home / "runs" / which) in paths:
        return home / "runs" / which
    if Path(which).is_dir() and _is_run(Path(which)):
        return Path(which).resolve()
    return _by_part(which, paths, home)


def _is_run(path: Path) -> bool:
    return any((path / name).is_file() for name in ("result.json", "events.jsonl", "lock"))


def _by_part(which: str, paths: list[Path], home: Path) -> Path:
    newest = next((path for path in paths if which in path.name), None)
    if newest is not None:
        return newest
    near = get_close_matches(which, [path.name for path in paths], n=1)
    hint = f'; did you mean "{near[0]}"?' if near else "; `scenarios show --list` lists them"
    raise UsageError(f'no run "{which}" is stored in {home}{hint}')
