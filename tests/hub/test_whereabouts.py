"""The folder of a hub's socket: private, noted before it is there, and removed for the dead."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from scenarios.hub import whereabouts


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, Path]]:
    """A note and the folder that it names, with the socket of a hub that was killed."""
    note = tmp_path / "note"
    with TemporaryDirectory(dir="/tmp") as short:  # tmp_path may be too long for a socket's
        monkeypatch.setattr("tempfile.tempdir", short)
        address = whereabouts.private(note)
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(address)
        yield note, Path(address).parent


def test_private(there: tuple[Path, Path]) -> None:
    """Only this user can enter, and the note says where."""
    note, folder = there
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert note.read_text() == str(folder)


def test_a_path_that_no_socket_could_have(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A long folder for temporary files is not used."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / ("d" * 100)))
    address = whereabouts.private()
    assert address.startswith("/tmp/scenarios-")
    whereabouts.remove(address)
    assert not Path(address).parent.exists()


def test_a_note_that_cannot_be_written(tmp_path: Path) -> None:
    """As on a full disk: the run goes on without it."""
    address = whereabouts.private(tmp_path / "no-such-folder" / "note")
    assert Path(address).parent.is_dir()
    whereabouts.remove(address, tmp_path / "no-such-folder" / "note")
    assert not Path(address).parent.exists()


@pytest.mark.parametrize("left", ["socket", "folder", "nothing"])
def test_what_a_dead_run_left(there: tuple[Path, Path], left: str) -> None:
    """Whatever the moment at which it was killed, nothing stays."""
    note, folder = there
    if left != "socket":
        (folder / "hub").unlink()
    if left == "nothing":
        folder.rmdir()
    whereabouts.remove_noted(note)
    assert (note.exists(), folder.exists()) == (False, False)


def test_a_hub_that_answers(there: tuple[Path, Path]) -> None:
    """It is of a run that is alive, whatever the note says."""
    note, folder = there
    (folder / "hub").unlink()
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(folder / "hub"))
        sock.listen(0)
        for _ in range(3):  # the last finds its queue of connections full
            whereabouts.remove_noted(note)
            assert (folder / "hub").exists()


def _a_file(note: Path, folder: Path) -> Path:
    (folder / "hub").unlink()
    (folder / "hub").write_text("of somebody")
    return folder / "hub"


def _another_name(note: Path, folder: Path) -> Path:
    moved = folder.rename(folder.parent / "mine")
    note.write_text(str(moved))
    return moved / "hub"


def _relative(note: Path, folder: Path) -> Path:
    note.write_text(folder.name)
    return folder / "hub"


def _a_link(note: Path, folder: Path) -> Path:
    note.unlink()
    (note.parent / "other").write_text(str(folder))
    note.symlink_to("other")
    return folder / "hub"


def _torn(note: Path, folder: Path) -> Path:
    note.write_text(str(folder)[:-3])
    return folder / "hub"


def _no_path(note: Path, folder: Path) -> Path:
    note.write_bytes(b"/\0scenarios-\xff" * 10_000)
    return folder / "hub"


def _a_pipe(note: Path, folder: Path) -> Path:
    note.unlink()
    os.mkfifo(note)
    return folder / "hub"


def _a_folder(note: Path, folder: Path) -> Path:
    note.unlink()
    note.mkdir()
    return folder / "hub"


@pytest.mark.parametrize(
    "forge", [_a_file, _another_name, _relative, _a_link, _torn, _no_path, _a_pipe, _a_folder]
)
def test_a_forged_note(
    there: tuple[Path, Path],
    forge: Callable[[Path, Path], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A folder of runs may come from anywhere: no other file is removed by what it says."""
    monkeypatch.chdir(there[1].parent)
    kept = forge(*there)
    whereabouts.remove_noted(there[0])
    assert kept.exists()
