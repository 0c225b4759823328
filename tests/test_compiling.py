from __future__ import annotations

import pickle
from typing import Any

import pytest

from advancing import Walk, ended, failed
from loads import SPECS, scenario, with_steps
from scenarios.answers import TIMED_OUT, WOULD_BLOCK
from scenarios.plan import make
from scenarios.program import Operation, advance
from scenarios.program.instructions import OPERATE

TOP = """
    vars: {name: q, wait: 2s, pair: {a: 1, b: 2}}
    queues: {q: {}, small: {maxsize: 1}}
    locks: {guard: {}}
    semaphores: {permits: {}}
    conditions: {ready: {lock: guard}, own: {}}
    barriers: {gate: {parties: 1}}
    flags: {stop: {}}
    values: {count: 1, other: 10}
"""


def first(step: str) -> Operation:
    """The operation of a worker's first step."""
    operation = advance(Walk("- " + step, TOP).frame)
    assert operation is not None
    return operation


@pytest.mark.parametrize(
    ("step", "done"),
    [
        ("{put: q, value: [1, a]}", ["put q [1, 'a']"]),
        ("{put: '${vars.name}', value: 1}", ["put q 1"]),
        ("{size: q, into: n}", ["size q"]),
        ("{acquire: permits}", ["acquire permits"]),
        ("{with: guard, steps: [{log: a}]}", ["acquire guard", "log a", "release guard"]),
        ("{with: ready, steps: []}", ["acquire ready", "release ready"]),
        ("{wait: gate}", ["wait gate"]),
        ("{set_flag: stop}", ["set_flag stop"]),
        ("{clear_flag: stop}", ["clear_flag stop"]),
        ("{read: count, into: n}", ["read count"]),
        ("{write: count, value: {a: 1}}", ["write count {'a': 1}"]),
        ("{update: count, to: old + 1, into: n}", ["update count"]),
        ("{sleep: 250ms}", ["sleep 0.25"]),
        ("{sleep: {min: 0s, max: 1s}}", ["sleep (0.0, 1.0)"]),
        ("{log: hello, level: debug}", ["log hello"]),
        ("{log: hello, who: '${worker.name}'}", ["log ('hello', {'who': 'w'})"]),
        ("{call: 'm:f'}", ["call m:f ([], {})"]),
        ("{call: 'm:f', args: [1], kwargs: {a: '${vars.name}'}}", ["call m:f ([1], {'a': 'q'})"]),
        ("{run: [ls, '${vars.name}']}", ["run ['ls', 'q']"]),
        ("{run: [cat], stdin: text}", ["run (['cat'], 'text')"]),
        ("{if: 'vars.name == 1', steps: [{fail: a}], else: [{log: b}]}", ["log b"]),
        ("{repeat: 2, steps: [{log: a}]}", ["log a", "log a"]),
        ("{for_each: [1, 2], as: n, steps: [{log: '${n}'}]}", ["log 1", "log 2"]),
        ("{for_each: '${vars.pair}', as: k, steps: [{log: '${k}'}]}", ["log a", "log b"]),
        ("{for_each: [], steps: [{fail: a}]}", []),
    ],
)
def test_each_kind_of_step(step: str, done: list[str]) -> None:
    """What is done, with its argument."""
    assert ended("- " + step, TOP).done == done


@pytest.mark.parametrize(
    ("step", "timeout"),
    [
        ("{get: q}", None),
        ("{get: q, timeout: 1500ms}", 1.5),
        ("{get: q, timeout: '${vars.wait}'}", 2.0),
        ("{get: q, block: false}", 0),
        ("{get: q, block: false, timeout: 1s}", 0),
        ("{put: small, value: 1, timeout: 1s}", 1.0),
        ("{join: q, timeout: 1s}", 1.0),
        ("{acquire: guard, timeout: 0s}", 0),
        ("{wait: stop, timeout: 1s}", 1.0),
        ("{run: [ls], timeout: 1s}", 1.0),
    ],
)
def test_times(step: str, timeout: float | None) -> None:
    """Seconds to wait, none without a limit."""
    walk = Walk("- " + step, TOP)
    assert advance(walk.frame) is not None
    assert walk.frame.timeout == timeout


