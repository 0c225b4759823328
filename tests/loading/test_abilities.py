"""Executors: which one runs a worker, its options, what it cannot do, and other ones by command."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from loads import SPECS, loaded, refused, scenario, with_keys, worker_of
from scenarios.errors import PluginFault, UsageError
from scenarios.loading import Plugins
from scenarios.specs import Capabilities, ExecutorSpec

COMMAND = "command: [echo, a]\n"
CALL = "call: 'm:f'\n"


@pytest.mark.parametrize(
    ("keys", "top", "executor"),
    [
        ("steps: []", "executor: process", "process"),
        ("executor: thread\nsteps: []", "executor: process", "thread"),
        (COMMAND, "", "subprocess"),
        (COMMAND, "executor: thread", "subprocess"),
        ("executor: subprocess\n" + COMMAND, "", "subprocess"),
        ("executor: inline\n" + CALL, "", "inline"),
        ("executor: pool\nsteps: []\njobs: 2", "", "pool"),
    ],
)
def test_which_executor(keys: str, top: str, executor: str) -> None:
    """A worker's own, or the one at the top; a command alone is a subprocess."""
    assert worker_of(keys, top).executor == executor


def test_an_executor_at_the_top_that_runs_commands() -> None:
    """It runs the commands as well."""
    shell = ExecutorSpec("shell", "m:f", "", Capabilities(command=True))
    known = Plugins({**SPECS, "shell": shell})
    text = "executor: shell\nworkers: {w: {command: [a]}, v: {steps: []}}"
    assert {w.executor for w in scenario(text, known).workers.values()} == {"shell"}


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ("executor: §tread\nsteps: []", 'no executor "tread"; did you mean "thread"?'),
        ("executor: §dask\nsteps: []", 'no executor "dask"; installed are inline, thread'),
        ("executor: §[a]\nsteps: []", '"executor" is text, not a list'),
        ("executor: subprocess\n§steps: []", 'executor "subprocess" cannot run the "steps"'),
        ("executor: subprocess\n§call: 'a:b'", "it runs command; use process or thread"),
        ("executor: thread\n§command: [a]", "runs steps or call; use subprocess"),
        ("executor: pool\n§command: [a]", 'executor "pool" cannot run the "command"'),
        ("executor: thread\nsteps: []\n§jobs: 2", 'executor "thread" takes no "jobs"; use pool'),
        ("executor: thread\nsteps: []\n§env: {A: b}", 'no process of its own for "env"'),
        ("executor: inline\nsteps: []\n§cwd: /", 'no process of its own for "cwd"'),
        ("executor: pool\nsteps: []\n§cwd: /", "no process of its own"),
        (
            "executor: thread\ncall: 'a:b'\nstop: {action: §terminate}",
            'executor "thread" cannot terminate the "call" of worker "w"; write it as steps',
        ),
        ("executor: thread\ncall: 'a:b'\ntimeout: §1s", "write it as steps, or use process"),
        ("executor: inline\ncall: 'a:b'\ntimeout: §1s", 'executor "inline" cannot end the "call"'),
        ("executor: pool\njobs: 2\ncall: 'a:b'\ntimeout: §1s", 'executor "pool" cannot end'),
        (
            "executor: pool\noptions: {of: thread}\njobs: 2\ncall: 'a:b'\ntimeout: §1s",
            'executor "pool" cannot end',
        ),
        ("executor: thread\nsteps: []\noptions: {§a: 1}", 'executor "thread" takes no options'),
        ("executor: process\nsteps: []\noptions: §[a]", '"options" of worker "w" is a mapping'),
        (
            "executor: process\nsteps: []\noptions: {§start: fork}",
            'unknown option "start" of executor "process"; known are start_method',
        ),
        (
            "executor: process\nsteps: []\noptions: {start_method: §forkserver}",
            'option "start_method" of executor "process": input should be',
        ),
        ("executor: pool\nsteps: []\noptions: {max_workers: §0}", "greater than or equal to 1"),
        ("executor: pool\nsteps: []\noptions: {max_workers: §true}", "not true"),
        ("executor: pool\nsteps: []\noptions: {max_workers: §'2'}", 'not "2"'),
        ("executor: pool\nsteps: []\noptions: {of: §tread}", 'option "of" of executor "pool"'),
        ("executor: pool\nsteps: []\noptions: {max_workers: §'${n}'}", "is settled at load"),
    ],
)
def test_what_an_executor_cannot_do(keys: str, words: str) -> None:
    """It is said at its place, with what to use in its place."""
    refused(with_keys(keys), words)


