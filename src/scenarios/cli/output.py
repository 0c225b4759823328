"""Standard output of the command: results that cannot be written, as to a full disk, are told."""

from __future__ import annotations

import io
import os
import sys
from typing import Any


class Output(io.TextIOWrapper):
    """Remembers why it could not be written; a character that it does not know is escaped."""

    failure: OSError | None = None

    def write(self, text: str, /) -> int:
        """Write text."""
        try:
            return super().write(text)
        except OSError as error:
            self.failure = error
            raise

    def flush(self) -> None:
        """Write what is in the buffer."""
        try:
            super().flush()
        except OSError as error:
            self.failure = error
            raise


def fill_gaps() -> None:
    """A standard stream that was closed leads nowhere, and no file gets its number."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != number:  # the lowest that is free, but for streams that were open before
                os.dup2(opened, number)
                os.close(opened)
            os.set_inheritable(number, True)
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115


def install() -> None:
    """Let standard output remember; one that something else has put there is left alone."""
    stream = sys.stdout
    if type(stream) is io.TextIOWrapper:
        encoding, buffered = stream.encoding, stream.line_buffering
        through = stream.write_through
        out: Any = stream.detach()
        if isinstance(out, io.RawIOBase):  # PYTHONUNBUFFERED: what a write leaves undone is lost
            out, buffered, through = io.BufferedWriter(out), True, False
        sys.stdout = Output(out, encoding, "backslashreplace", None, buffered, through)


def told(code: int) -> int:
    """The exit code, or 1 where what was said could not be written; then a sentence says so."""
    stream = sys.stdout
    if not isinstance(stream, Output):
        return code
    try:
        stream.flush()
    except OSError:
        with open(os.devnull, "wb") as nowhere:  # what is left is written once more at the end
            os.dup2(nowhere.fileno(), stream.fileno())
    failure = stream.failure
    if failure is None or isinstance(failure, BrokenPipeError):  # a reader has read enough
        return code
    sys.stderr.write(f"scenarios: cannot write standard output: {failure.strerror}\n")
    return code or 1


def failed() -> bool:
    """Whether standard output could not be written."""
    return isinstance(sys.stdout, Output) and sys.stdout.failure is not None
