"""Random expressions agree with Python; random text is refused in good order."""

from __future__ import annotations

import ast
import pickle
import time
import warnings
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from evaluating import value_of
from scenarios.expressions import (
    EvaluationError,
    ExpressionError,
    compile_expression,
    compile_template,
    plain,
)


class Open(dict[str, Any]):
    """A mapping whose keys are attributes too, as in expressions."""

    def __getattr__(self, name: str) -> Any:
        return self[name]


NAMES: dict[str, Any] = {
    "n": 3,
    "x": 2.5,
    "word": "Ann b",
    "xs": [3, 1, 2],
    "pairs": [["a", 1], ["b", 2]],
    "job": Open(item=Open(who="Ann", age=7), index=2),
}


def words(text: str) -> list[str]:
    """The words of `text`."""
    return text.split()


LEAVES = st.sampled_from(
    words(
        "0 1 7 2.5 -1 n x job.index job.item.age '' 'a' 'A\u00e9' word job.item.who "
        "job['item'].who None True [] xs [1,2] [n,*xs] range(3) (1,n) pairs {'a':n}"
    )
)
# @ is any expression
PATTERNS = st.sampled_from(
    [f"(@ {sign} @)" for sign in words("+ - / // % >> & | ^ == != < <= > >= and or in")]
    + [f"(@).{method}" for method in words("strip() split() lower() upper() join(@) who")]
    + [f"(@).{method}" for method in ["startswith(@)", "replace('n', @)", "split(@)", "strip(@)"]]
    + [f"{name}(@)" for name in words("len min max sum sorted any all abs round set list str")]
    + [f"{name}(@)" for name in words("int float bool dict")]
    + [f"{name}(@, @)" for name in words("min max sum round int")]
    + [
        "(@ * 3)",
        "(2 * @)",
        "(@ << 2)",
        "(@ ** 2)",
        "(@ ** -1)",
        "(@ ** 0.5)",
        "(@ < @ <= @)",
        "(not @)",
    ]
    + ["(-@)", "(~@)", "(@ if @ else @)", "(@ is None)", "(@ not in @)", "[@, @]", "(@, *@)"]
    + ["{@, @}", "{@: @, **@}", "(@)[@]", "(@)[@:@]", "(@)[::-1]", "[@ for y in @ if @]"]
    + ["[y for y in @ for z in @]", "[[y, z] for y, z in @]", "{y: @ for y in @}"]
    + ["{y for y in @}", "sum(y for y in @)", "list(zip(@, @))", "list(enumerate(@, @))"]
    + ["sorted(@, reverse=@)", "max(@, default=@)", "f'{n} {word!r:>9} {x:.3f} {xs}'", "range(n)"]
)


@st.composite
def expressions(draw: st.DrawFn, depth: int = 3) -> str:
    """A random expression, at most `depth` patterns deep."""
    if depth == 0 or draw(st.integers(0, 3)) == 0:
        return draw(LEAVES)
    first, *rest = draw(PATTERNS).split("@")
    return first + "".join(draw(expressions(depth - 1)) + part for part in rest)


def by_python(text: str) -> tuple[str, Any]:
    """What Python itself says: a value, or that there is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return "value", eval(text, dict(NAMES))
    except Exception:
        return "failure", None


def by_us(text: str) -> tuple[str, Any]:
    """What this package says."""
    try:
        return "value", value_of(pickle.loads(pickle.dumps(compile_expression(text))), **NAMES)
    except EvaluationError:
        return "failure", None


def differs_on_purpose(text: str, value: Any) -> bool:
    """Whether Python's `value` is one that expressions do not have.

    That is: formatting by %, sums of other things than numbers, complex and huge values.
    """
    formats = any(isinstance(node, ast.Mod) for node in ast.walk(ast.parse(text, mode="eval")))
    return formats or "sum(" in text or isinstance(value, complex) or len(repr(value)) > 1000


def written(value: Any) -> str:
    """`repr(value)` with sets in order, which tells 1 from 1.0 and True."""
    if isinstance(value, (list, tuple)):
        return f"{type(value).__name__}{[written(item) for item in value]}"
    if isinstance(value, dict):
        return f"{[(written(key), written(item)) for key, item in value.items()]}"
    return f"{sorted(map(written, value))}" if isinstance(value, set) else repr(value)


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(expressions())
def test_agrees_with_python(text: str) -> None:
    """A random expression has the value that Python gives it, or fails where Python does."""
    kind, value = by_python(text)
    our_kind, our_value = by_us(text)
    if our_kind == "failure" and kind == "value":
        assert differs_on_purpose(text, value), text
    else:
        assert (our_kind, written(our_value)) == (kind, written(value)), text


@settings(max_examples=300, deadline=None)
@given(expressions())
def test_plain_or_refused(text: str) -> None:
    """Any value of an expression is made plain, or refused as an EvaluationError."""
    try:
        value = plain(value_of(text, **NAMES))
    except EvaluationError:
        return
    assert value == plain(value)


WORDS = st.one_of(
    st.sampled_from(
        words("n xs values .a _ ( ) [ ] { } ' \" f' ${ $${ : , + ** = := \\ # 1 0x 1e")
    ),
    st.sampled_from(words("len( * ''' !r lambda await \u00e9 \u202e")),
    st.sampled_from([" for ", " in ", " if ", " else ", " not ", " ", "\n", "\r", "\0", "\ud800"]),
)
GARBAGE = st.lists(WORDS, max_size=30).map("".join) | st.text(max_size=40)


@settings(max_examples=1500, deadline=None)
@given(GARBAGE)
@example("f'{'")
@example("f'{a!}'")
@example("f'{a:{'")
@example("\ufeff1")
@example("'\\N{nothing}'")
def test_garbage(text: str) -> None:
    """Random text is compiled or refused as an ExpressionError within it, soon."""
    took = timed(text)
    assert took < 0.1 or timed(text) < 0.1  # the first call may import, or be a busy moment


def timed(text: str) -> float:
    """Seconds of this process to compile `text`, or to refuse it in good order."""
    before = time.process_time()
    for compiling in (compile_expression, compile_template):
        try:
            compiling(text)
        except ExpressionError as error:
            assert 0 <= error.offset <= len(text)
            assert error.message and "\n" not in error.message
    return time.process_time() - before