@pytest.mark.parametrize("kind", ["{get: q, timeout: '${t}'}", "{wait: stop, timeout: '${t}'}"])
@pytest.mark.parametrize("value", ["-1", "True", "[1]", "'soon'", "1e999", "1e999 - 1e999"])
def test_times_that_are_none(kind: str, value: str) -> None:
    """A computed time is checked when it is used."""
    assert "duration" in failed(f'- set: {{t: "${{{value}}}"}}\n- {kind}', TOP).lower()


@pytest.mark.parametrize(
    ("count", "argument"),
    [("", 1), (", count: 3", 3), (", count: all", None), (", count: '${1 + 1}'", 2)],
)
def test_how_many_are_notified(count: str, argument: int | None) -> None:
    """One, so many, all, or a number that is computed."""
    walk = Walk(f"- {{notify: own{count}}}", TOP)
    assert advance(walk.frame) is not None
    assert walk.frame.argument == argument


def test_a_notify_of_a_computed_number() -> None:
    """Of variables, and of the word all."""
    walk = ended(
        """
        - set: {n: 0, every: all}
        - with: own
          steps:
            - notify: own
              count: ${n}
            - notify: own
              count: ${every}
        """,
        TOP,
    )
    assert walk.done[1:3] == ["notify own 0", "notify own all"]


def test_a_step_knows_its_place() -> None:
    """For the log and for messages."""
    operation = first("{get: q}")
    assert (operation.line, operation.name, operation.verb) == (13, "get", "get")
    assert (operation.section, operation.object) == ("queues", "q")


READS = "${values.count} ${flags.stop} ${values.other}"


@pytest.mark.parametrize(
    ("step", "last"),
    [
        (f"{{put: q, value: '{READS}'}}", "put q 1 False 10"),
        (f"{{write: count, value: '{READS}'}}", "write count 1 False 10"),
        (f"{{log: '{READS}'}}", "log 1 False 10"),
        ("{log: '${values.count} ${flags.stop}', other: '${values.other}'}", "log ('1 False', "),
        ("{call: 'm:f', kwargs: {a: '${values.other}'},args: ['${values.count}', '${flags.stop}']}",
         "call m:f ([1, False], {'a': 10})"),
        ("{run: ['${values.count}', '${flags.stop}'], stdin: '${values.other}'}",
         "run (['1', 'false'], '10')"),
        ("{update: count, to: '(old, values.count, flags.stop, values.other)'}", "update count"),
        ("{if: 'values.count and not flags.stop and values.other', steps: [{log: x}]}", "log x"),
        ("{repeat: '${values.count + flags.stop + values.other - 10}', steps: [{log: x}]}",
         "log x"),
        ("{for_each: ['${values.count}', '${flags.stop + values.other}'], steps: [{log: x}]}",
         "log x"),
        ("{set: {a: '${values.count}', b: '${flags.stop}', c: '${values.other}'}}",
         "read other"),
        (f"{{return: '{READS}'}}", "read other"),
        ("{get: q, timeout: '${values.count + flags.stop + values.other}'}", "get q"),
    ],
)  # fmt: skip
def test_reads_come_before_what_they_are_for(step: str, last: str) -> None:
    """Each mention is a read of its own, from left to right."""
    walk = Walk("- " + step, TOP, get="x")
    walk.run()
    assert walk.done[:3] == ["read count", "read stop", "read other"]
    assert walk.done[-1].startswith(last)
    assert len(walk.done) <= 5


def test_a_while_reads_at_each_test() -> None:
    """Also at the last one, which ends it."""
    walk = ended(
        """
        - while: values.count < 3
          steps:
            - {update: count, to: old + 1}
        """,
        TOP,
    )
    assert walk.done == ["read count", "update count"] * 2 + ["read count"]


