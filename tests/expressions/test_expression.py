"""Evaluation, its errors, and expressions on their way to other processes."""

from __future__ import annotations

import pickle
import subprocess
import sys
import textwrap
from importlib.util import MAGIC_NUMBER
from typing import Any

import pytest

from evaluating import failure, value_of
from scenarios.expressions import (
    EvaluationError,
    Expression,
    compile_expression,
    compile_template,
    prepare,
)

NAMES: dict[str, Any] = {
    "n": 0,
    "xs": [1],
    "job": {"item": {"who": "Ann"}},
    "live": object(),
    "deep": [],
}

FAILURES = {
    "1 / n": "division by zero in `1 / n`",
    "n + missing": '"missing" has no value yet in `n + missing`',
    "job.item.whom": 'no "whom" in job.item',
    "[job.item['whom'] + 'x' for x in xs]": 'no "whom" in job.item',
    "{1: 2}[3]": "no 3 in {1: 2}",
    "n.who": 'no "who" in n, which is not a mapping',
    "xs.who + 1": 'no "who" in xs, which is not a mapping',
    "live.who": 'no "who" in live, which is not a mapping',
    "~xs": "~ takes a whole number, not a list, in `~xs`",
    "xs[7]": "list index out of range in `xs[7]`",
    "n + 'a'": "unsupported operand type(s) for +: 'int' and 'str' in `n + 'a'`",
    "n < 'a'": "'<' not supported between instances of 'int' and 'str' in `n < 'a'`",
    "n.upper()": "upper is a method of text, not of an int, in `n.upper()`",
    "xs * 1.5": "cannot multiply a list by a float in `xs * 1.5`",
    "live * 2": "cannot multiply an object by an int in `live * 2`",
    "live % 2": "% takes two numbers, not an object and an int in `live % 2`",
    "'%d' % n": "\"%\" does not format text here, use an f-string, in `'%d' % n`",
    "(n - 1) ** 0.5": "the result is not a real number in `(n - 1) ** 0.5`",
    "[x for x in n]": "an int cannot be looped over in `[x for x in n]`",
    "[*live]": "an object is not plain data and cannot be looped over in `[*live]`",
    "{**xs}": "a list is not a mapping in `{**xs}`",
    "f'{live}'": "an object is not plain data and has no text in `f'{live}'`",
    "f'{xs:>5}'": "a list takes no format in `f'{xs:>5}'`",
    "','.join([n])": "join takes texts, not an int, use str(...), in `','.join([n])`",
    "'a'.replace('a', n)": "replace takes two texts, not a str and an int, in `'a'.repl",
    "sum([[1]], [])": "sum adds numbers and cannot start from a list in `sum([[1]], [])`",
    "int('x')": "invalid literal for int() with base 10: 'x' in `int('x')`",
    "round('a')": "round takes a number, not a str in `round('a')`",
    "max([])": "",  # Python's own words differ between its versions
    "{xs: 1}": "unhashable type: 'list' in `{xs: 1}`",
    "float(10 ** 400)": "int too large to convert to float in `float(10 ** 400)`",
    "str(10 ** 4199 + 10 ** 4199) + n": "",
    "1 << -1": "negative shift count in `1 << -1`",
    "deep[0] == deep[1]": "values are nested too deeply in `deep[0] == deep[1]`",
}


@pytest.mark.parametrize("text", FAILURES)
def test_failure(text: str) -> None:
    """A failed evaluation says in one sentence what is wrong with which expression."""
    names = NAMES | {"deep": nested(100_000)}
    assert failure(text, **names).startswith(FAILURES[text])


def nested(levels: int) -> list[Any]:
    """Lists in lists, and beside them the same once more."""
    left: list[Any] = []
    right: list[Any] = []
    for _ in range(levels):
        left, right = [left], [right]
    return [left, right]


def test_failure_in_a_long_text() -> None:
    """Of a long expression only the part that failed is shown."""
    text = "xs[0] + " * 20 + "1 / n + " + "xs[0] + " * 20 + "1"
    assert failure(text, **NAMES) == "division by zero in `1 / n`"


def test_failure_in_a_template() -> None:
    """The expression at fault is shown, not the others."""
    made = compile_template({"a": "${xs}", "b": ["é ${n} ${\n1 /\n n}"]})
    assert failure(made, **NAMES) == "division by zero in `1 / n`"


def test_unknown_failure() -> None:
    """Whatever an object from a call raises becomes an EvaluationError."""

    class Odd:
        def __add__(self, other: object) -> object:
            raise OSError("Gone\naway.")

    assert failure("odd + 1", odd=Odd()) == "gone away in `odd + 1`"


def test_stopping_passes() -> None:
    """What is no error, such as Ctrl-C, is let through."""

    class Stopping:
        def __add__(self, other: object) -> object:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        value_of("n + 1", n=Stopping())


def test_wrong_number_of_reads() -> None:
    """Values for reads must be as many as the reads."""
    names: dict[str, Any] = {}
    prepare(names)
    with pytest.raises(EvaluationError):
        compile_expression("values.a").evaluate(names, [])
    assert list(names) == ["__builtins__"]


def test_immutable() -> None:
    """An expression does not change, and two of the same text are equal."""
    made = compile_expression("n + 1")
    with pytest.raises(AttributeError):
        made.source = "n"
    assert made == compile_expression("n + 1")
    assert hash(made) == hash(compile_expression("n + 1"))
    assert made != compile_expression("n+1")
    assert compile_template(1) != compile_template(True)
    assert made != "n + 1"
    assert repr(made) == "<Expression 'n + 1'>"


SENT: list[Expression] = [
    compile_expression("sum(x * n for x in xs) + values.a"),
    compile_expression("[f'{x:>3}' for x in xs]"),
    compile_template({"a": ["${n}", "x${n}", "$${"], "b": None}),
    compile_template("constant"),
    compile_template("${[1, {2}]}"),
    compile_expression("1 / 0"),
]


@pytest.mark.parametrize("made", SENT, ids=repr)
@pytest.mark.parametrize("magic", [MAGIC_NUMBER, b"other"])
def test_pickle(made: Expression, magic: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """An expression is the same after a journey, also to another Python."""
    with monkeypatch.context() as patch:
        patch.setattr("scenarios.expressions.expression.MAGIC_NUMBER", magic)
        sent = pickle.dumps(made)
    back = pickle.loads(sent)
    assert made == back
    for name in ("source", "constant", "value", "reads", "free", "paths"):
        assert getattr(made, name) == getattr(back, name)
    names = {"n": 2, "xs": [1, 2], "values": {"a": 1}}
    if made.source == "1 / 0":
        assert failure(made) == failure(back)
    else:
        assert value_of(made, **names) == value_of(back, **names)


def test_no_parser_in_children() -> None:
    """A process that only evaluates needs neither `ast` nor the modules that compile."""
    sent = pickle.dumps(SENT[0])
    program = f"""
        import sys
        import scenarios.errors
        for name in ("ast", "difflib"):
            sys.modules[name] = None
        import pickle
        from scenarios.expressions import prepare
        made = pickle.loads({sent!r})
        names = {{"n": 2, "xs": [1, 2]}}
        prepare(names)
        assert made.evaluate(names, [4]) == 10
        mine = sorted(name for name in sys.modules if name.startswith("scenarios.expressions."))
        print(*(name.rpartition(".")[2] for name in mine))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr) == ("data errors expression functions guards words\n", "")
