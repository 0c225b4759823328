"""The console: events of a run, rendered by structlog on standard error as they happen.

`Console` is an observer for the engine. Its lines have the time in seconds since the run began,
the worker, and the text; `processors` are structlog processors that see each event before it is
rendered and may change it or drop it (`structlog.DropEvent`). Importing this module is cheap:
structlog itself is imported by `Console.prepare`, or with the first line that is shown.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, TextIO

from scenarios import wording

Line = tuple[str, str, dict[str, Any]]
"""What one event shows: level, text, and pairs of key and value behind it."""

OPERATIONS = frozenset({"invoke", "ok", "fail", "info"})
BAD = frozenset({"failed", "timed_out"})
RESERVED = frozenset({"event", "time", "worker", "level", "stack", "exception", "exc_info"})
PLAIN = re.compile(r"[\w.,:;/@%+*!?()-]{1,72}")
WIDEST = 24
"""Columns of the worker's name at most; a longer name moves its own line only."""

PALETTE = ("\x1b[36m", "\x1b[33m", "\x1b[32m", "\x1b[35m", "\x1b[34m", "\x1b[96m", "\x1b[93m")
STYLES = {"error": "\x1b[31m", "critical": "\x1b[31m", "warning": "\x1b[33m", "debug": "\x1b[2m"}
DIM, RESET = "\x1b[2m", "\x1b[0m"


def wants_colours(stream: TextIO) -> bool:
    """Whether to colour what is written there: a terminal, and neither NO_COLOR nor TERM=dumb."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return _is_terminal(stream)


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except (AttributeError, ValueError, OSError):
        return False


class Console:
    """Writes what people want to read of a run; call it with each event.

    `names` are the workers, so that all lines align from the first. With `verbose` operations
    and jobs are shown too. Control characters are made visible where the stream is a terminal
    and stay raw elsewhere. A stream that is gone is not written to again; the run goes on.
    """

    def __init__(
        self,
        stream: TextIO,
        *,
        names: Sequence[str] = (),
        verbose: bool = False,
        colours: bool | None = None,
        processors: Sequence[Callable[..., Any]] = (),
    ) -> None:
        self._stream = stream
        self._verbose = verbose
        self._clean = _is_terminal(stream)
        self._colours = wants_colours(stream) if colours is None else colours
        self._processors = tuple(processors)
        self._width = min(max(map(len, names), default=0), WIDEST)
        self._styles = {name: PALETTE[n % len(PALETTE)] for n, name in enumerate(names)}
        self._start: int | None = None
        self._starts: dict[tuple[str, str], int] = {}
        self._write: Callable[[dict[str, Any]], None] | None = None
        self._gone = False

    def __call__(self, event: Mapping[str, Any]) -> None:
        """Show one event, or pass over it."""
        now = int(event.get("time") or 0)
        if self._start is None:
            self._start = now
        line = None if self._gone else describe(self._timed(event, now), self._verbose)
        if line is None:
            return
        level, text, pairs = line
        for part in text.split("\n"):
            entry: dict[str, Any] = {"time": (now - self._start) / 1e9, "worker": who(event)}
            entry |= {"level": level, "event": part.rstrip("\r")}
            entry |= {f"{key}_" if key in RESERVED else key: pairs[key] for key in pairs}
            self._emit(entry)
            pairs = {}

    def _timed(self, event: Mapping[str, Any], now: int) -> Mapping[str, Any]:
        """An end gets the seconds since its start."""
        noun, _, verb = str(event.get("event")).partition("_")
        if verb == "started":
            self._starts[noun, who(event)] = now
        began = self._starts.pop((noun, who(event)), None) if verb == "ended" else None
        return event if began is None else {**event, "duration": (now - began) / 1e9}

    def prepare(self) -> Console:
        """Import structlog now (0.1 s), so that the first line does not hold up the run."""
        if self._write is None:
            self._write = self._logger()
        return self

    def _emit(self, entry: dict[str, Any]) -> None:
        self.prepare()
        try:
            assert self._write
            self._write(entry)
        except (OSError, ValueError):  # the terminal or the reader of the pipe is gone
            self._gone = True

    def _logger(self) -> Callable[[dict[str, Any]], None]:
        """structlog's chain: the user's processors, then the console's renderer."""
        import structlog
        from structlog.dev import Column, ConsoleRenderer

        columns = [
            Column("time", self._time),
            Column("worker", self._worker),
            Column("level", self._level),
            Column("event", self._event),
            Column("", self._pair),
        ]
        renderer: Callable[..., Any] = ConsoleRenderer(columns=columns, sort_keys=False)
        chain = (*self._processors, renderer)
        logger = structlog.WriteLogger(self._stream)

        def write(entry: dict[str, Any]) -> None:
            result: Any = entry
            with suppress(structlog.DropEvent):
                for processor in chain:
                    result = processor(logger, "msg", result)
                logger.msg(result)

        return write

    def _time(self, key: str, value: object) -> str:
        text = f"{value:8.3f}" if isinstance(value, float) else str(value)
        return f"{DIM}{text}{RESET}" if self._colours else text

    def _worker(self, key: str, value: object) -> str:
        name = str(value)
        self._width = max(self._width, min(len(name), WIDEST))
        text = f" {name:<{self._width}} "
        if not self._colours or not name:
            return text
        base = name.partition(".")[0].partition("[")[0]
        style = self._styles.setdefault(base, PALETTE[len(self._styles) % len(PALETTE)])
        return f"{style}{text}{RESET}"

    def _level(self, key: str, value: object) -> str:
        level = str(value)
        if level in ("info", "") or (level == "debug" and self._verbose):
            return ""
        return f"{STYLES.get(level, '')}{level}:{RESET}" if self._colours else f"{level}:"

    def _event(self, key: str, value: object) -> str:
        text = wording.visible(str(value)) if self._clean else str(value)
        if self._colours and text.startswith(("* failed", "* timed_out")):
            return f"{STYLES['error']}{text}{RESET}"
        return text

    def _pair(self, key: str, value: object) -> str:
        plain = isinstance(value, str) and PLAIN.fullmatch(value)
        text = str(value) if plain else wording.value(value)
        key = wording.visible(key)
        return f" {DIM}{key}={RESET}{text}" if self._colours else f" {key}={text}"


