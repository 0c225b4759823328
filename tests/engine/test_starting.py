"""When workers start: dependencies, readiness, restarts; what hinders them."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from running import Ran, run


def order(ran: Ran, *marks: str) -> list[str]:
    """`event worker` for each event of a life, in the order of the log."""
    found = [
        f"{event['event'].removeprefix('worker_')} {event.get('worker')}" for event in ran.events
    ]
    return [one for one in found if one in marks]


@pytest.mark.parametrize(
    ("condition", "after", "steps"),
    [
        ("started", "started first", "{wait: begun}, {log: ready}, {wait: seen}"),
        ("ready", "ready first", "{log: ready}, {wait: begun}"),
        ("completed", "ended first", "{log: ready}, {wait: seen}"),
        ("succeeded", "ended first", "{log: ready}, {wait: seen}"),
    ],
)
def test_condition_is_waited_for(condition: str, after: str, steps: str, tmp_path: Path) -> None:
    """A worker starts when what it depends on has come so far, and not before."""
    ran = run(
        tmp_path,
        f"""
        flags: {{begun: {{}}, seen: {{}}}}
        workers:
          second:
            executor: thread
            depends_on: {{first: {{condition: {condition}}}}}
            steps: [set_flag: begun]
          first:
            executor: process
            ready: {{log: re.dy, interval: 10ms}}
            steps: [{steps}]
          sees:
            executor: thread
            depends_on: {{first: {{condition: ready}}}}
            steps: [set_flag: seen]
        """,
    )
    assert ran.exit == 0, ran.why
    marks = ["started first", "ready first", "ended first"]
    expected = [*marks[: marks.index(after) + 1], "started second"]
    assert order(ran, *marks, "started second")[: len(expected)] == expected


@pytest.mark.parametrize(
    ("condition", "keys", "state"),
    [
        ("started", "executor: thread, steps: [fail: x]", "succeeded"),
        ("started", "command: [no-such-program-anywhere]", "skipped"),
        ("ready", "executor: thread, steps: [], ready: {log: never}", "skipped"),
        ("completed", "executor: thread, steps: [fail: x]", "succeeded"),
        ("completed", "command: [no-such-program-anywhere]", "succeeded"),
        ("succeeded", "executor: thread, steps: [fail: x]", "skipped"),
        ("succeeded", "command: ['false']", "skipped"),
        ("succeeded", "executor: thread, steps: [sleep: 9s], timeout: 50ms", "skipped"),
        ("succeeded", "executor: thread, replicas: 2, steps: [assert: worker.replica]", "skipped"),
    ],
)
def test_condition_that_cannot_be_met(
    condition: str, keys: str, state: str, tmp_path: Path
) -> None:
    """Who depends on what can no longer come is skipped, and so is who depends on that one."""
    ran = run(
        tmp_path,
        f"""
        workers:
          first: {{{keys}}}
          second:
            executor: thread
            depends_on: {{first: {{condition: {condition}}}}}
            steps: []
          third: {{executor: thread, depends_on: [second], steps: []}}
        """,
    )
    assert (ran.states()["second"], ran.states()["third"]) == (state, state)
    assert ran.exit == 1


def test_completed_is_after_the_last_restart_of_all_replicas(tmp_path: Path) -> None:
    """A list of dependencies waits for every replica and every attempt."""
    ran = run(
        tmp_path,
        """
        values: {tries: 0, failed: false}
        workers:
          first:
            executor: thread
            replicas: 2
            restart: {policy: on-failure, max: 1, backoff: 50ms}
            steps:
              - {update: tries, to: old + 1}
              - if: worker.replica == 1 and not values.failed
                steps: [{write: failed, value: true}, {fail: once}]
          second: {executor: thread, depends_on: [first], steps: [{return: "${values.tries}"}]}
        expect: [workers.second.result == 3, workers.first.restarts == 1]
        """,
    )
    assert ran.exit == 0, ran.why


def test_ready_by_port_page_and_command(tmp_path: Path) -> None:
    """A port that accepts, a page that answers and a command that exits with 0 show readiness."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    ran = run(
        tmp_path,
        f"""
        vars: {{port: {port}}}
        workers:
          server:
            command: [python3, -m, http.server, "${{vars.port}}", --bind, 127.0.0.1]
            background: true
            ready: {{http: "http://127.0.0.1:${{vars.port}}/", interval: 20ms, timeout: 20s}}
          port:
            executor: thread
            background: true
            depends_on: {{server: {{condition: ready}}}}
            ready: {{tcp: "127.0.0.1:${{vars.port}}", interval: 20ms}}
            steps: [sleep: 20s]
          file:
            executor: process
            background: true
            ready: {{command: [test, -e, "${{run.tmp}}/there"], interval: 20ms}}
            steps: [{{run: [touch, "${{run.tmp}}/there"]}}, sleep: 20s]
          last:
            executor: thread
            depends_on: {{port: {{condition: ready}}, file: {{condition: ready}}}}
            steps: [log: all are there]
        """,
    )
    assert ran.exit == 0, ran.why
    assert {event["worker"] for event in ran.of("worker_ready")} == {"server", "port", "file"}


