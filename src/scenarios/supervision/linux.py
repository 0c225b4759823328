"""The few system calls of Linux that Python's library lacks: parent-death signal and subreaper."""

from __future__ import annotations

import ctypes
import os
import signal

# From linux/prctl.h.
_SET_PARENT_DEATH_SIGNAL = 1
_SET_CHILD_SUBREAPER = 36
_GET_CHILD_SUBREAPER = 37

_prctl = ctypes.CDLL(None, use_errno=True).prctl
_prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4
_prctl.restype = ctypes.c_int


def _call(option: int, argument: int) -> None:
    if _prctl(option, argument, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def die_with(parent: int) -> None:
    """Have the kernel SIGKILL this process when `parent`, which forked it, ends."""
    _call(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def set_subreaper(on: bool) -> None:
    """Become, or stop being, the process to which orphans among the descendants are given."""
    _call(_SET_CHILD_SUBREAPER, int(on))


def is_subreaper() -> bool:
    """Whether orphans among the descendants are given to this process."""
    answer = ctypes.c_int(0)
    _call(_GET_CHILD_SUBREAPER, ctypes.addressof(answer))
    return bool(answer.value)