def who(event: Mapping[str, Any]) -> str:
    """The worker of an event as people name it: `writer`, `reader.0`, `pool[3]`."""
    name = str(event.get("worker") or "")
    replica, job = event.get("replica"), event.get("job")
    if replica is not None and not name.endswith(f".{replica}"):
        name = f"{name}.{replica}"
    return f"{name}[{job}]" if job is not None else name


def describe(event: Mapping[str, Any], verbose: bool) -> Line | None:
    """What the console shows of an event; None where it shows nothing."""
    kind = str(event.get("event"))
    if kind in OPERATIONS:
        return _operation(kind, event) if verbose else None
    if kind == "log":
        return str(event.get("level") or "info"), str(event.get("message", "")), _fields(event)
    if kind == "output":
        text = str(event.get("text", ""))
        stream = {"stream": "stderr"} if event.get("stream") == "stderr" else {}
        return "info", text.removesuffix("\n"), stream
    if kind == "events_lost":
        lost = "events have" if event.get("count") is None else f"{event['count']} events had"
        return (
            "warning",
            f"{lost} no room in the log: {wording.visible(str(event.get('error')))}",
            {},
        )
    if kind == "notice":
        return "warning", str(event.get("message") or event.get("text") or ""), {}
    return _life(kind, event, verbose)


def _fields(event: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a log line, and the logger of a record of Python code."""
    fields = event.get("fields")
    named = {"logger": event["logger"]} if event.get("logger") not in (None, "root") else {}
    return named | (dict(fields) if isinstance(fields, Mapping) else {})


def _life(kind: str, event: Mapping[str, Any], verbose: bool) -> Line | None:
    """The lines of starts and ends."""
    noun, _, verb = kind.partition("_")
    state, error = str(event.get("state") or "ended"), event.get("error")
    if noun not in ("run", "worker", "job") or not verb:
        return None
    if noun == "job" and not verbose and (verb != "ended" or state not in BAD):
        return None
    text = f"* {verb}"
    if verb == "ended":
        text = "* ended" if noun == "run" and state not in BAD else f"* {state}"
        if event.get("duration") is not None:
            text += f" after {wording.duration(event['duration'])}"
    if error:
        text += f": {wording.visible(str(error))}"
    return "info", text, dict(_life_pairs(kind, event))


def _life_pairs(kind: str, event: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Pairs behind a start or an end: what is known of the process, the place and the reason."""
    keys = {
        "run_started": ("run", "seed"),
        "worker_started": ("child",),
        "worker_restarted": ("restarts",),
        "worker_stopping": ("reason",),
    }
    for key in keys.get(kind, ()):
        if event.get(key) is not None:
            yield "pid" if key == "child" else key, event[key]
    if event.get("error") and event.get("line"):
        yield "line", event["line"]


def _operation(kind: str, event: Mapping[str, Any]) -> Line:
    """`> put q "A"` as it begins, `< put q` when it is done, `! get q: timeout`, `? get q`."""
    mark = {"invoke": ">", "ok": "<", "fail": "!", "info": "?"}[kind]
    words = [mark, str(event.get("op", ""))]
    if event.get("object") is not None:
        words.append(str(event["object"]))
    if event.get("value") is not None:
        words.append(wording.value(event["value"]))
    text = " ".join(words)
    if event.get("error"):
        text += f": {wording.visible(str(event.get('error')))}"
    return "debug", text, {"line": event["line"]} if event.get("line") is not None else {}
