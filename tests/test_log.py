"""The console: what it shows of each event, and how."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any, TextIO

import pytest
import structlog

from scenarios.log import Console, describe, wants_colours, who

START = 5_000_000_000


def event(kind: str, after: float = 0.0, **other: Any) -> dict[str, Any]:
    """An event that many seconds after the run began."""
    return {"time": START + int(after * 1e9), "seq": 1, "event": kind, **other}


def shown(*events: dict[str, Any], **options: Any) -> list[str]:
    """The lines that a console writes for the events."""
    stream = io.StringIO()
    console = Console(stream, **options)
    for one in events:
        console(one)
    return stream.getvalue().splitlines()


@contextmanager
def terminal() -> Iterator[tuple[TextIO, int]]:
    """A real terminal's writing end, and the descriptor to read what it got."""
    reader, writer = pty.openpty()
    with os.fdopen(writer, "w") as stream:
        yield stream, reader
    os.close(reader)


def test_log_lines_have_time_worker_and_fields() -> None:
    """A log line shows seconds since the start, the worker, the text and its fields."""
    lines = shown(
        event("run_started"),
        event("log", 0.0042, worker="writer", message="Put A", level="info"),
        event("log", 1.5, worker="reader", message="got", fields={"item": "A", "all": [1, "x y"]}),
        names=["writer", "reader"],
    )
    assert lines[1:] == [
        "   0.004  writer  Put A",
        '   1.500  reader  got  item=A  all=[1, "x y"]',
    ]


def test_levels_are_shown_unless_info() -> None:
    """A warning says that it is one; information needs no word."""
    lines = shown(
        event("log", worker="w", message="careful", level="warning"),
        event("log", worker="w", message="detail", level="debug"),
    )
    assert [line.split("  ")[-1] for line in lines] == ["warning: careful", "debug: detail"]


def test_output_is_one_line_each_and_errors_are_marked() -> None:
    """Text of several lines becomes several lines; those of standard error are marked once."""
    lines = shown(
        event("output", worker="sh", stream="stdout", text="a\nb\n"),
        event("output", worker="sh", stream="stderr", text="oops\n"),
    )
    assert lines == ["   0.000  sh  a", "   0.000  sh  b", "   0.000  sh  oops  stream=stderr"]


def test_starts_and_ends_are_told() -> None:
    """Lifecycle lines begin with a star and have the state, the time taken and the error."""
    lines = shown(
        event("run_started", run="ID", seed=7, file="queue.yaml"),
        event("worker_started", worker="a", executor="process", child=12),
        event("worker_ready", worker="a"),
        event("worker_stopping", 0.5, worker="a", reason="drained"),
        event("worker_ended", 1, worker="a", state="terminated", exit_code=-15),
        event("worker_restarted", 1, worker="b", state="failed", error="exit", restarts=1),
        event("worker_ended", 1, worker="b", state="failed", error="ValueError:\nno", line=3),
        event("run_ended", 1.5, state="succeeded", exit=0),
        names=["a", "b"],
    )
    assert [line[9:].lstrip() for line in lines] == [
        "* started  run=ID  seed=7",
        "a  * started  pid=12",
        "a  * ready",
        "a  * stopping  reason=drained",
        "a  * terminated after 1.00 s",
        "b  * restarted: exit  restarts=1",
        "b  * failed: ValueError:\\nno  line=3",
        "* ended after 1.50 s",
    ]


def test_operations_are_shown_when_verbose_only() -> None:
    """Operations have a mark for their phase, the object, the value and the line of the file."""
    events = [
        event("invoke", worker="w", op="put", object="q", value="A", line=22),
        event("ok", worker="w", op="put", object="q", line=22),
        event("fail", worker="w", op="get", object="q", error="timeout", line=29),
        event("info", worker="w", op="get", object="q"),
    ]
    assert shown(*events) == []
    assert [line.split("  ", 2)[-1] for line in shown(*events, verbose=True)] == [
        'w  > put q "A"  line=22',
        "w  < put q  line=22",
        "w  ! get q: timeout  line=29",
        "w  ? get q",
    ]


