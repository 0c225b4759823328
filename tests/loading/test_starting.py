"""The values that are settled when a worker starts."""

from __future__ import annotations

from typing import Any

import pytest

from loads import refused, with_keys, worker_of
from scenarios.expressions import Expression, prepare
from scenarios.scenario import From, Ready, To

TOP = "vars: {n: 2, word: hi, words: [echo, hi]}\nqueues: {q: {}, q0: {}, q1: {}}\nvalues: {v: 0}"


def evaluated(expression: Expression | None, **names: Any) -> Any:
    """The value of an Expression over the vars of `TOP` and more."""
    assert expression is not None
    known = {"vars": {"n": 2, "word": "hi", "words": ["echo", "hi"]}, **names}
    prepare(known)
    return expression.evaluate(known)


def words_of(keys: str) -> list[Any]:
    """The words of a command, as text."""
    worker = {"name": "w", "replica": None}
    return [
        str(evaluated(word, worker=worker, run={"tmp": "/t"}))
        for word in worker_of(keys, TOP).command or ()
    ]


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("[sh, -c, 'exit 3']", ["sh", "-c", "exit 3"]),
        (
            "[sleep, 1.50, 007, true, no, 0x1F, '']",
            ["sleep", "1.50", "007", "true", "no", "0x1F", ""],
        ),
        ("[echo, '${vars.n}', 'a ${vars.word}']", ["echo", "2", "a hi"]),
        ("[echo, '${worker.name}', '${run.tmp}/x']", ["echo", "w", "/t/x"]),
        ("[echo, '$HOME', '$${x}', '$$']", ["echo", "$HOME", "${x}", "$$"]),
        ("'${vars.words}'", ["echo", "hi"]),
        ("[a, 'x\ty\u00e9']", ["a", "x\tyé"]),
    ],
)
def test_commands(command: str, words: list[str]) -> None:
    """Words are as they are written, with `${...}` filled in, and no shell sees them."""
    assert words_of(f"command: {command}") == words


