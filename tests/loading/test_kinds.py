"""Each kind of step: its fields, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from loads import refused, scenario, steps_of, with_steps
from scenarios.expressions import Expression
from scenarios.scenario import Step

TOP = """
vars: {n: 2, name: q, wait: 1s, list: [a], map: {k: 1}, none: null}
queues: {q: {}, q0: {}, q1: {}}
locks: {guard: {}}
semaphores: {sem: {}}
conditions: {cond: {}}
barriers: {bar: {parties: 2}}
flags: {flag: {}}
values: {val: 0}
locals: {stub: {number: 0}, db: {call: "m:f"}}
"""


def plain(value: Any) -> Any:
    """A field for comparison: constants by value, other expressions by their source."""
    if isinstance(value, Expression):
        return value.value if value.constant else f"<{value.source}>"
    if isinstance(value, Step):
        return {value.kind: fields(value)}
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    return value


def fields(step: Step) -> dict[str, Any]:
    """The fields of a step that are not None."""
    return {key: plain(value) for key, value in step.fields.items() if value is not None}


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("{put: q, value: 1}", {"put": "q", "value": 1}),
        (
            "{put: q, value: [a, {b: '${vars.n}'}]}",
            {"put": "q", "value": "<['a', {'b': '${vars.n}'}]>"},
        ),
        (
            "{put: q, value: null, timeout: 1s, block: false}",
            {"put": "q", "value": None, "timeout": 1.0, "block": False},
        ),
        ("{put: '${vars.name}', value: x}", {"put": "q", "value": "x"}),
        ("get: q", {"get": "q"}),
        ("{get: q, into: item, timeout: 250ms}", {"get": "q", "into": "item", "timeout": 0.25}),
        ("{get: q, block: false, otherwise: []}", {"get": "q", "block": False, "otherwise": []}),
        ("{get: q, timeout: '${vars.wait}'}", {"get": "q", "timeout": 1.0}),
        ("{get: q, timeout: '${worker.replica}'}", {"get": "q", "timeout": "<${worker.replica}>"}),
        ("task_done: q", {"task_done": "q"}),
        ("{join: q, timeout: 2}", {"join": "q", "timeout": 2.0}),
        ("{size: q, into: n}", {"size": "q", "into": "n"}),
        ("acquire: guard", {"acquire": "guard"}),
        (
            "{acquire: sem, timeout: 1, block: true}",
            {"acquire": "sem", "timeout": 1.0, "block": True},
        ),
        ("release: cond", {"release": "cond"}),
        (
            "{with: guard, steps: [{release: sem}]}",
            {"with": "guard", "steps": [{"release": {"release": "sem"}}]},
        ),
        ("wait: flag", {"wait": "flag"}),
        ("{wait: bar, timeout: 0}", {"wait": "bar", "timeout": 0.0}),
        (
            "{wait: cond, otherwise: [{get: q}]}",
            {"wait": "cond", "otherwise": [{"get": {"get": "q"}}]},
        ),
        ("notify: cond", {"notify": "cond"}),
        ("{notify: cond, count: all}", {"notify": "cond", "count": "all"}),
        ("{notify: cond, count: 3}", {"notify": "cond", "count": 3}),
        ("{notify: cond, count: '${vars.n}'}", {"notify": "cond", "count": 2}),
        ("set_flag: flag", {"set_flag": "flag"}),
        ("clear_flag: flag", {"clear_flag": "flag"}),
        ("{read: val, into: x}", {"read": "val", "into": "x"}),
        ("{write: val, value: {a: 1}}", {"write": "val", "value": {"a": 1}}),
        ("{update: val, to: old + 1}", {"update": "val", "to": "<old + 1>"}),
        ("{update: val, to: 5, into: x}", {"update": "val", "to": 5, "into": "x"}),
        ("set: {a: 1, b: [x]}", {"set": [["a", 1], ["b", ["x"]]]}),
        ("set: {local.stub.number: 7}", {"set": [["local.stub.number", 7]]}),
        ("sleep: 1s", {"sleep": 1.0}),
        ("sleep: 0", {"sleep": 0.0}),
        ("sleep: ${vars.n}", {"sleep": 2.0}),
        ("sleep: ${worker.replica * 2}", {"sleep": "<${worker.replica * 2}>"}),
        ("sleep: {min: 0s, max: 1m}", {"min": 0.0, "max": 60.0}),
        (
            "sleep: {min: '${vars.n}', max: '${worker.replica}'}",
            {"min": 2.0, "max": "<${worker.replica}>"},
        ),
        ("log: text", {"log": "text", "level": "info"}),
        ("log: 12", {"log": 12, "level": "info"}),
        ("{log: x, level: warning}", {"log": "x", "level": "warning"}),
        (
            "{log: x, who: '${vars.n}', put: q, deep: {a: [1]}}",
            {
                "log": "x",
                "level": "info",
                "fields": {"who": "${vars.n}", "put": "q", "deep": {"a": [1]}},
            },
        ),
        ("call: m.n:f", {"call": "m.n:f"}),
        (
            "{call: 'm:f.g', args: [1], kwargs: {a: b}, into: x, pure: true}",
            {"call": "m:f.g", "args": [1], "kwargs": {"a": "b"}, "into": "x", "pure": True},
        ),
        ("{call: local.db.execute, args: ['x']}", {"call": "local.db.execute", "args": ["x"]}),
        ("{call: 'm:f', args: '${vars.list}'}", {"call": "m:f", "args": "<${vars.list}>"}),
        ("run: [ls, -l, 1.0]", {"run": ["ls", "-l", "1.0"]}),
        ("{run: '${vars.list}', into: x}", {"run": "<${vars.list}>", "into": "x"}),
        (
            "{run: [cat], stdin: '${vars.n}', timeout: 1s, otherwise: []}",
            {"run": ["cat"], "stdin": "<${vars.n}>", "timeout": 1.0, "otherwise": []},
        ),
        ("{for_each: [1, 2], as: x, steps: []}", {"for_each": [1, 2], "as": "x", "steps": []}),
        ("{for_each: {a: 1}, steps: []}", {"for_each": {"a": 1}, "steps": []}),
        ("{for_each: '${vars.map}', steps: []}", {"for_each": "<${vars.map}>", "steps": []}),
        ("{repeat: 3, steps: []}", {"repeat": 3, "steps": []}),
        ("{repeat: '${vars.n}', steps: []}", {"repeat": "<${vars.n}>", "steps": []}),
        ("{forever: , steps: [{break: }]}", {"steps": [{"break": {}}]}),
        (
            "{while: vars.n > 3, steps: [{continue: }]}",
            {"while": "<vars.n > 3>", "steps": [{"continue": {}}]},
        ),
        ("{while: true, steps: []}", {"while": True, "steps": []}),
        (
            "{if: vars.n, steps: [], else: [{get: q}]}",
            {"if": "<vars.n>", "steps": [], "else": [{"get": {"get": "q"}}]},
        ),
        ("{if: 1, steps: []}", {"if": 1, "steps": []}),
        (
            "{try: [{get: q}], except: [{log: '${error}'}], finally: []}",
            {
                "try": [{"get": {"get": "q"}}],
                "except": [{"log": {"log": "<${error}>", "level": "info"}}],
                "finally": [],
            },
        ),
        ("try: []", {"try": []}),
        (
            "{assert: vars.n == 2, message: 'not ${vars.n}'}",
            {"assert": "<vars.n == 2>", "message": "<not ${vars.n}>"},
        ),
        ("fail: no ${vars.n}", {"fail": "<no ${vars.n}>"}),
        ("return: {a: 1}", {"return": {"a": 1}}),
        ("return:", {}),
    ],
)
def test_fields(step: str, expected: dict[str, Any]) -> None:
    """A step's fields as the compiler gets them."""
    made = steps_of("- " + step, TOP)[0]
    if expected.get("value", 0) is None:
        assert made.fields["value"].constant
        del expected["value"]
    assert {key: value for key, value in fields(made).items() if value is not None} == expected


