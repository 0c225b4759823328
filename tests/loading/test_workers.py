"""Workers: keys, and the rules between the keys of one worker."""

from __future__ import annotations

import pytest

from loads import faults, refused, scenario, with_keys, worker_of
from scenarios.scenario import Restart, Stop

STEPS = "executor: thread\nsteps: []\n"


def test_a_small_worker_has_defaults() -> None:
    """What a worker does not say is what format.md says."""
    worker = worker_of(STEPS)
    assert (worker.name, worker.executor, worker.options, worker.steps) == ("w", "thread", {}, ())
    assert (worker.call, worker.command, worker.args, worker.kwargs) == (None, None, None, None)
    assert (worker.stdin, worker.stdout, worker.stderr) == (None, "capture", "capture")
    assert (worker.replicas, worker.jobs, worker.depends_on) == (None, None, {})
    assert (worker.background, worker.stop, worker.restart) == (False, Stop(), Restart())
    assert (worker.ready, worker.timeout, worker.env, worker.cwd) == (None, None, {}, None)
    assert (worker.expect, worker.description, worker.line, worker.column) == ((), None, 2, 3)


def test_every_setting() -> None:
    """Keys that hold plain settings."""
    worker = worker_of(
        """
        description: what it does
        executor: process
        replicas: 3
        background: true
        stop: {action: terminate, grace: 500ms}
        restart: {policy: on-failure, max: 0, backoff: 0}
        timeout: 2m
        steps: []
        """
    )
    assert (worker.description, worker.replicas, worker.background) == ("what it does", 3, True)
    assert worker.stop == Stop("terminate", 0.5)
    assert worker.restart == Restart("on-failure", 0, 0.0)
    assert worker.timeout == 120.0


def test_settings_are_filled_in_at_load() -> None:
    """`vars` and `matrix` may stand in each value."""
    worker = worker_of(
        """
        executor: ${vars.runner}
        options: {start_method: "${vars.method}"}
        replicas: ${vars.n}
        stop: {action: "${vars.stop}", grace: "${vars.n * 2}"}
        timeout: ${vars.n}s
        background: ${vars.n > 1}
        steps: []
        """,
        "vars: {runner: process, method: spawn, n: 2, stop: terminate}",
    )
    assert (worker.executor, worker.options) == ("process", {"start_method": "spawn"})
    assert (worker.replicas, worker.stop, worker.timeout) == (2, Stop("terminate", 4.0), 2.0)
    assert worker.background is True


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ("executor: thread\nsteps: []\n§qeue: 1", 'unknown key "qeue" in worker "w"'),
        ("§executor: thread", 'worker "w" needs one of steps, call and command'),
        ("executor: thread\nsteps: []\n§call: 'a:b'", 'has both "steps" and "call"'),
        ("executor: thread\nsteps: []\n§args: [1]", '"args" belongs to "call"'),
        ("executor: thread\nsteps: []\n§kwargs: {}", '"kwargs" belongs to "call"'),
        ("executor: thread\nsteps: []\n§stdin: x", '"stdin" belongs to "command"'),
        ("executor: thread\nsteps: []\n§stdout: discard", '"stdout" belongs to "command"'),
        ("executor: pool\nsteps: []\njobs: 2\n§replicas: 2", 'has both "jobs" and "replicas"'),
        ("executor: pool\nreplicas: 2\nsteps: []\n§jobs: 2", 'has both "replicas" and "jobs"'),
        (STEPS + "replicas: §0", '"replicas" is a whole number from 1 to 10000, not 0'),
        (STEPS + "replicas: §10001", "from 1 to 10000"),
        (STEPS + "replicas: §two", 'not "two"'),
        (STEPS + "replicas: §${worker.replica}", "from vars and matrix only, not worker"),
        (STEPS + "background: §1", '"background" is true or false, not 1'),
        (STEPS + "stop: §terminate", '"stop" is a mapping with action, grace'),
        (STEPS + "stop: {action: §kill}", '"action" is drain or terminate, not "kill"'),
        (STEPS + "stop: {§graze: 1s}", 'did you mean "grace"?'),
        (STEPS + "restart: §always", '"restart" is a mapping with policy, max, backoff'),
        (STEPS + "restart: {policy: §on_failure}", 'did you mean "on-failure"?'),
        (STEPS + "restart: {max: §-1}", '"max" is a whole number from 0 on'),
        (STEPS + "restart: {backoff: §soon}", '"backoff" is a duration'),
        (STEPS + "timeout: §0s", '"timeout" is a duration'),
        (STEPS + "expect: §{always: x}", '"expect" is a list of expectations'),
        ("executor: thread\nsteps:§", '"steps" is a list of steps, not nothing'),
        ("executor: thread\nsteps: §{put: q}", '"steps" is a list of steps, not a mapping'),
        ("executor: thread\ncall: §print", '"call" is a callable "module:function", not "print"'),
        ("executor: thread\ncall: §a.b.c", "module:function"),
        ("executor: thread\ncall: §[a]", "module:function"),
    ],
)
def test_wrong_workers(keys: str, words: str) -> None:
    """What is wrong in a worker, at its place."""
    refused(with_keys(keys), words)


def test_a_misspelt_executor_is_unknown_and_missing() -> None:
    """Both faults stand at the first key."""
    found = [fault.message for fault in faults(with_keys("executer: thread\nsteps: []"))]
    assert found[0] == 'unknown key "executer" in worker "w"; did you mean "executor"?'
    assert found[1].startswith('worker "w" needs an "executor", here or at the top')


@pytest.mark.parametrize("name", ["a", "a-b", "a_1", "été", "a--b"])
def test_names_of_workers(name: str) -> None:
    """Worker names are identifiers that may hold hyphens."""
    made = scenario(f"workers: {{{name}: {{executor: thread, steps: []}}}}")
    assert list(made.workers) == [name]


@pytest.mark.parametrize("name", ["_a", "-a", "1a", "a b", "a.b", '""'])
def test_names_that_are_none(name: str) -> None:
    """A worker's name begins with a letter and holds no dot or blank."""
    refused(f"workers: {{§{name}: {{executor: thread, steps: []}}}}", "a name")


def test_the_order_of_workers_is_kept() -> None:
    """Workers start in the order of the file."""
    made = scenario("executor: thread\nworkers: {c: {steps: []}, a: {steps: []}, b: {steps: []}}")
    assert list(made.workers) == ["c", "a", "b"]


def test_expectations_of_a_worker() -> None:
    """They know the worker's facts without a prefix."""
    worker = worker_of(STEPS + "expect:\n  - state == 'failed' and workers.w.restarts == 0\n")
    (expectation,) = worker.expect
    assert (expectation.worker, expectation.kind) == ("w", "always")
    assert expectation.text == "state == 'failed' and workers.w.restarts == 0"
    refused(
        with_keys(STEPS + "expect:\n  - §stat == 'failed'\n"),
        'unknown name "stat"; did you mean "state"?',
    )


def test_replicas_are_counted_together() -> None:
    """Ten thousand are enough for a file, however many workers share them."""
    worker = "{executor: thread, replicas: %s, steps: []}"
    some = f"workers: {{a: {worker % 4_000}, b: {worker % 6_000}, c: {worker % '§1'}}}"
    refused(some, "the workers of a file have at most 10,000 replicas together")