def test_jobs_that_went_well_are_quiet() -> None:
    """A pool's jobs are shown when one fails, all of them only when verbose."""
    events = [
        event("job_started", worker="p", job=0),
        event("job_ended", worker="p", job=0, state="succeeded"),
        event("job_ended", worker="p", job=1, state="failed", error="boom"),
    ]
    assert shown(*events) == ["   0.000  p[1]  * failed: boom"]
    assert len(shown(*events, verbose=True)) == 3


def test_unknown_events_are_passed_over() -> None:
    """An event that a later version adds harms nobody."""
    assert describe(event("schedule_chosen"), True) is None
    assert describe({}, True) is None


@pytest.mark.parametrize(
    ("one", "name"),
    [
        ({"worker": "w"}, "w"),
        ({"worker": "w", "replica": 0}, "w.0"),
        ({"worker": "w.1", "replica": 1}, "w.1"),
        ({"worker": "w", "job": 3}, "w[3]"),
        ({}, ""),
    ],
)
def test_names_of_workers(one: dict[str, Any], name: str) -> None:
    """Replicas and jobs are named as in the docs."""
    assert who(one) == name


def test_fields_never_clash_with_the_line_itself() -> None:
    """A field called like a part of the line, or like a word of structlog, stands beside it."""
    fields = {"event": 1, "worker": 2, "time": 3, "level": 4, "exc_info": True, "stack": "x"}
    (line,) = shown(event("log", worker="w", message="m", fields=fields))
    assert (
        line == "   0.000  w  m  event_=1  worker_=2  time_=3  level_=4  exc_info_=true  stack_=x"
    )


def test_control_characters_are_visible_on_a_terminal() -> None:
    """A worker cannot move the cursor of the person who looks on."""
    with terminal() as (stream, reader):
        console = Console(stream, colours=False)
        console(event("output", worker="w", stream="stdout", text="\x1b[2Jgone\x07\r\n"))
        stream.flush()
        seen = b""
        while not seen.endswith(b"\n"):  # a terminal gives it in parts, at times
            seen += os.read(reader, 1000)
        assert seen == b"   0.000  w  \\x1b[2Jgone\\x07\r\n"


def test_what_is_piped_stays_raw() -> None:
    """A file gets the characters as the worker wrote them."""
    (line,) = shown(event("log", worker="w", message="\x1b[31mred"))
    assert line.endswith("\x1b[31mred")


def test_colours_need_a_terminal_and_no_objection(monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_COLOR and TERM=dumb switch colours off, and a pipe never has them."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    with terminal() as (stream, _):
        assert wants_colours(stream)
        monkeypatch.setenv("TERM", "dumb")
        assert not wants_colours(stream)
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("NO_COLOR", "1")
        assert not wants_colours(stream)
    assert not wants_colours(io.StringIO())


def test_each_worker_has_its_colour() -> None:
    """Two workers differ in colour, and a replica has that of its worker."""
    lines = shown(
        event("log", worker="a", message="m"),
        event("log", worker="b", message="m"),
        event("log", worker="a", replica=1, message="m"),
        names=["a", "b"],
        colours=True,
    )
    assert "\x1b[36m a" in lines[0]
    assert "\x1b[33m b" in lines[1]
    assert "\x1b[36m a.1" in lines[2]


def test_processors_of_users_see_and_drop_events() -> None:
    """structlog processors stand before the renderer, as in any program that uses structlog."""

    def shout(_: Any, __: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        if entry["event"] == "secret":
            raise structlog.DropEvent
        entry["event"] = entry["event"].upper()
        return entry

    lines = shown(
        event("log", worker="w", message="secret"),
        event("log", worker="w", message="hello"),
        processors=[shout],
    )
    assert lines == ["   0.000  w  HELLO"]


def test_a_stream_that_is_gone_does_not_end_the_run() -> None:
    """A closed pipe or file silences the console and raises nothing."""
    reader, writer = os.pipe()
    os.close(reader)
    stream = os.fdopen(writer, "w", buffering=1)
    console = Console(stream)
    for _ in range(3):
        console(event("log", worker="w", message="m"))
    with pytest.raises(BrokenPipeError):
        stream.close()
    closed = io.StringIO()
    closed.close()
    Console(closed)(event("log", worker="w", message="m"))


def test_importing_the_module_is_cheap() -> None:
    """structlog is imported with the first line that is shown, not before."""
    code = (
        "import sys, scenarios.log as log; console = log.Console(sys.stderr);"
        "console({'time': 1, 'event': 'invoke'}); print('structlog' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