def test_absent_keys_are_none_and_places_are_kept() -> None:
    """Every key of the kind is there; the step's place is where it begins."""
    first, second = steps_of("- get: q\n- {log: a}", TOP)
    assert dict(first.fields) == dict.fromkeys(["get", "into", "timeout", "block", "otherwise"]) | {
        "get": "q"
    }
    assert (first.line, first.column) == (14, 9)
    assert (second.line, second.column) == (15, 9)


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (
            "{put: §p, value: 1}",
            '"put" names "p", and there is no such queue; declared are q, q0, q1',
        ),
        ("{put: §guard, value: 1}", '"put" takes a queue; "guard" is a lock'),
        ("{put: §3, value: 1}", '"put" names a queue, not 3'),
        ("{§put: q}", 'put lacks the key "value"'),
        ("{put: q, §valeu: 1}", 'unknown key "valeu" in step put; did you mean "value"?'),
        ("{put: q, value: 1, timeout: §soon}", '"timeout" of put is a duration'),
        ("{put: q, value: 1, block: §no}", '"block" of put is true or false, not "no"'),
        ("{put: q, value: 1, otherwise: §get}", '"otherwise" of put is a list of steps'),
        ("{get: q, into: §1}", '"into" of get is the name of a variable, not 1'),
        ("{get: q, into: §_x}", "a name does not start with an underscore"),
        ("{get: q, into: §a.b}", "a name is letters"),
        ("{get: q, into: §job}", '"job" is a word of the format and cannot be a variable'),
        ("{get: q, §otherwize: []}", 'did you mean "otherwise"?'),
        ("{get: q, timeout: §-1}", "not -1 (negative)"),
        ("{release: guard, §timeout: 1s}", 'unknown key "timeout" in step release'),
        ("{task_done: q, §into: x}", 'unknown key "into" in step task_done'),
        ("{join: §guard}", '"join" takes a queue; "guard" is a lock'),
        ("acquire: §q", '"acquire" takes a lock or a semaphore or a condition; "q" is a queue'),
        ("acquire: §gard", 'did you mean "guard"?'),
        ("{§with: guard}", 'with lacks the key "steps"'),
        ("{with: flag, steps: []}".replace("flag", "§flag"), '"flag" is a flag'),
        ("wait: §q", '"wait" takes a flag or a condition or a barrier; "q" is a queue'),
        ("wait: §sem", '"sem" is a semaphore'),
        ("{wait: flag, §block: false}", 'unknown key "block" in step wait'),
        ("notify: §flag", '"notify" takes a condition; "flag" is a flag'),
        ("{notify: cond, count: §0}", "is a whole number from 1 on, not 0"),
        ("{notify: cond, count: §every}", 'not "every"'),
        ("set_flag: §val", '"set_flag" takes a flag; "val" is a value'),
        ("read: §flag", '"read" takes a value; "flag" is a flag'),
        ("{§write: val}", 'write lacks the key "value"'),
        ("{§update: val}", 'update lacks the key "to"'),
        ("{update: val, to: §old +}", "not an expression"),
        ("{update: val, to: §'${old + 1}'}", "write it without ${}: old + 1"),
        ("{update: val, to: §[old]}", '"to" of update is an expression, not a list; quote it'),
        ("set: §{}", '"set" is a mapping of variables to values, not nothing'),
        ("set: §n", '"set" is a mapping of variables to values, not "n"'),
        ("set: {§vars: 1}", '"vars" is a word of the format'),
        ("set: {§a.b: 1}", "a name is letters"),
        ("set: {§local.stub: 1}", "a thread-local is set as local.NAME.attribute"),
        ("set: {§local.stab.number: 1}", 'no local "stab"; did you mean "stub"?'),
        ("set: {§local.stub.numbr: 1}", 'no attribute "numbr"; did you mean "number"?'),
        ("set: {§local.db.x: 1}", 'local "db" is an object made by a call'),
        ("sleep: §long", '"sleep" is a duration'),
        ("sleep: §true", "a boolean is no number"),
        ("sleep: §[1]", '"sleep" is a duration'),
        ("sleep: {§min: 1s}", '"sleep" lacks the key "max"'),
        ("sleep: {§min: 2s, max: 1s}", "min of sleep is longer than its max"),
        ("sleep: {min: 1s, max: 2s, §mean: 1s}", 'unknown key "mean" in "sleep"'),
        ("log: §[a]", '"log" is text, not a list'),
        ("log:§", '"log" is text, not nothing'),
        ("{log: x, level: §loud}", "debug, info, warning, error or critical"),
        ("call: §m.f", '"call" (or local.NAME.method) is a callable "module:function"'),
        ("call: §local.db", "calls a method as local.NAME.method"),
        ("call: §local.db._close", "calls a method as local.NAME.method"),
        ("call: §local.dbb.x", 'no local "dbb"; did you mean "db"?'),
        ("call: §local.stub.x", 'local "stub" holds attributes'),
        ("{call: 'm:f', args: §x}", '"args" of call is a list, not "x"'),
        ("{call: 'm:f', kwargs: §[x]}", '"kwargs" of call is a mapping, not a list'),
        ("{call: 'm:f', pure: §1}", '"pure" of call is true or false'),
        ("run: §ls -l", "write [ls, -l] for ls -l"),
        ("run: §[]", '"run" is empty'),
        ("run: [a, §~]", "not nothing"),
        ("{for_each: §letters, steps: []}", 'an expression is written "${letters}"'),
        ("{for_each: §5, steps: []}", '"for_each" is a list or a mapping, not 5'),
        ("{for_each: §'a ${vars.list}', steps: []}", "this is text around ${...}"),
        ("{for_each: §'${vars.n}', steps: []}", "a list or a mapping, not 2"),
        ("{§for_each: [1]}", 'for_each lacks the key "steps"'),
        ("{for_each: [1], §in: x, steps: []}", 'unknown key "in" in step for_each'),
        ("{repeat: §n, steps: []}", 'an expression is written "${n}"'),
        ("{repeat: §-1, steps: []}", "a whole number from 0 on, not -1"),
        ("{repeat: §true, steps: []}", "not true"),
        ("{repeat: §'${vars.name}', steps: []}", 'not "q"'),
        ("{repeat: §'${vars.m}', steps: []}", 'no var "m"'),
        ("{forever: §true, steps: []}", '"forever" takes no value, not true'),
        ("{forever: §[{get: q}], steps: []}", "its steps stand beside it"),
        ("§break:", "break stands in no loop"),
        ("{if: 1, steps: [§continue: ]}", "continue stands in no loop"),
        ("{forever: , steps: [{break: §now}]}", '"break" takes no value'),
        ("{while: §, steps: []}", '"while" is an expression, not nothing'),
        ("{while: §'${vars.n}', steps: []}", "write it without ${}: vars.n"),
        ("{§if: 1}", 'if lacks the key "steps"'),
        ("{if: §x =, steps: []}", "is not an operator here; use == to compare"),
        ("{if: 1, steps: [], else: §{get: q}}", '"else" of if is a list of steps'),
        ("try: §{get: q}", '"try" is a list of steps, not a mapping'),
        ("{try: [], §catch: []}", 'unknown key "catch" in step try'),
        ("{assert: §, message: x}", '"assert" is an expression, not nothing'),
        ("fail:§", '"fail" is text, not nothing'),
        ("{return: 1, §value: 2}", 'unknown key "value" in step return'),
    ],
)
def test_refusals(step: str, words: str) -> None:
    """What is wrong in a step, at its place."""
    refused(with_steps("- " + step, TOP), words)


def test_names_with_a_replica() -> None:
    """A resource's name may hold the replica's number; each one is checked."""
    steps = "- {put: 'q${worker.replica}', value: 1}"
    text = with_steps(steps, TOP).replace("executor: thread", "executor: thread\n    replicas: 2")
    put = (scenario(text).workers["w"].steps or ())[0].fields["put"]
    assert isinstance(put, Expression)
    wrong = text.replace("replicas: 2", "replicas: 3").replace("put: '", "put: §'")
    refused(wrong, '"put" names "q2", and there is no such queue; did you mean')
    refused(with_steps(steps.replace("put: '", "put: §'"), TOP), 'worker "w" has no replicas')
    refused(
        with_steps("- set: {n: 1}\n- {put: §'q${n}', value: 1}", TOP),
        "made of vars, matrix, worker.name and worker.replica only",
    )
    refused(with_steps("- get: §'q${worker.pid}'", TOP), "worker.replica only")
    refused(with_steps("- get: §'q${vars.m}'", TOP), 'no var "m"')