@pytest.mark.parametrize(
    ("ready", "what"),
    [
        ("log: never said", "a line that matches 'never said'"),
        ("tcp: '127.0.0.1:1'", "127.0.0.1:1 to accept"),
        ("http: 'http://127.0.0.1:1/'", "http://127.0.0.1:1/ to answer"),
        ("command: ['false']", "false to exit with 0"),
        ("command: [no-such-program-anywhere]", "no-such-program-anywhere"),
    ],
)
@pytest.mark.parametrize("background", [False, True])
def test_never_ready(ready: str, what: str, background: bool, tmp_path: Path) -> None:
    """A worker that is not ready in time is stopped and has failed, also one of the background."""
    ran = run(
        tmp_path,
        f"""
        workers:
          other: {{executor: thread, depends_on: {{w: {{condition: completed}}}}, steps: []}}
          w:
            executor: thread
            background: {str(background).lower()}
            ready: {{{ready}, interval: 20ms, timeout: 200ms}}
            steps: [sleep: 20s]
        """,
    )
    assert ran.exit == 1
    assert ran.states() == {"other": "succeeded", "w": "failed"}
    assert what in ran.worker("w")["error"]


def test_end_before_ready(tmp_path: Path) -> None:
    """A worker that ends before it is ready has its own end, and nothing is looked at any more."""
    ran = run(
        tmp_path,
        """
        workers:
          w: {executor: thread, ready: {log: never, timeout: 30s}, steps: [{return: 1}]}
        expect: [workers.w.result == 1, run.duration < 20]
        """,
    )
    assert ran.exit == 0, ran.why


def test_pattern_that_is_none(tmp_path: Path) -> None:
    """A pattern that only the start reveals to be none fails its worker with a sentence."""
    ran = run(
        tmp_path,
        """
        workers:
          w:
            executor: thread
            ready: {log: "(${run.seed}"}
            steps: []
        """,
    )
    assert ran.exit == 1
    assert "is no regular expression" in ran.worker("w")["error"]


@pytest.mark.parametrize(
    ("policy", "fails", "restarts", "state"),
    [
        ("never", 9, 0, "failed"),
        ("on-failure", 2, 2, "succeeded"),
        ("on-failure", 9, 3, "failed"),
        ("always", 0, 3, "succeeded"),
    ],
)
@pytest.mark.parametrize("executor", ["thread", "process", "inline"])
def test_restart(
    policy: str, fails: int, restarts: int, state: str, executor: str, tmp_path: Path
) -> None:
    """Attempts follow by policy up to a maximum; result and output are those of the last."""
    (tmp_path / "talk.py").write_text("def talk(n):\n    print('attempt', n)\n")
    ran = run(
        tmp_path,
        f"""
        values: {{tries: 0}}
        workers:
          w:
            executor: {executor}
            restart: {{policy: {policy}, max: 3, backoff: 10ms}}
            steps:
              - {{update: tries, to: old + 1, into: before}}
              - {{call: "talk:talk", args: ["${{before + 1}}"]}}
              - {{assert: before >= {fails}, message: "failed ${{before + 1}}"}}
              - return: ${{before + 1}}
        expect: [workers.w.state == '{state}', workers.w.restarts == {restarts}]
        """,
    )
    assert ran.exit == 0, ran.why
    last = restarts + 1
    assert ran.worker("w")["stdout"] == f"attempt {last}\n"
    assert ran.worker("w")["result"] == (last if state == "succeeded" else None)
    assert ran.worker("w")["error"] == (None if state == "succeeded" else f"failed {last}")
    assert len(ran.of("worker_started")) == last
    assert len(ran.of("worker_restarted")) == restarts


