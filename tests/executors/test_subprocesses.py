"""Commands: their input, their outputs, and what they leave behind."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from running import run, started
from scenarios.executors.subprocesses import SubprocessHandle


def test_input_from_a_queue(tmp_path: Path) -> None:
    """Text items come as they are, others as JSON, one a line; the end comes after the last."""
    ran = run(
        tmp_path,
        """
        queues: {q: {}}
        workers:
          cat: {command: [cat], stdin: {from: q}}
          one: {executor: thread, steps: [{put: q, value: a text}, {put: q, value: {n: [1, null]}}]}
          two: {executor: process, steps: [{sleep: 300ms}, {put: q, value: "ä"}]}
        expect: [queues.q.left == 0]
        """,
    )
    assert ran.exit == 0, ran.why
    assert ran.worker("cat")["stdout"] == 'a text\n{"n": [1, null]}\nä\n'


def test_input_that_is_not_read(tmp_path: Path) -> None:
    """A command that ends without reading leaves its queue alone, and the run comes to its end."""
    ran = run(
        tmp_path,
        """
        queues: {q: {}}
        workers:
          deaf: {command: ["true"], stdin: {from: q}}
          puts:
            executor: thread
            depends_on: [deaf]
            steps: [{repeat: 3, steps: [{put: q, value: 1}]}]
        expect: [queues.q.left == 3]
        """,
    )
    assert ran.exit == 0, ran.why


def test_more_input_than_a_pipe_holds(tmp_path: Path) -> None:
    """A command that stops reading in the middle does not hang the run."""
    ran = run(
        tmp_path,
        """
        queues: {q: {}}
        workers:
          head: {command: [head, "-c", "5"], stdin: {from: q}}
          slow: {command: [sh, -c, "sleep 0.3; exec sleep 0.3"], stdin: {from: q}}
          puts: {executor: thread, steps: [{repeat: 4, steps: [{put: q, value: "${'x' * 90000}"}]}]}
        expect: [run.duration < 15, workers.slow.exit_code == 0]
        """,
    )
    assert ran.exit == 0, ran.why


@pytest.mark.parametrize("where", ["thread", "process"])
def test_output_to_a_queue(where: str, tmp_path: Path) -> None:
    """Each line is one item, also the last one without a newline; a bounded queue slows it down."""
    ran = run(
        tmp_path,
        f"""
        queues: {{out: {{maxsize: 1}}, err: {{}}}}
        workers:
          c:
            command: [sh, -c, 'printf "a\\nb\\n\\nc"; echo oops >&2']
            stdout: {{to: out}}
            stderr: {{to: err}}
          reads:
            executor: {where}
            steps:
              - set: {{all: []}}
              - repeat: 4
                steps: [{{sleep: 50ms}}, {{get: out, into: x}}, {{set: {{all: "${{all + [x]}}"}}}}]
              - {{get: err, into: x}}
              - return: ${{all + [x]}}
        expect: ["workers.reads.result == ['a', 'b', '', 'c', 'oops']", "workers.c.stdout == ''"]
        """,
    )
    assert ran.exit == 0, ran.why


@pytest.mark.parametrize("to", ["capture", "{to: q}"])
def test_what_a_command_leaves_behind_does_not_hang_the_run(to: str, tmp_path: Path) -> None:
    """A daemon that keeps the pipes open is ended with the run, which does not wait for it."""
    ran = run(
        tmp_path,
        f"""
        queues: {{q: {{}}, fed: {{}}}}
        workers:
          c:
            command: [sh, -c, "echo one; setsid sleep 47 & exit 0"]
            stdin: {{from: fed}}
            stdout: {to}
          other: {{executor: thread, steps: [{{put: fed, value: 1}}]}}
        expect: [workers.c.state == 'succeeded', run.duration < 15]
        """,
    )
    assert ran.exit == 0, ran.why
    if to == "capture":
        assert ran.worker("c")["stdout"] == "one\n"
    else:
        assert ran.result["queues"]["q"]["put"] == 1


def test_put_that_finds_no_room_ends_with_the_run(tmp_path: Path) -> None:
    """A command whose lines nobody takes is named when the run is out of time."""
    ran = run(
        tmp_path,
        """
        timeout: 2s
        queues: {q: {maxsize: 1}}
        workers: {c: {command: [sh, -c, "echo a; echo b"], stdout: {to: q}}}
        """,
    )
    assert (ran.exit, ran.states()) == (1, {"c": "timed_out"})
    assert ran.result["notices"] == ["c is in put q (line 3)"]
    assert ran.result["run"]["duration"] < 15


def test_inherited_and_discarded_output(tmp_path: Path) -> None:
    """Inherited output is the engine's own; discarded output is nowhere."""
    text = """\
workers:
  i: {command: [sh, -c, "echo to be seen >&2"], stderr: inherit}
  d: {command: [sh, -c, "echo to be lost; echo lost too >&2"], stdout: discard, stderr: discard}
expect: ["workers.d.stdout + workers.d.stderr + workers.i.stderr == ''"]
"""
    with started(tmp_path, text, "--quiet") as command:
        assert command.wait() == 0, command.out
        assert "to be seen" in command.err
        assert "lost" not in command.out + command.err


def test_flood_is_bounded(tmp_path: Path) -> None:
    """Of very much output the beginning and the end are kept, and how much was dropped."""
    ran = run(
        tmp_path,
        """
        workers:
          c: {command: [sh, -c, "echo first; yes | head -c 20000000; echo last"]}
        """,
    )
    text = ran.worker("c")["stdout"]
    assert ran.exit == 0 and len(text) < 2**21
    assert text.startswith("first\ny\n") and text.endswith("y\nlast\n")
    assert "bytes dropped" in text
    assert len(ran.events) < 300_000
    assert [event["message"] for event in ran.of("notice", "c")] == [
        "more stdout is not shown line by line"
    ]


def test_words_are_texts_and_no_shell_reads_them(tmp_path: Path) -> None:
    """Each word is one argument, whatever is in it; plain data is written as text."""
    ran = run(
        tmp_path,
        """
        vars: {n: 3, name: "a; echo b"}
        workers: {c: {command: [printf, "%s|", "${vars.name}", "${vars.n}", "$HOME", "*"]}}
        """,
    )
    assert ran.worker("c")["stdout"] == "a; echo b|3|$HOME|*|"


def test_a_command_that_ends_before_its_feeder_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread that feeds a command may start when the command is over: it ends, too."""
    feed = SubprocessHandle._feed

    def late(handle: SubprocessHandle, queue: str, write: int) -> None:
        time.sleep(0.5)
        feed(handle, queue, write)

    monkeypatch.setattr(SubprocessHandle, "_feed", late)
    ran = run(
        tmp_path,
        """
        queues: {q: {}}
        workers:
          deaf: {command: ["true"], stdin: {from: q}}
          puts: {executor: thread, depends_on: [deaf], steps: [{put: q, value: 1}]}
        timeout: 10s
        expect: [queues.q.left == 1]
        """,
    )
    assert ran.exit == 0, ran.why
