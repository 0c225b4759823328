"""Expectations: their shape, and the names that they know."""

from __future__ import annotations

import pytest

from loads import plugins, refused, scenario
from scenarios.scenario import Expectation

FILE = """
vars: {n: 2}
matrix: {size: [1]}
queues: {q: {}}
locks: {guard: {}}
semaphores: {sem: {}}
flags: {flag: {}}
values: {val: 0}
locals: {stub: {number: 0}}
workers:
  w: {executor: thread, steps: []}
  r: {executor: thread, replicas: 3, steps: []}
  a-b: {executor: thread, steps: []}
  p: {executor: pool, jobs: 2, steps: []}
expect:
"""


def expectation(item: str) -> Expectation:
    """The one expectation of a file."""
    (one,) = scenario(f"{FILE}  - {item}\n").expect
    return one


def test_a_text_is_always() -> None:
    """An expression alone must hold always."""
    one = expectation("workers.w.state == 'failed'  # why")
    assert (one.kind, one.condition, one.name, one.worker) == ("always", None, None, None)
    assert one.text == one.expression.source == "workers.w.state == 'failed'"
    assert (one.line, one.column) == (15, 5)


@pytest.mark.parametrize("kind", ["always", "sometimes", "never"])
def test_kinds(kind: str) -> None:
    """Each kind, with a condition and a name."""
    one = expectation(f"{{{kind}: values.val > 1, if: vars.n == matrix.size, name: small}}")
    assert (one.kind, one.name, one.text) == (kind, "small", "values.val > 1")
    assert one.condition is not None
    assert one.condition.source == "vars.n == matrix.size"


@pytest.mark.parametrize(
    "text",
    [
        "run.state == 'succeeded' and run.duration < 8",
        "workers.w.state and workers.w.exit_code and workers.w.result.a.b and workers.w.results[0]",
        "workers.w.error or workers.w.stdout.strip() or workers.w.stderr or workers.w.restarts",
        "workers.w.duration > 0 and workers['a-b'].state == 'failed'",
        "workers.r[0].result and workers.r[-1].state and workers.r.state and workers.r.results",
        '"[workers.r[i].result for i in range(3)] == [0, 1, 2]"',
        "sorted(workers.p.results) == [0, 1]",
        "queues.q.put == queues.q.got and queues.q.left + queues.q.lost + queues.q.duplicated == 0",
        "queues.q.fifo",
        "locks.guard.acquired and locks.guard.contended and locks.guard.max_holders == 1",
        "locks.guard.max_wait < 0.1 and semaphores.sem.permits == 1",
        "flags.flag and values.val.deep[0] == vars.n + matrix.size",
        "locals.stub.made == locals.stub.closed",
        "found.deadlock or found.starvation or found.torn_write",
        "True",
        "true",
        "1",
    ],
)
def test_names_that_expect_knows(text: str) -> None:
    """Facts of the run, its workers and its resources."""
    assert scenario(f"{FILE}  - {text}\n", plugins(checkers=("torn_write",))).expect


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ("§wrokers.w.state", 'unknown name "wrokers"; did you mean "workers"?'),
        ("§w.state", "write workers.w"),
        ("§n == 2", "write vars.n"),
        ("§q.left", "write queues.q"),
        ("§state == 'failed'", 'unknown name "state"; known are run, workers, found'),
        ("§workers.v.state", 'no worker "v" for workers.v; known are w, r, a-b, p'),
        ("§workers.w.stat", 'workers.w has no "stat"; did you mean "state"?'),
        ("§workers.w[0].state", 'worker "w" has no replicas'),
        ("§workers.r[3].state", 'worker "r" has replicas 0 to 2, not 3'),
        ("§workers.r[0].stat", 'workers.r[0] has no "stat"; did you mean "state"?'),
        ("§workers.a_b.state", "workers['a-b']"),
        ("§queues.p.left", 'no queue "p" for queues.p; known are q'),
        ("§queues.q.lefft", 'queues.q has no "lefft"; did you mean "left"?'),
        ("§queues.guard.left", 'no queue "guard"'),
        ("§locks.guard.holders", 'locks.guard has no "holders"; did you mean "max_holders"?'),
        ("§semaphores.sem.count", 'semaphores.sem has no "count"; known are permits'),
        ("§values.vall", 'no value "vall"'),
        ("§flags.flg", 'no flag "flg"'),
        ("§locals.stub.number", 'locals.stub has no "number"; known are made, closed'),
        ("§found.dedlock", 'no checker "dedlock" for found.dedlock; did you mean "deadlock"?'),
        ("§run.stat", 'run has no "stat"; did you mean "state"?'),
        ("§vars.m", 'no var "m"'),
        ("§worker.name == 'a'", 'unknown name "worker"; did you mean "workers"?'),
        ("{never: §found.data_rase}", 'did you mean "data_race"?'),
        ("{always: 1, if: §values.val}", 'unknown name "values"; did you mean "vars"?'),
        ("{always: 1, if: §vars.m}", 'no var "m"'),
        ("{§sometime: 1}", 'unknown key "sometime" in an expectation; did you mean "sometimes"?'),
        ("{always: 1, §never: 2}", "has one of always, sometimes and never, and this one has two"),
        ("{§name: x}", "and this one has none"),
        ("§{}", "and this one has none"),
        ("{always: 1, §wenn: 2}", 'unknown key "wenn" in an expectation'),
        ("{always: 1, name: §[x]}", '"name" is text, not a list'),
        ("§~", "an expectation is an expression, not nothing"),
        ("§[workers.w.state]", "an expectation is an expression, not a list; quote it"),
        ("{always: §{a: b}}", '"always" is an expression, not a mapping'),
        ("§workers.w.state =", "use == to compare"),
        ("§${vars.n}", "write it without ${}: vars.n"),
        ("§${vars.n} == ${vars.n}", "an expectation is an expression by itself; write it without"),
    ],
)
def test_refusals(item: str, words: str) -> None:
    """What is wrong in an expectation, at the start of its text."""
    refused(f"{FILE}  - {item}\n", words)


def test_expectations_are_a_list() -> None:
    """One expression alone is not a list."""
    refused(FILE.replace("expect:", "expect: §1 == 1"), '"expect" is a list of expectations')
