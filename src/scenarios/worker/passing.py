"""What code of workers prints in threads of its own, inside the engine: passed on, line by line."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TextIO

from scenarios.wording import visible

LONGEST = 1 << 16
"""Characters of a line that are held back until it ends."""


class Passing:
    """A stream that is given whole lines of each thread, without secrets.

    On a terminal control characters are made visible, as those of workers are.
    """

    def __init__(self, stream: TextIO, hide: Callable[[str], str]) -> None:
        self._stream = stream
        self._hide = hide
        self._begun: dict[int, str] = {}  # by thread
        self._mutex = threading.RLock()  # a signal's handler may print

    def write(self, text: str) -> int:
        """Pass on what is whole."""
        thread = threading.get_ident()
        with self._mutex:
            *lines, rest = (self._begun.pop(thread, "") + text).split("\n")
            for line in lines:
                self._stream.write(self._fit(line) + "\n")
            if len(rest) > LONGEST:
                self._stream.write(self._fit(rest))
            elif rest:
                self._begun[thread] = rest
        return len(text)

    def flush(self) -> None:
        """Pass on what the calling thread has begun as well."""
        with self._mutex:
            rest = self._begun.pop(threading.get_ident(), "")
            if rest:
                self._stream.write(self._fit(rest))
            self._stream.flush()

    def end(self) -> None:
        """Pass on what all have begun."""
        with self._mutex:
            for rest in self._begun.values():
                self._stream.write(self._fit(rest))
            self._begun.clear()

    def _fit(self, text: str) -> str:
        text = self._hide(text)
        return visible(text) if self._stream.isatty() else text

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