def test_what_is_known_at_load_is_filled_in_at_load() -> None:
    """Texts over vars alone are constants."""
    worker = worker_of("command: [a, '${vars.word}', '${run.seed}']\nstdin: '${vars.n}'", TOP)
    assert [word.constant for word in worker.command or ()] == [True, True, False]
    assert isinstance(worker.stdin, Expression)
    assert (worker.stdin.constant, worker.stdin.value) == (True, 2)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ("command: §ls -l", "there is no shell: write [ls, -l]"),
        ("command: §[]", '"command" is empty'),
        ("command: §{a: b}", '"command" is a list of words, not a mapping'),
        ("command: [a, §[b]]", 'a word of "command" is text, not a list'),
        ("command: [a, §~]", "not nothing"),
        ('command: [a, §"b\\0"]', "cannot hold the character NUL"),
        ("command: [a, §'${x}']", 'unknown name "x"'),
        ("command: [a, §'${local.x}']", 'unknown name "local"'),
        ("command: [a, §'${values.v}']", 'unknown name "values"'),
        ("command: [a, §'${vars.wrd}']", 'no var "wrd"; did you mean "word"?'),
        ("command: [a, §'${worker.id}']", 'worker has no "id"'),
        ("command: [a, §'${job.index}']", 'unknown name "job"'),
        ("command: [a, §'${env.HOME}']", 'unknown name "env"'),
        ("command: [a, §'${1 +}']", "not an expression"),
        ("command: [a]\nstdin: §[x]", 'a word of "stdin" is text, not a list'),
        ("command: [a]\nstdin: {from: §p}", '"from" names "p", and there is no such queue'),
        ("command: [a]\nstdin: {§form: q}", 'unknown key "form" in "stdin"; did you mean "from"?'),
        ("command: [a]\nstdin: {from: §v}", '"from" takes a queue; "v" is a value'),
        ("command: [a]\nstdout: §{}", '"stdout" lacks the key "to"'),
        ("command: [a]\nstdout: §pipe", 'capture, inherit or discard, not "pipe"'),
        ("command: [a]\nstdout: {to: §p}", '"to" names "p"'),
        ("command: [a]\nstderr: §3", '"stderr", where it is not {to: queue}'),
        ("command: [a]\nenv: §[A]", '"env" is a mapping of variables to texts'),
        ("command: [a]\nenv: {A: §[b]}", 'a word of "A" is text'),
        ("command: [a]\nenv: {§A=B: c}", "cannot be the name of an environment variable"),
        ("command: [a]\nenv: {A: §'${env.NO_SUCH_ONE}'}", "variable NO_SUCH_ONE is not set"),
        ("command: [a]\nenv: {A: §'${env.HOME + worker.name}'}", "settled at load, from vars"),
        ("command: [a]\ncwd: §[x]", 'a word of "cwd" is text'),
        ("command: [a]\nready: §{}", '"ready" has exactly one of log, tcp, http, command'),
        ("command: [a]\nready: §up", '"ready" is a mapping with log, tcp, http'),
        ("command: [a]\nready: {log: a, §tcp: 'b:1'}", '"ready" has exactly one of'),
        ("command: [a]\nready: {§lag: a, log: b}", 'unknown key "lag"'),
        ("command: [a]\nready: {log: §'('}", '"log" is a regular expression, not "(": missing )'),
        ("command: [a]\nready: {tcp: §localhost}", '"tcp" is "host:port", not "localhost"'),
        ("command: [a]\nready: {tcp: §'a:99999'}", '"tcp" is "host:port"'),
        ("command: [a]\nready: {http: §'localhost:80'}", '"http" is a URL'),
        ("command: [a]\nready: {command: §ls}", '"command" is a list of words'),
        ("command: [a]\nready: {log: a, timeout: §0}", '"timeout" is a duration'),
        ("command: [a]\nready: {log: a, interval: §-1s}", '"interval" is a duration'),
    ],
)
def test_wrong_values(keys: str, words: str) -> None:
    """What is wrong in a value of a worker, at its place."""
    refused(with_keys(keys, TOP), words)


def test_streams() -> None:
    """Text, words and queues."""
    worker = worker_of("command: [a]\nstdin: {from: q}\nstdout: {to: q}\nstderr: discard", TOP)
    assert (worker.stdin, worker.stdout, worker.stderr) == (From("q"), To("q"), "discard")
    worker = worker_of("command: [a]\nstdin: 12\nstdout: inherit", TOP)
    assert isinstance(worker.stdin, Expression)
    assert (worker.stdin.value, worker.stdout) == ("12", "inherit")


def test_streams_of_replicas() -> None:
    """Each replica may have a queue of its own."""
    keys = "command: [a]\nreplicas: 2\nstdout: {to: 'q${worker.replica}'}"
    stdout = worker_of(keys, TOP).stdout
    assert isinstance(stdout, To)
    assert isinstance(stdout.queue, Expression)
    assert evaluated(stdout.queue, worker={"replica": 1}) == "q1"
    refused(
        with_keys("command: [a]\nreplicas: 3\nstdout: {to: §'q${worker.replica}'}", TOP),
        '"to" names "q2"',
    )
    refused(with_keys("command: [a]\nstdout: {to: §'q${worker.replica}'}", TOP), "has no replicas")


def test_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """`${env.NAME}` is filled in at load, beside what is known at start."""
    monkeypatch.setenv("TOWN", "Oslo ${x}")
    env = worker_of(
        """
        command: [a]
        env:
          PLAIN: 1.50
          HERE: "${env.TOWN}"
          BOTH: "${env.TOWN}/${worker.name} $${y} ${vars.word}"
        """,
        TOP,
    ).env
    assert {name: evaluated(text, worker={"name": "w"}) for name, text in env.items()} == {
        "PLAIN": "1.50",
        "HERE": "Oslo ${x}",
        "BOTH": "Oslo ${x}/w ${y} hi",
    }


