"""What code prints and logs becomes its worker's events, in any thread and process."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from running import run
from scenarios.event.masking import Masker
from scenarios.worker import capture

CODE = """\
import logging, sys, threading

def talk():
    print("plain")
    print("half ", end="")
    print("whole")
    print("error", file=sys.stderr)
    logging.getLogger("mine").warning("logged %d", 1)
    logging.getLogger("mine").debug("not shown")
    import structlog
    structlog.get_logger().info("structured", key=1)
    print("unended", end="")

def helpers():
    def helper(n):
        print("helper", n)
        logging.getLogger("helper").error("from %s", n)
    threads = [threading.Thread(target=helper, args=(n,)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    last = threading.Thread(target=lambda: print("no end", end=""))
    last.start()
    last.join()

def raw():
    import os
    sys.stdout.buffer.write(b"bytes\\n")
    sys.stdout.buffer.flush()
    os.write(1, b"raw\\n")
    os.system("echo of a child")
"""
KINDS = {
    "thread": "executor: thread",
    "inline": "executor: inline",
    "process": "executor: process",
    "fresh": "executor: process, options: {start_method: spawn}",
    "pool": "executor: pool",
    "process pool": "executor: pool, options: {of: process}",
}


@pytest.fixture(autouse=True)
def code(tmp_path: Path) -> None:
    """Code that prints and logs."""
    (tmp_path / "talker.py").write_text(CODE)


@pytest.mark.parametrize("kind", KINDS)
def test_prints_and_logs(kind: str, tmp_path: Path) -> None:
    """Lines are events of the worker, log records have their level, all in the right order."""
    ran = run(tmp_path, f"workers: {{w: {{{KINDS[kind]}, call: 'talker:talk'}}}}")
    assert ran.exit == 0, ran.why
    said = ran.said("w")
    assert said[:3] == ["plain", "half whole", "error"]
    assert said[3] == "logged 1"
    assert "structured" in said[4]
    assert said[5:] == ["unended"]
    (record,) = ran.of("log", "w")
    assert (record["level"], record["logger"]) == ("warning", "mine")
    assert ran.worker("w")["stderr"] == "error\n"
    assert [event["stream"] for event in ran.of("output", "w")] == [
        "stdout",
        "stdout",
        "stderr",
        "stdout",
        "stdout",
    ]


@pytest.mark.parametrize("kind", ["process", "process pool"])
def test_threads_of_a_process_are_its_worker_s(kind: str, tmp_path: Path) -> None:
    """In a process of its own all threads speak for the worker, to their last half line."""
    ran = run(tmp_path, f"workers: {{w: {{{KINDS[kind]}, call: 'talker:helpers'}}}}")
    assert ran.exit == 0, ran.why
    assert sorted(ran.said("w")) == ["from 0", "from 1", "helper 0", "helper 1", "no end"]


@pytest.mark.parametrize("kind", ["process", "fresh"])
def test_raw_output_of_a_process(kind: str, tmp_path: Path) -> None:
    """Bytes that go around Python's own streams are the worker's, too."""
    ran = run(tmp_path, f"workers: {{w: {{{KINDS[kind]}, call: 'talker:raw'}}}}")
    assert sorted(ran.said("w")) == ["bytes", "of a child", "raw"]
    assert ran.worker("w")["stdout"].splitlines() == ["bytes", "raw", "of a child"]


def test_two_threads_do_not_mix(tmp_path: Path) -> None:
    """Workers on threads of one process print at once, and each line has its worker."""
    ran = run(tmp_path, "workers: {w: {executor: thread, replicas: 4, call: 'talker:talk'}}")
    for number in range(4):
        assert ran.said(f"w.{number}")[:3] == ["plain", "half whole", "error"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_very_long_line(kind: str, tmp_path: Path) -> None:
    """It is told by its beginning and how long it is, and what is printed after it is not lost."""
    (tmp_path / "talker.py").write_text("def f():\n    print('x' * 100_000)\n    print('after')\n")
    ran = run(tmp_path, f"workers: {{w: {{{KINDS[kind]}, call: 'talker:f'}}}}\n")
    assert ran.exit == 0, ran.why
    long, after, end = ran.worker("w")["stdout"].split("\n")
    assert (long[:1000], long[1000:].lstrip("x"), after, end) == (
        "x" * 1000,
        " [... 100002 characters ...]",
        "after",
        "",
    )


@pytest.mark.parametrize("last", ["first", "second"])
def test_two_runs_at_once_hide_the_secrets_of_both(
    last: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whichever of them ends last, what belongs to no worker shows none that is still secret."""
    before = sys.stdout
    running = {
        name: capture.in_threads(Masker((f"{name} secret",)).text) for name in ("first", "second")
    }
    for one in running.values():
        one.__enter__()
    print("first secret, second secret")
    print("begun: first secret, second secret", end="")
    longest = running.pop(last)
    for one in running.values():
        one.__exit__(None, None, None)
    print(f" and {last} secret")
    longest.__exit__(None, None, None)
    print(f"{last} secret")
    assert sys.stdout is before
    assert capsys.readouterr().out == f"***, ***\nbegun: ***, *** and ***\n{last} secret\n"
