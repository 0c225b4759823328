"""The sections that declare resources."""

from __future__ import annotations

from typing import Any

import pytest

from loads import refused, scenario
from scenarios.expressions import prepare
from scenarios.scenario import (
    BarrierDecl,
    ConditionDecl,
    FlagDecl,
    LockDecl,
    QueueDecl,
    SemaphoreDecl,
    ValueDecl,
)

WORKER = "workers: {w: {executor: thread, steps: []}}\n"


def test_defaults() -> None:
    """An empty declaration, with or without braces, has the defaults of format.md."""
    made = scenario(
        """
        queues: {q: {}, p: }
        locks: {a: {}}
        semaphores: {s: {}}
        conditions: {c: {}}
        barriers: {b: {parties: 3}}
        flags: {f: {}}
        values: {v: 0, n: }
        locals: {l: {}}
        workers: {w: {executor: thread, steps: []}}
        """
    )
    assert made.queues["q"] == QueueDecl("q", "fifo", 0, "get", False, 1, 10)
    assert made.queues["p"] == QueueDecl("p", line=1, column=17)
    assert made.locks["a"] == LockDecl("a", "lock", "release", 2, 9)
    assert made.semaphores["s"] == SemaphoreDecl("s", 1, True, 3, 14)
    assert made.conditions["c"] == ConditionDecl("c", None, 4, 14)
    assert made.barriers["b"] == BarrierDecl("b", 3, 5, 12)
    assert made.flags["f"] == FlagDecl("f", False, 6, 9)
    assert made.values == {"v": ValueDecl("v", 0, 7, 10), "n": ValueDecl("n", None, 7, 16)}
    assert made.locals["l"].call is None


def test_every_setting() -> None:
    """Each key of each section."""
    made = scenario(
        """
        vars: {size: 5}
        queues: {q: {kind: priority, maxsize: "${vars.size}", ack: task_done, sync: true}}
        locks: {a: {kind: rlock, on_owner_death: fail}}
        semaphores: {s: {permits: 0, bounded: false}}
        conditions: {c: {lock: a}}
        barriers: {b: {parties: "${vars.size + 1}"}}
        flags: {f: {set: true}}
        values: {v: {init: {a: 1}}, m: {a: {b: "${vars.size}"}}, t: "$${x}"}
        workers: {w: {executor: thread, steps: []}}
        """
    )
    assert made.queues["q"] == QueueDecl("q", "priority", 5, "task_done", True, 2, 10)
    assert made.locks["a"] == LockDecl("a", "rlock", "fail", 3, 9)
    assert made.semaphores["s"] == SemaphoreDecl("s", 0, False, 4, 14)
    assert made.conditions["c"].lock == "a"
    assert made.barriers["b"].parties == 6
    assert made.flags["f"].set is True
    assert [value.init for value in made.values.values()] == [{"a": 1}, {"a": {"b": 5}}, "${x}"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("queues: {q: {§maxsze: 1}}", 'unknown key "maxsze" in queue "q"; did you mean "maxsize"?'),
        ("queues: {q: {kind: §filo}}", '"kind" is fifo, lifo or priority, not "filo"; did you'),
        ("queues: {q: {maxsize: §-4}}", "from 0 on, not -4 (negative)"),
        ("queues: {q: {maxsize: §true}}", "not true (a boolean is no number)"),
        ("queues: {q: {maxsize: §1.0}}", "not 1.0"),
        ('queues: {q: {maxsize: §"3"}}', 'not "3" (text)'),
        ("queues: {q: {ack: §yes}}", '"ack" is get, task_done or none'),
        ("queues: {q: {sync: §yes}}", '"sync" is true or false, not "yes"'),
        ("queues: {q: §[]}", 'queue "q" is a mapping with kind, maxsize, ack, sync, not a list'),
        ("locks: {a: {kind: §mutex}}", '"kind" is lock or rlock'),
        ("locks: {a: {on_owner_death: §ignore}}", '"on_owner_death" is release or fail'),
        ("semaphores: {s: §3}", 'semaphore "s" is a mapping with permits, bounded, not 3'),
        ("semaphores: {s: {permits: §-1}}", '"permits" is a whole number from 0 on'),
        ("barriers: {b: §{}}", 'barrier "b" lacks the key "parties"'),
        ("barriers: {b: {parties: §0}}", '"parties" is a whole number from 1 on, not 0'),
        ("flags: {f: {set: §1}}", '"set" is true or false, not 1'),
        ("flags: {f: §true}", 'flag "f" is a mapping with set, not true'),
        ("conditions: {c: {lock: §a}}", 'no lock "a"; declare it under "locks"'),
        ("conditions: {c: {lock: §q}}\nqueues: {q: {}}", '"q" is a queue, not a lock'),
        ("conditions: {c: {lock: §gard}}\nlocks: {guard: {}}", 'did you mean "guard"?'),
        ("queues: {q: {maxsize: §'${vars.x}'}}", 'no var "x"; there is none'),
        ("queues: {q: {maxsize: §'${n}'}}", "settled at load, from vars and matrix only, not n"),
        ("queues: {q: {maxsize: §'${env.N}'}}", '"env" stands in "vars"'),
        ("queues: {q: {maxsize: §'${1/0}'}}", "division by zero"),
        ("values: {v: §'${n}'}", 'value "v" is settled at load'),
    ],
)
def test_wrong_declarations(line: str, words: str) -> None:
    """What is wrong in a declaration is told at its place."""
    refused(f"{line}\n{WORKER}", words)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("_q", "a name does not start with an underscore"),
        ("a-b", "a name is letters, digits and underscores"),
        ("1a", "a name is letters, digits and underscores"),
        ("a b", "a name is letters"),
        ('""', "a name is letters"),
        ("a.b", "a name is letters"),
        ("ﬁ", "a name is letters"),
    ],
)
def test_names_of_resources(name: str, words: str) -> None:
    """Names are identifiers without an underscore in front."""
    refused(f"queues: {{§{name}: {{}}}}\n{WORKER}", words)
    refused(f"locals: {{l: {{§{name}: 1}}}}\n{WORKER}", words)