def test_jobs() -> None:
    """A number counts from 0, a list gives its items."""
    pool = "executor: pool\nsteps: [{return: '${job.index}'}]\n"
    assert worker_of(pool + "jobs: 3").jobs == range(3)
    assert worker_of(pool + "jobs: 0").jobs == range(0)
    assert worker_of(pool + "jobs: [a, {b: [1]}]").jobs == ("a", {"b": [1]})
    assert worker_of(pool + "jobs: ['${vars.n}', '$${x}']", TOP).jobs == (2, "${x}")
    assert worker_of(pool + "jobs: ${vars.words}", TOP).jobs == ("echo", "hi")
    assert worker_of(pool + "jobs: ${list(range(vars.n))}", TOP).jobs == (0, 1)


@pytest.mark.parametrize(
    ("jobs", "words"),
    [
        ("§-1", '"jobs" is a whole number from 0 to 1000000, not -1'),
        ("§true", '"jobs" is a number of submissions or a list, not true'),
        ("§{a: 1}", '"jobs" is a number of submissions or a list, not a mapping'),
        ("§${vars.word}", 'not "hi"'),
        ("[§'${job.index}']", "is settled at load"),
    ],
)
def test_wrong_jobs(jobs: str, words: str) -> None:
    """What is wrong in jobs."""
    refused(with_keys(f"executor: pool\nsteps: []\njobs: {jobs}", TOP), words)


def test_ready() -> None:
    """Each probe, with its defaults and settings."""
    assert worker_of("command: [a]\nready: {log: 'up$'}", TOP).ready == Ready(
        log=worker_of("command: ['up$']").command[0],  # type: ignore[index]
        line=7,
        column=12,
    )
    ready = worker_of(
        "command: [a]\nready: {command: [nc, '${vars.word}'], interval: 50ms, timeout: 2}", TOP
    ).ready
    assert ready is not None
    assert [evaluated(word) for word in ready.command or ()] == ["nc", "hi"]
    assert (ready.interval, ready.timeout, ready.log) == (0.05, 2.0, None)
    for probe in ("tcp: 'localhost:80'", "tcp: '[::1]:80'", "http: 'https://x/y'"):
        assert worker_of(f"command: [a]\nready: {{{probe}}}").ready


def test_arguments_of_a_call_are_live_objects() -> None:
    """Each resource stands for its object; values and flags are not read."""
    worker = worker_of(
        """
        executor: process
        call: m:f
        args: ["${queues.q}", "${values.v}", 3, "${vars.word}"]
        kwargs: {a: "${worker.name}", b: ["${values.v}"]}
        """,
        TOP,
    )
    assert worker.args is not None
    assert worker.args.reads == ()
    assert evaluated(worker.args, queues={"q": "Q"}, values={"v": "V"}) == ["Q", "V", 3, "hi"]
    assert evaluated(worker.kwargs, worker={"name": "w"}, values={"v": "V"}) == {
        "a": "w",
        "b": ["V"],
    }
    assert evaluated(worker_of("executor: thread\ncall: m:f\nargs: ${vars.words}", TOP).args) == [
        "echo",
        "hi",
    ]


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ("args: §3", '"args" is a list, not 3'),
        ("args: §{a: 1}", '"args" is a list, not a mapping'),
        ("args: §'${vars.word}'", '"args" is a list, not "hi"'),
        ("kwargs: §[1]", '"kwargs" is a mapping, not a list'),
        ("args: [§'${queues.p}']", 'no queue "p" for queues.p; known are q'),
        ("args: [§'${qeues.q}']", 'unknown name "qeues"; did you mean "queues"?'),
        ("args: [1, {a: §'${n}'}]", 'unknown name "n"; write vars.n'),
        ("args: [§'${q}']", "write queues.q"),
    ],
)
def test_wrong_arguments(keys: str, words: str) -> None:
    """What is wrong in the arguments of a call."""
    refused(with_keys(f"executor: thread\ncall: m:f\n{keys}", TOP), words)