def test_every_mention_is_a_read() -> None:
    """Two mentions can differ."""
    walk = ended("- return: ${[values.count, values.count]}", TOP, read=[1, 2])
    assert walk.frame.end is not None
    assert walk.frame.end.value == [1, 2]


def test_a_message_is_read_only_when_it_is_said() -> None:
    """An assert that holds reads what it asserts."""
    step = "- {{assert: {what}, message: 'it is ${{values.other}}'}}"
    assert ended(step.format(what="values.count"), TOP).done == ["read count"]
    walk = Walk(step.format(what="not values.count"), TOP)
    assert walk.run().value == "it is 10"
    assert walk.done == ["read count", "read other"]


def test_an_assert_without_a_message_says_what_failed() -> None:
    """As it was written."""
    assert failed("- {assert: 1 + 1 == 3}") == "assertion failed: 1 + 1 == 3"
    assert failed("- {assert: \"'${' == 1\"}") == "assertion failed: '${' == 1"


@pytest.mark.parametrize("answer", [TIMED_OUT, WOULD_BLOCK])
@pytest.mark.parametrize(
    "step",
    ["{put: q, value: 1", "{get: q, into: x", "{acquire: guard", "{wait: stop", "{wait: gate",
     "{wait: own", "{run: [ls], into: x"],
)  # fmt: skip
def test_otherwise(step: str, answer: Any) -> None:
    """Its steps take the place of the failure, and only then."""
    wait = "" if "run" in step or "wait" in step else ", block: false"
    steps = f"- {step}{wait}, otherwise: [{{log: late}}]}}\n- log: next"
    kind = step[1:].partition(":")[0]
    late = Walk(steps, TOP, **{kind: answer})
    assert late.run().why == "returns"
    assert late.logged == ["late", "next"]
    done = Walk(steps, TOP, **{kind: True})
    done.run()
    assert done.logged == ["next"]
    without = Walk(f"- {step}}}", TOP, **{kind: answer})
    assert without.run().why == "fails"


def test_resources_of_a_replica() -> None:
    """A name with arithmetic is another resource in each replica."""
    planned = make(
        scenario(
            """
            vars: {queues: [left, right]}
            queues: {q0: {}, q1: {}, left: {}, right: {}}
            workers:
              w:
                executor: thread
                replicas: 2
                steps:
                  - put: q${(worker.replica + 1) % 2}
                    value: 1
                  - get: ${vars.queues[worker.replica]}
                  - with: q
                    steps: []
            locks: {q: {}}
            """
        ),
        specs=SPECS,
    )
    names = []
    for worker in planned.workers:
        assert worker.program is not None
        names.append([step[1].object for step in worker.program.instructions if step[0] == OPERATE])
    assert names == [["q1", "left", "q", "q"], ["q0", "right", "q", "q"]]


def test_a_program_travels() -> None:
    """Pickled and back it does the same."""
    steps = "- {get: q, timeout: 1s, otherwise: [{log: a}]}\n- {put: q, value: [1]}"
    walk = Walk(steps, TOP)
    planned = make(scenario(with_steps(steps, TOP)), specs=SPECS)
    program = pickle.loads(pickle.dumps(planned.workers[0].program))
    walk.frame.instructions = program.instructions
    assert walk.run().why == "returns"
    assert walk.done == ["get q", "log a", "put q [1]"]
    assert program.variables == ()


def test_variables_of_a_program() -> None:
    """Every name that a step sets."""
    planned = make(
        scenario(
            with_steps(
                """
                - {set: {b: 1, a: 2}}
                - {get: q, into: c}
                - {for_each: [1], as: d, steps: [{update: count, to: old, into: e}]}
                - {try: [], except: []}
                """,
                TOP,
            )
        ),
        specs=SPECS,
    )
    assert planned.workers[0].program is not None
    assert planned.workers[0].program.variables == ("a", "b", "c", "d", "e", "error")
