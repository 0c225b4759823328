"""The real command on a terminal of its own, whose keys are pressed from outside."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from command import environment
from running import LIMIT

CTRL_C, CTRL_BACKSLASH = b"\x03", b"\x1c"


class Terminal:
    """`python -m scenarios WORDS...` in the foreground of a new terminal."""

    def __init__(self, folder: Path, *words: str) -> None:
        self._keys, slave = pty.openpty()
        self._said = b""
        # setsid gives the terminal to the process, and env the signals that whoever runs the tests
        # may ignore, as a shell does; each becomes the command
        shell = ["env", "--default-signal=INT,QUIT", "setsid", "--ctty"]
        self.process = subprocess.Popen(
            [*shell, sys.executable, "-m", "scenarios", *words],
            cwd=folder,
            env=environment(TERM="xterm"),
            stdin=slave,
            stdout=slave,
            stderr=slave,
        )
        os.close(slave)

    def until_main(self) -> None:
        """Wait until its own code runs: what comes before is the interpreter's start."""
        self.until(self._hears)

    def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds, or the command has ended."""
        end = time.monotonic() + LIMIT
        while not holds() and self.process.poll() is None:
            assert time.monotonic() < end, f"it does not come to that: {self.text}"
            self.sleep(0.001)

    def _hears(self) -> bool:
        with contextlib.suppress(OSError):
            status = Path(f"/proc/{self.process.pid}/status").read_text()
            caught = re.search(r"^SigCgt:\s+(\w+)", status, re.M)
            return bool(caught and int(caught[1], 16) >> (signal.SIGTERM - 1) & 1)
        return False

    def press(self, key: bytes) -> None:
        """Press a key; nothing where the terminal's last process has ended."""
        with contextlib.suppress(OSError):
            os.write(self._keys, key)

    def sleep(self, seconds: float) -> None:
        """Let time pass, and read what it prints meanwhile."""
        end = time.monotonic() + seconds
        while True:
            left = max(0.0, end - time.monotonic())
            if select.select([self._keys], [], [], left)[0]:
                try:
                    self._said += os.read(self._keys, 1 << 16)
                except OSError:  # nobody holds the other end any more
                    time.sleep(left)
                    return
            elif not left:
                return

    @property
    def text(self) -> str:
        """What it has printed so far."""
        return self._said.decode("utf-8", "replace")

    def wait(self, limit: float = LIMIT) -> int:
        """Its exit code."""
        end = time.monotonic() + limit
        while self.process.poll() is None:
            assert time.monotonic() < end, f"it hangs: {self.text}"
            self.sleep(0.005)
        self.sleep(0.0)
        return self.process.returncode

    def hang_up(self) -> None:
        """The terminal is closed."""
        if self._keys >= 0:
            os.close(self._keys)
            self._keys = -1

    def close(self) -> None:
        """End it if it lives."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.hang_up()


@contextlib.contextmanager
def terminal(folder: Path, *words: str) -> Iterator[Terminal]:
    """The command in a terminal."""
    opened = Terminal(folder, *words)
    try:
        yield opened
    finally:
        opened.close()
