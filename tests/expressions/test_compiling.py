"""Templates: texts with `${...}` and nested data that holds them."""

from __future__ import annotations

from typing import Any

import pytest

from evaluating import filled, value_of
from scenarios.expressions import ExpressionError, compile_template, walk_template

NAMES = {"n": 3, "xs": [1, 2], "word": "Ann", "job": {"item": {"who": "Bo"}}}


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("", ""),
        ("plain", "plain"),
        ("${n}", 3),
        ("${xs}", [1, 2]),
        ("${ xs + [n] }", [1, 2, 3]),
        (" ${n}", " 3"),
        ("${n}${n}", "33"),
        ("Put ${word} of ${xs}, ${None}, ${n > 1}", "Put Ann of [1, 2], None, True"),
        ("$${n} costs $5, $n {n} }", "${n} costs $5, $n {n} }"),
        ("$$${n}", "$${n}"),
        ("${n}$${n}", "3${n}"),
        ("a$", "a$"),
        ("${ {'a': {'b': n}}['a'].b }", 3),
        ("${'}'}", "}"),
        ("${'}' + \"}'\"}|", "}}'|"),
        ("${'''}'}'''}", "}'}"),
        ("${'\\'}'}", "'}"),
        ("${f'{n}}}'}", "3}"),
        ("${{1: 2}[1]}", 2),
        ("a ${\n n\n+ 1\n} b", "a 4 b"),
        (["${n}", {"k": "x${n}"}, 1.5, None, True], [3, {"k": "x3"}, 1.5, None, True]),
        ({"${n}": "${n}", 2: []}, {"${n}": 3, 2: []}),
        (("${n}",), [3]),
        ([], []),
        (7, 7),
    ],
)
def test_filled(template: Any, value: Any) -> None:
    """A template is filled; one expression alone keeps its type."""
    found = filled(template, **NAMES)
    assert (value, type(value)) == (found, type(found))


@pytest.mark.parametrize(
    ("template", "message", "offset", "path"),
    [
        ("ab ${n", '"${" without its "}"', 3, ()),
        ("${", '"${" without its "}"', 0, ()),
        ("ab ${}", "an expression is missing", 5, ()),
        ("é ${n} ${n +}", "not an expression: it ends too early", 11, ()),
        ("${len(n}", "not an expression: '(' was never closed", 5, ()),
        ("${it's} ${n}", "a text is opened with ' and never closed", 4, ()),
        (["a", {"k": "b ${lenn(n)}"}], "unknown function", 4, (1, "k")),
        (["a", {"k": "${"}], '"${" without its "}"', 0, (1, "k")),
        ({"a": {"b": {1}}}, "a set is not plain data", 0, ("a", "b")),
        ({None: 1}, "None cannot be a key in plain data", 0, ()),
    ],
)
def test_refusal(template: Any, message: str, offset: int, path: tuple[Any, ...]) -> None:
    """A refusal tells the place in the text and the way to the text."""
    with pytest.raises(ExpressionError) as caught:
        compile_template(template)
    assert caught.value.message.startswith(message), caught.value.message
    assert (offset, path) == (caught.value.offset, caught.value.path)


def test_names_of_one_text() -> None:
    """Offsets count from the start of the whole text."""
    made = compile_template("é ${job.item.who} and ${n}")
    assert made.free == (("job", 4), ("n", 24))
    assert made.source == "é ${job.item.who} and ${n}"


def test_walk() -> None:
    """Each text of nested data is there on its own, with the way to it."""
    data = {"a": ["x", "é ${n}"], "b": {"c": "${values.v}"}, "d": 1}
    walked = list(walk_template(data))
    assert [path for path, _ in walked] == [("a", 0), ("a", 1), ("b", "c")]
    assert [made.free for _, made in walked] == [(), (("n", 4),), (("values", 2),)]
    with pytest.raises(ExpressionError) as caught:
        list(walk_template({"a": ["${n}", "${n"]}))
    assert (caught.value.offset, caught.value.path) == (0, ("a", 1))


def test_reads_of_nested_data() -> None:
    """What is read is listed text after text and comes back into its own place."""
    made = compile_template({"b": ["${values.y}", "${values.x - flags.z}"], "a": "${values.x}"})
    assert made.reads == (
        ("values", "y"),
        ("values", "x"),
        ("flags", "z"),
        ("values", "x"),
    )
    shared = {"values": {"x": 5, "y": 1}, "flags": {"z": True}}
    assert value_of(made, **shared) == {"b": [1, 4], "a": 5}


def test_live_objects() -> None:
    """Without reads, a shared value can be handed over as the object that it is."""
    live = object()
    made = compile_template(["${values.count}"], reads=False)
    assert [live] == value_of(made, values={"count": live})


@pytest.mark.parametrize("template", [["${n}", []], [[1], {"a": [2]}], "${[1, [2]]}"])
def test_fresh_data(template: Any) -> None:
    """Each evaluation makes data of its own."""
    made = compile_template(template)
    first = value_of(made, n=1)
    expected = value_of(made, n=1)
    first.append(1)
    first[1] = 0
    assert expected == value_of(made, n=1)


def test_constants() -> None:
    """What has no names is a constant with its value; a name makes it none."""
    for template, value in [("a", "a"), ("${2 ** 5}", 32), (["${1 + 1}", "$${"], [2, "${"])]:
        made = compile_template(template)
        assert (True, value) == (made.constant, made.value)
    assert compile_template("${[x for x in range(2)]}").constant
    assert not compile_template(["a", "${n}"]).constant


def test_constant_that_fails() -> None:
    """A constant that has no value fails when it is evaluated, as any other."""
    made = compile_template("${1 / 0}")
    assert (made.constant, made.value) == (False, None)


def test_deep_data() -> None:
    """Data that is nested too deeply, or holds itself, is refused."""
    deep: list[Any] = []
    deep.append(deep)
    with pytest.raises(ExpressionError, match="nested too deeply"):
        compile_template(deep)
