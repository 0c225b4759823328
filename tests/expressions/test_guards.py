"""Bounds: whatever an expression says, it ends soon and stays small."""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from evaluating import failure, value_of
from scenarios.expressions import EvaluationError, ExpressionError, compile_expression, prepare

BIG = {
    "text": "x" * 1_000_000,
    "other": "x" * 1_000_000,
    "row": [0] * 500_000,
    "again": [0] * 500_000,
    "many": ["y" * 1000] * 1000,
    "digits": "9" * 1_000_000,
    "count": itertools.count(),
    "stream": (x for x in [1]),
}

GROWING = [
    "2 ** 10 ** 9",
    "9 ** 9 ** 9 ** 9",
    "(-3) ** 10 ** 7",
    "1 << 10 ** 9",
    "10 ** 4000 * 10 ** 4000",
    "'a' * 10 ** 9",
    "10 ** 9 * [0]",
    "[0] * 10 ** 30",
    "[[0] * 1000] * 1000 * 1000",
    "[[[[0] * 1000] * 1000] * 1000] * 1000",
    "[row] * 1000",
    "[text] * 1000",
    "str([row] * 10)",
    "f'{[many] * 100}'",
    "f'{1:1000000000}'",
    "f'{1:0{10 ** 9}}'",
    "f'{1.5:.1000000000f}'",
    "f'{1:>٩٩٩٩٩٩٩٩}'",
    "'%1000000000d' % 1",
    "text.join(many)",
    "text.join(text)",
    "text.replace('x', 'xx')",
    "text.replace('', text)",
    "text.strip(text)",
    "int(digits)",
    "int(digits, 16)",
    "float(digits)",
    "round(7, -10 ** 9)",
    "range(10 ** 12)",
    "range(10 ** 100)",
    "list(range(10 ** 7))",
    "[0 for a in range(10 ** 6) for b in range(10 ** 6)]",
    "any(False for a in range(10 ** 6) for b in range(10 ** 6))",
    "[[0 for b in range(10 ** 6)] for a in range(10 ** 6)]",
    "[row + row for a in range(10 ** 6)]",
    "[row[:] for a in range(10 ** 6)]",
    "[[*row] for a in range(10 ** 6)]",
    "[{**{'a': row}, 'b': [*row]} for a in range(10 ** 6)]",
    "[row * 2 for a in range(10 ** 6)]",
    "[list(row) for a in range(10 ** 6)]",
    "[sorted(row) for a in range(10 ** 6)]",
    "[max(row, again) for a in range(10 ** 6)]",
    "[max([row, again]) for a in range(10 ** 6)]",
    "[sum(row) for a in range(10 ** 6)]",
    "[1 in row for a in range(10 ** 6)]",
    "[row == again for a in range(10 ** 6)]",
    "[0 for a in range(10 ** 6) if row < again]",
    "[text == other for a in range(10 ** 6)]",
    "[text + other for a in range(10 ** 6)]",
    "[f'{text}' for a in range(10 ** 6)]",
    "[text.upper() for a in range(10 ** 6)]",
    "[text.startswith(other) for a in range(10 ** 6)]",
    "[text.split('x') for a in range(10 ** 6)]",
    "[{(*row,)} for a in range(10 ** 6)]",
    "[str(row) for a in range(10 ** 6)]",
    "[{t: 0} for t in [(*row,)] for a in range(10 ** 6)]",
    "[zip(row, row) for a in range(10 ** 6)]",
    "[enumerate(row) for a in range(100)]",
    " + ".join(["row"] * 200),
    "f'" + "{text}" * 1000 + "'",
    "[" + "*row," * 1000 + "]",
    "list(count)",
    "[x for x in count]",
    "max(stream)",
    "sum(count)",
    "[*count]",
]


@pytest.mark.parametrize("text", GROWING, ids=lambda text: text[:40])
def test_growth_is_refused(text: str) -> None:
    """An expression that would grow or last is refused soon."""
    made = compile_expression(text)
    before = time.process_time()
    failure(made, **BIG)
    assert time.process_time() - before < 5  # under coverage, on a busy machine; else below 1


def test_large_but_allowed() -> None:
    """What people really do with large data stays possible."""
    rows = [{"id": i, "tags": ["a", "b"]} for i in range(20_000)]
    wanted = rows[77]
    index = {f"k{i}": i for i in range(20_000)}
    names = {"rows": rows, "wanted": wanted, "index": index}
    assert len(value_of("[r.id for r in rows if 'a' in r.tags]", **names)) == 20_000
    assert value_of("[r.id for r in rows if r == wanted]", **names) == [77]
    assert value_of("sum(1 for r in rows if f'k{r.id}' in index)", **names) == 20_000
    assert len(value_of("[rows[i:i + 2] for i in range(len(rows) - 1)]", **names)) == 19_999
    assert len(value_of("'x' * 1000000")) == 1_000_000
    assert value_of("sum(x for x in range(1000000))") == 499_999_500_000
    assert len(str(value_of("9 ** 3143"))) == 3000


WIDE = 2**61 - 1  # multiples of it have one hash
DEARER = [
    "[a // 7 for a in many for b in range(10 ** 5)]",
    "[a % c for a in many for c in many]",
    "[a * a for a in halves for b in range(10 ** 5)]",
    "[7 ** 4900 for b in range(10 ** 5)]",
    "[str(a) for a in many for b in range(10 ** 5)]",
    "[f'{a}' for a in many for b in range(10 ** 5)]",
    "[f'{a:,}' for a in many for b in range(10 ** 5)]",
    "[int(text) for b in range(10 ** 5)]",
    "[round(a, -2000) for a in many for b in range(10 ** 5)]",
    f"set(range(0, {WIDE} * 10 ** 5, {WIDE}))",
    f"{{b * {WIDE} for b in range(10 ** 5)}}",
    f"{{b * {WIDE}: 1 for b in range(10 ** 5)}}",
    f"{{(b * {WIDE}, b) for b in range(10 ** 5)}}",
    f"dict([[b * {WIDE}, 1] for b in range(10 ** 5)])",
]


