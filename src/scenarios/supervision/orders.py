"""What the engine asks of a spawner, as plain data, and the sentences for what cannot be done."""

from __future__ import annotations

import errno
import marshal
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from scenarios.errors import EnvironmentFault
from scenarios.supervision import marks
from scenarios.supervision.birth import CHANNEL

# The first words of a new interpreter: its sys.path is the engine's, before anything is imported.
_SETUP = """\
import sys, marshal
with open(int(sys.argv[1]), "rb") as file:
    setup = marshal.load(file)
sys.path[:] = setup["path"]
"""
_GUARD = _SETUP + "from scenarios.supervision.guard import main; main(setup, int(sys.argv[2]))"
_FRESH = _SETUP + "from scenarios.supervision.birth import fresh; fresh(setup)"

# Descriptors by their number in the child, the request, and the descriptor that was made for it.
Order = tuple[dict[int, int], dict[str, Any], int]


def _interpreter(program: str) -> list[str]:
    """The same interpreter with the same options."""
    flags: list[str] = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
    return [sys.executable, *flags, "-c", program]


def _memory(data: bytes) -> int:
    fd = os.memfd_create("scenarios", os.MFD_CLOEXEC)
    with open(fd, "wb", closefd=False) as file:
        file.write(data)
        file.seek(0)
    return fd


def _path() -> list[str]:
    """The module search path with no entry that depends on the current folder."""
    return [os.path.abspath(entry) for entry in sys.path if isinstance(entry, str)]


def launch(channel: int, mark: str, preload: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start guard and spawner, which talks on the descriptor `channel`."""
    setup = {"path": _path(), "engine": os.getpid(), "preload": list(preload)}
    fd = _memory(marshal.dumps(setup))
    try:
        os.fstat(2)
        errors = None
    except OSError:
        errors = subprocess.DEVNULL  # closed: another file must not get its number
    try:
        return subprocess.Popen(
            [*_interpreter(_GUARD), str(fd), str(channel), "scenarios-spawner", mark],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            pass_fds=(fd, channel),
            env={**os.environ, **marks.marked(mark)},
            start_new_session=True,  # Ctrl-C is the engine's to handle
        )
    finally:
        os.close(fd)


def forked_worker(bundle: bytes, entry: str, channel: int) -> Order:
    """A worker by fork."""
    fd = _memory(bundle)
    return {CHANNEL: channel, CHANNEL + 1: fd}, {"entry": entry, "leaving": False}, fd


def fresh_worker(bundle: bytes, entry: str, channel: int) -> Order:
    """The same by exec of a fresh interpreter."""
    fd = _memory(marshal.dumps({"path": _path(), "entry": entry, "bundle": bundle}))
    argv = [*_interpreter(_FRESH), str(CHANNEL + 1)]
    return {CHANNEL: channel, CHANNEL + 1: fd}, {"entry": None, "argv": argv, "leaving": False}, fd


def check(argv: Sequence[str], env: Mapping[str, str] | None, cwd: str | None) -> None:
    """What the kernel could only answer with a riddle."""
    if not argv or not argv[0]:
        raise EnvironmentFault("a command needs the name of a program as its first word")
    if any("\0" in text for text in (*argv, *(env or {}), *(env or {}).values(), cwd or "")):
        raise EnvironmentFault(
            f"the words, env or cwd of command {argv[0]!r} hold a null character"
        )


def refusal(stage: str, number: int, name: str, text: str) -> EnvironmentFault:
    """The sentence for a child that could not be started; `number` is an errno."""
    if stage == "cwd":
        return EnvironmentFault(_folder(number, name, text))
    if stage == "program":
        return EnvironmentFault(_program(number, name, text))
    if number == errno.EAGAIN:
        text = "no more processes are allowed (see `ulimit -u`)"
    return EnvironmentFault(f"a process cannot be started: {text}")


def _folder(number: int, name: str, text: str) -> str:
    reasons = {
        errno.ENOENT: "does not exist: create it, or change `cwd`",
        errno.ENOTDIR: "is not a folder: change `cwd`",
        errno.EACCES: "cannot be entered: its permissions do not allow it",
    }
    return f'working folder "{name}" {reasons.get(number, f"cannot be used: {text}")}'


def _program(number: int, name: str, text: str) -> str:
    if number in (errno.ENOENT, errno.ENOTDIR):
        if "/" not in name:
            return f'program "{name}" was not found on PATH: install it, or give its full path'
        if os.path.exists(name):
            return f'program "{name}" cannot be run: the interpreter in its first line is missing'
        return f'program "{name}" does not exist: install it, or correct its path'
    reasons = {
        errno.EACCES: "is not executable: `chmod +x` it, or start it by its interpreter",
        errno.ENOEXEC: "is neither a binary of this machine nor a script with a #! line",
        errno.E2BIG: "cannot be run: its arguments and environment are too long",
    }
    return f'program "{name}" {reasons.get(number, f"cannot be run: {text}")}'
