"""Names in the expressions of a worker."""

from __future__ import annotations

import pytest

from loads import refused, scenario, steps_of, with_keys, with_steps

TOP = """
vars: {n: 2, letters: [a]}
matrix: {size: [1]}
queues: {q: {}}
values: {val: 0}
flags: {flag: {}}
locals: {stub: {number: 0}, db: {call: "m:f"}}
"""


@pytest.mark.parametrize(
    "text",
    [
        "${vars.n} ${vars['n']} ${vars.letters[0]} ${matrix.size}",
        "${worker.name} ${worker.replica} ${worker.pid} ${worker.thread}",
        "${run.id} ${run.seed} ${run.tmp}",
        "${local.stub.number} ${local.db}",
        "${values.val} ${flags.flag}",
        "${x} ${x.deep.er[0]} ${[y for y in x]} ${sum} ${len(x)}",
        "$${nothing} ${'nothing'}",
        "${vars} ${matrix}",
    ],
)
def test_what_a_worker_knows(text: str) -> None:
    """Its own variables and the words of the format."""
    assert steps_of(f"- set: {{x: 1, sum: 2}}\n- log: {text!r}".replace("\\'", "''"), TOP)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("${z}", 'no step of worker "w" sets "z"'),
        ("a ${x} ${ripe}", 'no step of worker "w" sets "ripe"'),
        ("${letter}", 'no step of worker "w" sets "letter"; did you mean vars.letters?'),
        ("${n}", 'no step of worker "w" sets "n"; write vars.n'),
        ("${size}", "write matrix.size"),
        ("${val}", "write values.val"),
        ("${vals.val}", 'did you mean "values"?'),
        ("${job.index}", '"job" is not known here: only a worker with "jobs" has one'),
        ("${old}", '"old" is not known here: it is the value before'),
        ("${error}", '"error" is not known here: it is the text of a failure'),
        ("${env.HOME}", '"env" is not known here: it stands in "vars"'),
        ("${queues.q.left}", '"queues" is not known here: it stands in "expect"'),
        ("${workers.w.state}", '"workers" is not known here'),
        ("${vars.m}", 'no var "m"; there are n, letters'),
        ("${vars.leters}", 'no var "leters"; did you mean "letters"?'),
        ("${matrix.sice}", 'no name in the matrix "sice"; did you mean "size"?'),
        ("${worker.nme}", 'worker has no "nme"; did you mean "name"?'),
        ("${run.folder}", 'run has no "folder"; known are id, seed, tmp'),
        ("${values.vall}", 'no value "vall" for values.vall; did you mean "val"?'),
        ("${flags.flg}", 'no flag "flg" for flags.flg; did you mean "flag"?'),
        ("${local.stubb}", 'no local "stubb" for local.stubb; did you mean "stub"?'),
        ("${local.stub.numbr}", 'local.stub has no "numbr"; did you mean "number"?'),
        ("${values}", "values.NAME"),
        ("${x", '"${" without its "}"'),
        ("${}", "an expression is missing"),
        ("${x.__class__}", "is not allowed"),
        ("${open('a')}", "open"),
        ("${x.append(1)}", "append"),
        ("${true}", "did you mean True?"),
        ("${x && y}", "use and"),
    ],
)
def test_what_it_does_not_know(text: str, words: str) -> None:
    """A name that nothing sets, a word in the wrong place, a text that is no expression."""
    quoted = '"' + text + '"'
    refused(with_steps(f"- set: {{x: 1, y: 2}}\n- log: §{quoted}", TOP), words)


@pytest.mark.parametrize(
    "setting",
    [
        "{get: q, into: x}",
        "{size: q, into: x}",
        "{read: val, into: x}",
        "{update: val, to: 1, into: x}",
        "{call: 'm:f', into: x}",
        "{run: [a], into: x}",
        "{for_each: [1], as: x, steps: []}",
        "{set: {x: 1}}",
        "{if: 0, steps: [{repeat: 0, steps: [{set: {x: 1}}]}]}",
        "{get: q, timeout: 0, otherwise: [{set: {x: 1}}]}",
        "{try: [], except: [], finally: [{set: {x: 1}}]}",
    ],
)
def test_every_step_that_sets_a_variable(setting: str) -> None:
    """A variable is known wherever a step of the worker sets it, before or behind."""
    assert steps_of(f"- log: ${{x}}\n- {setting}", TOP)
    other = with_steps("- log: ${x}", TOP) + f"\n  v: {{executor: thread, steps: [{setting}]}}\n"
    refused(other.replace("log: ", "log: §"), 'no step of worker "w" sets "x"')


def test_where_old_and_error_are_known() -> None:
    """`old` in `to`, `error` in the steps of an `except`, also below."""
    assert steps_of("- {update: val, to: old + x}\n- set: {x: 1}", TOP)
    assert steps_of("- {try: [], except: [{if: error == 'a', steps: [{log: '${error}'}]}]}", TOP)
    refused(with_steps("- {try: [], finally: [{log: §'${error}'}]}", TOP), '"error" is not known')
    refused(with_steps("- {write: val, value: §'${old}'}", TOP), '"old" is not known here')
    assert steps_of("- set: {error: 1}\n- log: ${error}", TOP)


def test_jobs_are_known_where_there_are_jobs() -> None:
    """`job.index` and `job.item`, and whatever an item holds."""
    pool = "executor: pool\njobs: 2\nsteps: [{log: '%s'}]"
    assert scenario(with_keys(pool % "${job.index} ${job.item.who.name}"))
    refused(with_keys(pool.replace("'%s'", "§'${job.number}'")), 'job has no "number"')


def test_live_objects_in_the_arguments_of_a_call_step() -> None:
    """Queues and the like go to a call; values are read, as everywhere in steps."""
    (step,) = steps_of("- {call: 'm:f', args: ['${queues.q}', '${values.val}']}", TOP)
    assert step.fields["args"].reads == (("values", "val"),)
    refused(with_steps("- {call: 'm:f', args: [§'${queues.p}']}", TOP), 'no queue "p" for queues.p')
    refused(with_steps("- {put: q, value: §'${queues.q}'}", TOP), '"queues" is not known here')


def test_a_variable_hides_nothing() -> None:
    """Words of the format cannot be variables, in whatever step."""
    for step in ("{get: q, into: §values}", "{for_each: [], as: §run, steps: []}"):
        refused(with_steps(f"- {step}", TOP), "is a word of the format and cannot be a variable")