@pytest.mark.parametrize("text", DEARER, ids=lambda text: text[:40])
def test_what_takes_longer_counts_for_more(text: str) -> None:
    """Long integers and elements with one hash would take minutes in so many rounds."""
    made = compile_expression(text)
    many = [7**4900 - number for number in range(1000)]
    halves = [7**2400 - number for number in range(1000)]
    before = time.process_time()
    assert "too much work" in failure(made, many=many, halves=halves, text="9" * 4000)
    assert time.process_time() - before < 2  # about 0.1 s on a free machine


def test_honest_sets_and_numbers_are_cheap() -> None:
    """Ids of 60 bits, times in nanoseconds and pairs of them go into sets by the thousand."""
    rows = [[number, 1_760_000_000_000_000_000 + number] for number in range(5_000)]
    assert value_of("len({(r[0], r[1]) for r in rows})", rows=rows) == 5_000
    assert value_of("len({r[1] for r in rows} | set([1, 2]))", rows=rows) == 5_002
    assert value_of("dict([['a', 1]], b=2)") == {"a": 1, "b": 2}
    assert value_of("dict({'a': 1})") == {"a": 1}
    assert value_of("[set(), set('aab'), dict()]") == [set(), {"a", "b"}, {}]
    assert value_of("len([a // 3 % 7 for a in range(100000)])") == 100_000


def test_evaluations_can_share_a_budget() -> None:
    """Names made ready with a budget lend it to every evaluation, and it is not given back."""
    budget = [2_000, 1_000]
    names: dict[str, Any] = {"vars": {"row": [0] * 300}}
    prepare(names, budget)
    made = compile_expression("len(vars.row + vars.row)")
    assert made.evaluate(names) == 600
    assert budget[0] == 2_000 - 2 * 300 - 600  # both are copied, and the sum is weighed
    with pytest.raises(EvaluationError, match="over 100 rounds or 1,000 elements"):
        made.evaluate(names)
    assert names["_b"] is budget


def test_a_constant_that_takes_work_is_left_for_the_run() -> None:
    """What is short is computed once; a long loop is not run while it is compiled."""
    assert compile_expression("sum(range(100))").constant
    made = compile_expression("len([0 for a in range(10000)])")
    assert not made.constant
    assert value_of(made) == 10_000


@pytest.mark.parametrize(
    ("text", "size"), [("1", 11), ("a.b + 1", 14), ("f'{a}{b}'", 23), ("[a, 2, 3]", 14)]
)
def test_size(text: str, size: int) -> None:
    """An expression knows what it took to compile it: ten parts, and its own."""
    assert compile_expression(text).size == size


@pytest.mark.parametrize("text", ["[" + "1," * 5_000 + "]", "f'" + "{a}" * 1_001 + "'"])
def test_an_expression_has_a_number_of_parts(text: str) -> None:
    """More are refused before they are looked at."""
    with pytest.raises(ExpressionError, match="at most 5,000 parts"):
        compile_expression(text)


SHAPES: dict[str, Callable[[int], str]] = {
    "parentheses": lambda n: "(" * n + "1" + ")" * n,
    "brackets": lambda n: "[" * n,
    "displays": lambda n: "{1:" * n,
    "calls": lambda n: "len(" * n + "1" + ")" * n,
    "called": lambda n: "a" + "()" * n,
    "not": lambda n: "not " * n + "a",
    "minus": lambda n: "-" * n + "1",
    "conditions": lambda n: "a if b else " * n + "c",
    "attributes": lambda n: "a" + ".b" * n,
    "subscripts": lambda n: "a" + "[0]" * n,
    "methods": lambda n: "a" + ".upper()" * n,
    "sums": lambda n: "a+" * n + "a",
    "powers": lambda n: "a**" * n + "a",
    "lambdas": lambda n: "lambda:" * n + "1",
    "f-strings": lambda n: "f'{" * n,
    "quotes": lambda n: "'" * n,
    "broken": lambda n: "(" * n + "a b" + ")" * n,
    "loops": lambda n: "[a for " * n,
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", [20, 63, 90, 300, 9_000])
def test_nesting(shape: str, size: int) -> None:
    """Text that is nested as deeply as it can be is compiled or refused soon, and evaluated."""
    before = time.process_time()
    try:
        made = compile_expression(SHAPES[shape](size)[:65_536])
    except ExpressionError:
        pass
    else:
        with suppress(EvaluationError):
            value_of(made, a=1, b=2, c=3)
    assert time.process_time() - before < 2


def test_compiled_in_a_deep_stack() -> None:
    """Little room on the stack makes a refusal, never a RecursionError."""

    def sink(levels: int) -> Any:
        if levels:
            return sink(levels - 1)
        try:
            return value_of("[(((n))) for x in [1]][0]", n=1)
        except (ExpressionError, EvaluationError):
            return None

    depth = len(inspect_stack())
    for room in (60, 100, 150):
        sink(sys.getrecursionlimit() - depth - room)


def inspect_stack() -> list[Any]:
    """The frames above."""
    frames, frame = [], sys._getframe()
    while frame is not None:
        frames.append(frame)
        frame = frame.f_back  # type: ignore[assignment]
    return frames