def test_unusual_names_that_are_names() -> None:
    """Letters of any script, and words of Python, are names."""
    assert list(scenario(f"queues: {{in: {{}}, été: {{}}, q_1: }}\n{WORKER}").queues) == [
        "in",
        "été",
        "q_1",
    ]


def test_one_name_is_one_resource() -> None:
    """The second declaration of a name, in the order of the file, is told."""
    refused(
        f"""
values: {{a: 1, q: 2}}
queues:
  §a: {{}}
  b: {{}}
locks: {{§b: {{}}, §q: {{}}}}
{WORKER}""",
        'queue "a" has the name of the value at line 1; one name stands for one resource',
        'lock "b" has the name of the queue at line 4',
        'lock "q" has the name of the value at line 1',
    )


def test_a_worker_may_have_the_name_of_a_resource() -> None:
    """Workers are no resources."""
    assert scenario("queues: {w: {}}\n" + WORKER).queues["w"].name == "w"


def made_local(text: str) -> Any:
    """The one thread-local of a declaration."""
    return scenario(f"vars: {{n: 2}}\nlocals: {{l: {text}}}\n{WORKER}").locals["l"]


def test_locals_with_attributes() -> None:
    """Attributes are evaluated when a thread first uses them."""
    local = made_local("{a: 1, b: '${vars.n + 1}', c: ['${worker.name}']}")
    names = {"vars": {"n": 2}, "worker": {"name": "w"}}
    prepare(names)
    assert local.attributes.evaluate(names) == {"a": 1, "b": 3, "c": ["w"]}
    assert (local.call, local.args, local.close) == (None, None, None)


def test_locals_made_by_a_call() -> None:
    """One object for each thread."""
    local = made_local(
        "{call: 'sqlite3:connect', args: [':memory:'], kwargs: {a: 1}, close: close}"
    )
    assert (local.call, local.close, local.attributes) == ("sqlite3:connect", "close", None)
    assert local.args.value == [":memory:"]
    assert local.kwargs.value == {"a": 1}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("§5", 'local "l" is a mapping of attributes, or one with call, not 5'),
        ("{call: §sqlite3.connect}", '"call" is a callable "module:function"'),
        ("{call: 'a:b', §arg: [1]}", 'unknown key "arg" in local "l"; did you mean "args"?'),
        ("{call: 'a:b', args: §{a: 1}}", '"args" is a list, not a mapping'),
        ("{call: 'a:b', kwargs: §[1]}", '"kwargs" is a mapping, not a list'),
        ("{call: 'a:b', close: §a.b}", '"close" is the name of a method'),
        ("{a: §'${n}'}", 'unknown name "n"'),
        ("{a: §'${values.v}'}", "unknown name"),
        ("{a: [§'${vars.m}']}", 'no var "m"; there are n'),
        ("{a: §'${'}", '"${" without its "}"'),
    ],
)
def test_wrong_locals(text: str, words: str) -> None:
    """What is wrong in a thread-local."""
    refused(f"vars: {{n: 2}}\nlocals: {{l: {text}}}\n{WORKER}", words)
