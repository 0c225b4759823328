"""What a worker's code prints or logs becomes its worker's events, in any thread or process."""

from __future__ import annotations

import contextlib
import io
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any, TextIO

from scenarios.errors import Stopped
from scenarios.worker.passing import Passing

LONGEST_LINE = 1 << 20
"""Characters kept of a line; of one as long as that an event tells only the beginning anyway."""

Tell = Callable[..., None]
"""Records an event for the calling thread's worker: (event, **fields)."""


class _Line:
    """A line that has not ended; what goes beyond its bound is dropped."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._room = LONGEST_LINE

    def add(self, text: str) -> None:
        """One more piece."""
        if text and self._room > 0:
            self._parts.append(text[: self._room])
            self._room -= len(text)

    def take(self) -> str:
        """All of it; the next line begins."""
        text = "".join(self._parts)
        self._parts, self._room = [], LONGEST_LINE
        return text


class _Here(threading.local):
    tell: Tell | None = None
    muted = False

    def __init__(self) -> None:
        self.partial = {"stdout": _Line(), "stderr": _Line()}
        if _everywhere is not None:
            _partials.append(self.partial)


_everywhere: Tell | None = None  # in a worker's own process every thread is the worker's
_partials: list[dict[str, _Line]] = []  # of threads there: they may end in the middle of a line
_here = _Here()


@contextlib.contextmanager
def by(tell: Tell) -> Iterator[None]:
    """While this lasts, the calling thread's output is told to `tell`."""
    before, _here.tell = _here.tell, tell
    try:
        yield
    finally:
        flush()
        _here.tell = before


@contextlib.contextmanager
def outside() -> Iterator[None]:
    """While this lasts, the calling thread's output is nobody's: an observer may print."""
    before, _here.tell = _here.tell, None
    try:
        yield
    finally:
        _here.tell = before


def whole_process(tell: Tell) -> None:
    """From here on all output of this process belongs to one worker."""
    global _everywhere  # noqa: PLW0603  a process has one standard output
    _everywhere = tell
    sys.stdout = Router("stdout", sys.stdout)
    sys.stderr = Router("stderr", sys.stderr)
    _quiet_stops()


def owns_process() -> bool:
    """Whether all output of this process belongs to one worker."""
    return _everywhere is not None


@contextlib.contextmanager
def in_threads(hide: Callable[[str], str]) -> Iterator[None]:
    """While this lasts, the output of threads that are inside `by` is routed to their workers.

    That of others, which code of workers may have started, is passed on through `hide`. Several
    runs of a process may have it at once: what one of them hides is hidden from all, and the last
    one puts back what the first one found.
    """
    _routing.begin(hide)
    try:
        yield
    finally:
        _routing.end(hide)


class _Routing:
    """What runs of this process do to its output, from the first one until none is left."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._runs = 0
        self._hiding: list[Callable[[str], str]] = []
        self._passing: tuple[Passing, ...] = ()
        self._put_back: Callable[[], None] = lambda: None

    def begin(self, hide: Callable[[str], str]) -> None:
        """One more run."""
        with self._mutex:
            if not self._runs:
                self._begin()
            self._runs += 1
            self._hiding.append(hide)

    def end(self, hide: Callable[[str], str]) -> None:
        """One run less; what was begun to be printed is passed on without its secrets."""
        with self._mutex:
            self._runs -= 1
            if not self._runs:
                self._put_back()
            for one in self._passing:
                with contextlib.suppress(OSError, ValueError):  # nobody reads it any more
                    one.end()
            if self._runs:  # after the last one a thread may still print through what it kept
                self._hiding.remove(hide)

    def _begin(self) -> None:
        stdout, stderr, hook = sys.stdout, sys.stderr, _quiet_stops()
        hiding: list[Callable[[str], str]] = []

        def hide(text: str) -> str:
            for one in tuple(hiding):
                text = one(text)
            return text

        def put_back() -> None:
            sys.stdout, sys.stderr, threading.excepthook = stdout, stderr, hook

        out, err = self._passing = Passing(stdout, hide), Passing(stderr, hide)
        sys.stdout, sys.stderr = Router("stdout", out), Router("stderr", err)
        self._hiding, self._put_back = hiding, put_back


_routing = _Routing()


def _quiet_stops() -> Callable[[Any], object]:
    """A thread of a worker's code that ends by being stopped has not failed; the hook before."""
    before = threading.excepthook

    def hook(args: Any) -> None:
        if not issubclass(args.exc_type, Stopped):
            before(args)

    threading.excepthook = hook
    return before


def flush() -> None:
    """Tell what the calling thread printed without a newline at its end."""
    _tell_rest(_here.partial, _here.tell or _everywhere)


def flush_all() -> None:
    """At the end of a worker's process: also what threads that have ended had begun."""
    flush()
    for partial in _partials:
        _tell_rest(partial, _everywhere)


def _tell_rest(partial: dict[str, _Line], tell: Tell | None) -> None:
    for stream, line in partial.items():
        text = line.take()
        if text and tell is not None:
            tell("output", stream=stream, text=text)


class Router(io.TextIOBase):
    """Standard output or error: a worker's lines become events, all else goes through."""

    def __init__(self, name: str, through: TextIO | Passing) -> None:
        self._name = name
        self._through = through

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """UTF-8, since events are."""
        return "utf-8"

    def writable(self) -> bool:
        """True."""
        return True

    def isatty(self) -> bool:
        """False: events hold no colours."""
        return False

    @property
    def buffer(self) -> Any:
        """What is behind it, for bytes."""
        return self._through.buffer

    def fileno(self) -> int:
        """The descriptor of what is behind it."""
        return self._through.fileno()

    def write(self, text: str) -> int:
        """Tell each whole line; keep the rest for the thread's next write."""
        tell = _here.tell or _everywhere
        if tell is None:
            return self._through.write(text)
        if _here.muted:
            return len(text)
        line = _here.partial[self._name]
        *ended, rest = text.split("\n")
        for part in ended:
            line.add(part)
            tell("output", stream=self._name, text=line.take())
        line.add(rest)
        return len(text)

    def flush(self) -> None:
        """Nothing is held back but a line that is not whole yet."""
        if _here.tell is None and _everywhere is None:
            self._through.flush()


def watch_logging() -> None:
    """Once `logging` is there, let each record that would be shown be an event of its worker."""
    logging = sys.modules.get("logging")
    if logging is None or getattr(logging.Logger.callHandlers, "tells", False):
        return
    handle = logging.Logger.callHandlers

    def call_handlers(logger: Any, record: Any) -> None:
        tell = _here.tell or _everywhere
        if tell is None:
            handle(logger, record)
            return
        if logger.hasHandlers() or record.levelno >= logging.WARNING:
            level = record.levelname.lower()
            tell("log", level=level, message=record.getMessage(), logger=record.name)
        _here.muted = True  # a handler on standard error would tell it again
        try:
            handle(logger, record)
        finally:
            _here.muted = False

    call_handlers.tells = True  # type: ignore[attr-defined]
    logging.Logger.callHandlers = call_handlers
