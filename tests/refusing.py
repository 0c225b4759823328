"""A process that the kernel refuses things: system calls, by seccomp, or what modes forbid."""

from __future__ import annotations

import ctypes
import errno
import platform
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from command import completed

CALLS = {
    "fallocate": 285, "flock": 73, "ftruncate": 77, "mkdir": 83, "rename": 82, "rmdir": 84,
    "symlink": 88, "truncate": 76, "unlink": 87, "unlinkat": 263,
}  # fmt: skip
"""Their numbers on x86-64."""

NO_NEW_PRIVILEGES, SET_SECCOMP, FILTER = 38, 22, 2
LOAD_NUMBER, IS_EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, ERRNO = 0x7FFF0000, 0x00050000


def refusing(call: str, error: int = errno.EIO) -> Callable[[], None]:
    """Run between fork and exec: from then on `call` fails, in all descendants as well."""
    if platform.machine() != "x86_64":
        pytest.skip("the numbers of system calls are known for x86-64 only")
    program = b"".join(
        struct.pack("HBBI", *one)
        for one in (
            (LOAD_NUMBER, 0, 0, 0),
            (IS_EQUAL, 0, 1, CALLS[call]),
            (RETURN, 0, 0, ERRNO | error),
            (RETURN, 0, 0, ALLOW),
        )
    )
    buffer = ctypes.create_string_buffer(program)
    filter_ = struct.pack("H6xP", len(program) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)

    def install() -> None:
        libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        if libc.prctl(SET_SECCOMP, FILTER, filter_, 0, 0):
            raise OSError(ctypes.get_errno(), "no filter can be set")
        assert buffer  # it lives until here

    return install


def without_override() -> None:
    """Run between fork and exec: from then on not even root may go where the mode forbids it."""
    drop_from_bounding_set, dac_override, dac_read_search = 24, 1, 2
    for right in dac_override, dac_read_search:
        ctypes.CDLL(None).prctl(drop_from_bounding_set, right, 0, 0, 0)


def scenarios(
    *words: str, cwd: Path, prepare: Callable[[], None]
) -> subprocess.CompletedProcess[str]:
    """The real command, prepared between fork and exec."""
    return completed(sys.executable, "-m", "scenarios", *words, cwd=cwd, prepare=prepare)
