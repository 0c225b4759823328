"""Where a hub's socket is: in a folder of its own, which is known to somebody until it is gone."""

from __future__ import annotations

import contextlib
import os
import socket
import stat

_LONGEST_PATH = 100
"""Bytes that surely fit in a socket's address (108 on Linux, 104 elsewhere)."""

_LONGEST_NOTE = 4096
_NAME = "scenarios-"


def private(note: str | os.PathLike[str] | None = None) -> str:
    """The path of a socket to be, in a new folder that only this user can enter.

    A path and not an abstract address: nobody else can even try to connect, and it works where
    network namespaces differ and outside of Linux. `note` is a file to be that names the folder
    from before it is made: `remove_noted` finds by it what killed processes have left.
    """
    import secrets
    import tempfile  # not above, for the hub's own start

    name = f"{_NAME}{secrets.token_hex(8)}"
    folder = f"{tempfile.gettempdir()}/{name}"
    if len(os.fsencode(folder)) > _LONGEST_PATH - 4:
        folder = f"/tmp/{name}"
    if note is not None:
        with contextlib.suppress(OSError), open(note, "wb") as file:  # a full disk ends no run
            file.write(os.fsencode(folder))
    os.mkdir(folder, 0o700)
    return f"{folder}/hub"


def remove(address: str, note: str | os.PathLike[str] | None = None) -> None:
    """Remove the socket, its folder and its note, as far as they are there."""
    with contextlib.suppress(OSError):
        os.unlink(address)
    with contextlib.suppress(OSError):
        os.rmdir(os.path.dirname(address))
    if note is not None:
        with contextlib.suppress(OSError):
            os.unlink(note)


def remove_noted(note: str | os.PathLike[str]) -> None:
    """The same for a run whose processes are gone. Nothing else is removed, whatever a note says.

    A socket that still answers is left alone, and so is any file that is none. Never raises
    OSError.
    """
    try:
        file = os.open(note, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            folder = os.fsdecode(os.read(file, _LONGEST_NOTE))
        finally:
            os.close(file)
        address = f"{folder}/hub"
        ours = os.path.isabs(folder) and os.path.basename(folder).startswith(_NAME)
        if not ours or _answers(address):
            return
    except (OSError, ValueError):
        return  # another user's, no path at all, or a socket that is too busy to answer
    remove(address, note)


def _answers(address: str) -> bool:
    """Whether there is anything but a socket that nobody listens on."""
    try:
        if not stat.S_ISSOCK(os.lstat(address).st_mode):
            return True
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(0)
            sock.connect(address)
    except (FileNotFoundError, ConnectionRefusedError):
        return False
    return True