@pytest.mark.parametrize(
    "keys",
    [
        "executor: process\ncall: 'a:b'\nstop: {action: terminate}\ntimeout: 1s",
        "executor: thread\nsteps: []\nstop: {action: terminate}\ntimeout: 1s",
        "executor: thread\ncall: 'a:b'\nstop: {action: drain}",
        "executor: process\nsteps: []\nenv: {A: b}\ncwd: sub",
        "executor: pool\noptions: {of: process}\njobs: 2\ncall: 'a:b'\ntimeout: 1s",
        "executor: pool\noptions: {of: process, max_workers: 1}\njobs: []\nsteps: []",
        "executor: process\noptions: {}\nsteps: []",
        "executor: thread\noptions: {}\nsteps: []",
        "command: [a]\nenv: {A: b}\ncwd: sub\ntimeout: 1s\nstop: {action: terminate}",
    ],
)
def test_what_executors_can_do(keys: str) -> None:
    """Combinations that are right."""
    assert worker_of(keys).name == "w"


def test_options_are_those_that_stand_there() -> None:
    """The executor's model fills in the rest when it is used."""
    assert worker_of("executor: pool\noptions: {of: process}\nsteps: []").options == {
        "of": "process"
    }


def test_an_options_model_that_cannot_be_imported_is_the_plugins_fault() -> None:
    """Only files that use its options meet it."""
    broken = dataclasses.replace(SPECS["process"], options="no_such_module_here:Options")
    known = Plugins({**SPECS, "process": broken})
    assert loaded(with_keys("executor: process\nsteps: []"), known)
    text = with_keys("executor: process\nsteps: []\noptions: {start_method: fork}")
    with pytest.raises(PluginFault, match='executor "process": cannot import "no_such_module_here'):
        loaded(text, known)
    other = dataclasses.replace(SPECS["process"], options="collections:OrderedDict")
    with pytest.raises(PluginFault, match="is no pydantic model"):
        loaded(text, Plugins({"process": other}))


MIXED = """
workers:
  a: {executor: thread, steps: []}
  b: {executor: process, options: {start_method: spawn}, steps: []}
  c: {command: [x]}
  d: {executor: pool, jobs: 3, steps: []}
  e: {executor: process, call: 'm:f', timeout: 1s}
"""


def executors(swaps: dict[str | None, str]) -> tuple[list[str], tuple[str, ...]]:
    """Executors of `MIXED` with these swaps, and the notices."""
    made = loaded(MIXED, swaps=swaps)
    return [worker.executor for worker in made.scenarios[0].workers.values()], made.notices


def test_another_executor_for_all_workers_that_can() -> None:
    """Those that it cannot run stay, and a notice says why."""
    names, notices = executors({None: "thread"})
    assert names == ["thread", "thread", "subprocess", "pool", "process"]
    assert notices == (
        'worker "b" runs on thread, without its options for process',
        'worker "c" stays on subprocess: executor "thread" cannot run the "command" of worker '
        '"c"; it runs steps or call; use subprocess',
        'worker "d" stays on pool: executor "thread" takes no "jobs"; use pool, or "replicas"',
        'worker "e" stays on process: executor "thread" cannot end the "call" of worker "e" '
        'after a "timeout"; write it as steps, or use process',
    )


def test_another_executor_for_one_worker() -> None:
    """The form for one worker wins over the one for all."""
    assert executors({"b": "inline"})[0] == ["thread", "inline", "subprocess", "pool", "process"]
    assert executors({None: "process", "a": "inline"})[0][:2] == ["inline", "process"]


def test_an_executor_by_command_stands_in_for_one_that_is_not_installed() -> None:
    """What is swapped is not looked up."""
    text = "workers: {w: {executor: dask, options: {n: 1}, steps: []}, v: {steps: []}}"
    made = loaded(text, swaps={None: "thread"})
    assert [worker.executor for worker in made.scenarios[0].workers.values()] == ["thread"] * 2


@pytest.mark.parametrize(
    ("swaps", "words"),
    [
        ({"c": "thread"}, '--executor thread:c: executor "thread" cannot run the "command"'),
        ({"d": "process"}, '--executor process:d: executor "process" takes no "jobs"'),
        ({"z": "process"}, '--executor process:z: no worker "z" in file.yaml; there are a, b'),
        ({None: "tread"}, '--executor tread: no executor "tread"; did you mean "thread"?'),
        ({"a": "dask"}, '--executor dask:a: no executor "dask"; installed are'),
    ],
)
def test_swaps_that_cannot_be(swaps: Any, words: str) -> None:
    """They are mistakes on the command line."""
    with pytest.raises(UsageError) as refusal:
        loaded(MIXED, swaps=swaps)
    assert words in str(refusal.value)