def test_restart_of_a_command(tmp_path: Path) -> None:
    """A command that fails starts again; its output is the last attempt's."""
    ran = run(
        tmp_path,
        """
        workers:
          w:
            command:
              - sh
              - -c
              - echo x >> "$0/n"; wc -l < "$0/n"; test $(wc -l < "$0/n") = 3
              - ${run.tmp}
            restart: {policy: on-failure, max: 5, backoff: 10ms}
        expect: ["workers.w.stdout.strip() == '3'", workers.w.restarts == 2]
        """,
    )
    assert ran.exit == 0, ran.why


def test_restart_after_a_timeout(tmp_path: Path) -> None:
    """The time-out of an attempt is a failure that `on-failure` answers with the next one."""
    ran = run(
        tmp_path,
        """
        values: {tries: 0}
        workers:
          w:
            executor: thread
            timeout: 300ms
            restart: {policy: on-failure, max: 2, backoff: 10ms}
            steps:
              - {update: tries, to: old + 1, into: before}
              - {if: before == 0, steps: [sleep: 20s]}
              - return: ${before}
        expect: [workers.w.result == 1, workers.w.restarts == 1]
        """,
    )
    assert ran.exit == 0, ran.why


def test_command_not_found(tmp_path: Path) -> None:
    """A program that is missing fails its worker alone, with what to do."""
    ran = run(
        tmp_path,
        """
        workers:
          w: {command: [no-such-program-anywhere]}
          other: {executor: thread, steps: []}
        """,
    )
    assert ran.exit == 1
    error = 'program "no-such-program-anywhere" was not found on PATH: '
    error += "install it, or give its full path"
    assert ran.worker("w")["error"] == error
    assert ran.worker("w")["error_line"] == 2
    assert ran.states() == {"w": "failed", "other": "succeeded"}


@pytest.mark.parametrize("executor", ["process", "pool"])
def test_missing_folder(executor: str, tmp_path: Path) -> None:
    """A working folder that does not exist fails its worker, with its name."""
    options = "options: {of: process}, " if executor == "pool" else ""
    ran = run(
        tmp_path,
        f"""
        workers:
          w: {{executor: {executor}, {options}cwd: nowhere, steps: []}}
        """,
    )
    assert ran.exit == 1
    assert f'"{tmp_path}/nowhere" does not exist' in ran.worker("w")["error"]


@pytest.mark.parametrize("kind", ["process", "fresh", "command", "pool"])
def test_environment_and_folder(kind: str, tmp_path: Path) -> None:
    """`env` adds to what is inherited, `cwd` is relative to the file."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "look.py").write_text(
        "import os\ndef look():\n"
        "    return [os.getcwd(), os.environ['MINE'], 'PATH' in os.environ]\n"
    )
    what = {
        "process": "executor: process, call: 'look:look'",
        "fresh": "executor: process, options: {start_method: spawn}, call: 'look:look'",
        "pool": "executor: pool, options: {of: process}, call: 'look:look'",
        "command": "command: [sh, -c, 'echo $(pwd) $MINE ${PATH:+there}']",
    }[kind]
    ran = run(
        tmp_path,
        f"""
        workers:
          w: {{{what.replace("${PATH", "$${PATH")}, cwd: sub, env: {{MINE: "it is ${{1 + 1}}"}}}}
        """,
    )
    assert ran.exit == 0, ran.why
    if kind == "command":
        assert ran.worker("w")["stdout"] == f"{tmp_path}/sub it is 2 there\n"
    else:
        assert ran.worker("w")["result"] == [f"{tmp_path}/sub", "it is 2", True]
