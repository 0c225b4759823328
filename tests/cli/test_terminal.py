"""What a real terminal gets: nothing that a worker wrote can act on it."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from command import environment
from running import write

ACTING = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e]|\r(?!\n)")
"""What acts on a terminal, besides the tab and the ends of lines that it makes itself."""

EVIL = "\x1b[2J\x1b]0;title\x07\x9b1m\u202eleft\rover"

CODE = """\
import os, sys, threading

def noisy(evil):
    print("printed", evil)
    print(evil, file=sys.stderr)
    helper = threading.Thread(target=fail, args=(evil,), name=evil)
    helper.start()
    helper.join()
    if sys.argv[0] == "scenarios-worker":
        os.write(2, b"raw \\xff\\x1b[2J\\n")

def fail(evil):
    raise ValueError(evil)
"""

RUN = """\
name: "na\\x1b[31mme"
vars: {evil: "\\x1b[2J\\x1b]0;title\\x07\\x9b1m\\u202eleft\\rover"}
matrix: {"m\\x1b[1m": ["\\x1b[5m"]}
queues: {q: {}}
values: {v: "${vars.evil}"}
workers:
  p:
    executor: process
    steps:
      - {log: "log ${vars.evil}", field: "${vars.evil}", "key\\x1b[1m": 1, level: warning}
      - {put: q, value: "${vars.evil}"}
      - {call: "evil:noisy", args: ["${vars.evil}"]}
      - {return: "${vars.evil}"}
  t:
    executor: thread
    steps:
      - {call: "evil:noisy", args: ["${vars.evil}"]}
      - {call: "evil:fail", args: ["${vars.evil}"]}
  c: {command: [printf, "out \\\\033[2J\\\\n\\\\033[1mx\\\\rover\\\\n"]}
  d: {command: ["nothing\\x1b[2J"]}
  o: {executor: pool, jobs: ["${vars.evil}"], steps: [{fail: "${job.item}"}]}
expect:
  - {always: "workers.p.result == 'x\\x1b[1m'", name: "n\\x1b[1m"}
"""


def on_terminal(cwd: Path, *words: str) -> tuple[int, str]:
    """The real command with a terminal for both outputs: exit code, and what the terminal got."""
    reader, writer = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "scenarios", *words],
        cwd=cwd,
        env=environment(TERM="xterm"),
        stdin=subprocess.DEVNULL,
        stdout=writer,
        stderr=writer,
    )
    os.close(writer)
    got = b""
    while True:
        try:
            piece = os.read(reader, 1 << 16)
        except OSError:  # nobody holds the other end any more
            break
        if not piece:
            break
        got += piece
    os.close(reader)
    return process.wait(60), got.decode("utf-8", "surrogateescape")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a scenario whose every text acts on terminals, and a run of it."""
    path = tmp_path_factory.mktemp("terminal")
    (path / "evil.py").write_text(CODE)
    write(path, RUN)
    code, text = on_terminal(path, "run", "case.yaml", "-v")
    assert code == 1, text
    (path / "shown").write_text(text)
    return path


def test_the_live_log_and_the_summary(folder: Path) -> None:
    """Every text is there, with its control characters as escapes."""
    text = (folder / "shown").read_text()
    assert not ACTING.search(text), ACTING.search(text)
    for known in ("printed", "log", "raw", "out", "p  < put q", "nothing", "to repeat it"):
        assert known in text
    assert text.count(r"\x1b[2J") > 15
    assert text.count(r"left\rover") > 10


@pytest.mark.parametrize(
    "words",
    [
        ("run", "case.yaml", "--format", "json"),
        pytest.param(("run", "case.yaml", "--format", "github"), marks=pytest.mark.slow),
        pytest.param(("run", "case.yaml", "--format", "junit"), marks=pytest.mark.slow),
        pytest.param(("run", "case.yaml", "-q"), marks=pytest.mark.slow),
        ("show",),
        ("show", "--events", "-v"),
        ("show", "--events", "--format", "json"),
        ("show", "--output", "c"),
        ("show", "--output", "p"),
        ("show", "--list"),
        ("show", "no\x1b[2Jthing"),
        ("list", "."),
        ("run", "no\x1b[2Jthing.yaml"),
    ],
)
def test_nothing_acts_on_a_terminal(words: tuple[str, ...], folder: Path) -> None:
    """Whatever is shown of it, in whichever form."""
    code, text = on_terminal(folder, *words)
    assert code in (0, 1, 2)
    assert not ACTING.search(text), ACTING.search(text)
    assert "a fault in the engine" not in text
    assert text


def test_what_is_stored_is_raw(folder: Path) -> None:
    """The log, the result and the outputs hold every character as it was written."""
    stored = folder / ".scenarios" / "latest"
    result = json.loads((stored / "result.json").read_text())
    assert result["workers"]["p"]["result"] == EVIL
    assert result["scenario"] == "na\x1b[31mme"
    events = [json.loads(line) for line in (stored / "events.jsonl").read_text().splitlines()]
    assert any(event.get("text") == f"printed {EVIL}" for event in events)
    assert any(event.get("value") == EVIL for event in events)
    assert (stored / "outputs" / "c.stdout").read_bytes() == b"out \x1b[2J\n\x1b[1mx\rover\n"
    piped = subprocess.run(
        [sys.executable, "-m", "scenarios", "show", "--output", "c"],
        cwd=folder,
        env=environment(),
        capture_output=True,
        check=True,
    )
    assert piped.stdout == b"out \x1b[2J\n\x1b[1mx\rover\n"
