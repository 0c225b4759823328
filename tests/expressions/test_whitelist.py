"""What expressions can say, and what they are refused for."""

from __future__ import annotations

import pytest

from evaluating import refusal, value_of
from scenarios.expressions import ROOTS, compile_expression

NAMES = {
    "n": 3,
    "word": "Ann",
    "xs": [1, 2, 3],
    "rows": [{"who": "Ann", "age": 7}, {"who": "Bo", "age": 9}],
    "job": {"index": 2, "item": {"who": "Ann"}},
    "vars": {"letters": ["A", "B"]},
    "sum": 5,
}

GOOD = {
    "1": 1,
    "1.5e3": 1500.0,
    "None": None,
    "True": True,
    "'a' 'b'": "ab",
    "n + 1": 4,
    "n - 1.5": 1.5,
    "n * 2": 6,
    "2 * [n]": [3, 3],
    "'-' * n": "---",
    "n / 2": 1.5,
    "n // 2": 1,
    "-n % 2": 1,
    "2 ** n": 8,
    "2 ** -1": 0.5,
    "1 << n": 8,
    "n >> 1": 1,
    "n & 1 | 4 ^ ~n": 3 & 1 | 4 ^ ~3,
    "not n": False,
    "+n": 3,
    "~n + ~True": -6,
    "1 < n <= 3 != 4": True,
    "n in xs and 4 not in xs": True,
    "n is not None": True,
    "n or word": 3,
    "'yes' if n > 2 else 'no'": "yes",
    "job.item.who": "Ann",
    "job['item'].who[0]": "A",
    "vars.letters[-1]": "B",
    "xs[1:]": [2, 3],
    "xs[::-1]": [3, 2, 1],
    "word[:n - 1]": "An",
    "(1, *xs)": (1, 1, 2, 3),
    "[*xs, *xs]": [1, 2, 3, 1, 2, 3],
    "{1, *xs}": {1, 2, 3},
    "{'a': n, **rows[0]}": {"a": 3, "who": "Ann", "age": 7},
    "[]": [],
    "{}": {},
    "[x * 2 for x in xs if x > 1 if x]": [4, 6],
    "[x + y for x in xs for y in range(x)]": [1, 2, 3, 3, 4, 5],
    "[[y for y in range(x)] for x in xs]": [[0], [0, 1], [0, 1, 2]],
    "[x for x in (y for y in xs)]": [1, 2, 3],
    "{x % 2 for x in xs}": {0, 1},
    "{r.who: r.age for r in rows}": {"Ann": 7, "Bo": 9},
    "[a + b for a, (b, *c) in [[1, [2, 3]]]]": [3],
    "[0 for _ in xs]": [0, 0, 0],
    "[n for n in xs] + [n]": [1, 2, 3, 3],
    "any(r.age > 8 for r in rows)": True,
    "all(xs)": True,
    "len(xs) + len(word)": 6,
    "min(xs) + max(1, 5)": 6,
    "max([], default=7)": 7,
    "min(*xs)": 1,
    "sum": 5,
    "sum(xs) + sum": 11,
    "sum(xs, 1) + sum(xs, start=2)": 15,
    "sorted('cab', reverse=True)": ["c", "b", "a"],
    "abs(-n)": 3,
    "round(2.567, 1) + round(2.5, ndigits=0)": 4.6,
    "list(range(1, 9, 4))": [1, 5],
    "set('aa') | {'b'}": {"a", "b"},
    "dict([['a', 1]], b=2)": {"a": 1, "b": 2},
    "str(n) + str() + str(xs)": "3[1, 2, 3]",
    "int('7') + int(2.9) + int('ff', 16) + int('1', base=2)": 265,
    "float('1.5') + float()": 1.5,
    "bool(xs)": True,
    "zip(xs, 'ab')": [(1, "a"), (2, "b")],
    "enumerate('ab', start=1)": [(1, "a"), (2, "b")],
    "word.startswith('A') and word.endswith(('n', 'x'))": True,
    "'  a '.strip() + 'xax'.strip('x')": "aa",
    "'a b'.split() + 'a,b,c'.split(',', maxsplit=1)": ["a", "b", "a", "b,c"],
    "', '.join(str(x) for x in xs)": "1, 2, 3",
    "', '.join(['a', 'b'])": "a, b",
    "job.item.who.lower() + 'a'.upper()": "annA",
    "'aXbX'.replace('X', '-', 1)": "a-bX",
    "f'{n} {word!r} {n:>4} {n:{n}d} {xs} {{}}'": "3 'Ann'    3   3 [1, 2, 3] {}",
    "f'{n=}'": "n=3",
    "f'{word!s:>5}|{1.5:.2f}'": "  Ann|1.50",
    '"""a\nb"""': "a\nb",
    " n +\n\t1\n": 4,
}


@pytest.mark.parametrize("text", GOOD)
def test_value(text: str) -> None:
    """Each allowed form has the value that it has in Python, and its type."""
    value = value_of(text, **NAMES)
    assert (GOOD[text], type(GOOD[text])) == (value, type(value))


BAD = {
    "": ("an expression is missing", 0),
    "  ": ("an expression is missing", 0),
    "n +": ("not an expression: it ends too early", 2),
    "(n": ("not an expression: '(' was never closed", 0),
    "n m": ("not an expression: invalid syntax", 2),
    "'é' m": ("not an expression: invalid syntax", 4),
    "n = 1": ('"=" is not an operator here; use == to compare', 2),
    "n || m": ('"||" is not an operator here; use or', 3),
    "!n": ('"!" is not an operator here; use not', 0),
    "n++": ("an expression changes nothing; use n + 1 or n - 1", 2),
    "job.class": ("\"class\" is a word of Python; write ['class'] in place of .class", 4),
    "n + lenght(xs)": ('unknown function "lenght"; did you mean "len"?', 4),
    "upper(word)": ('unknown function "upper"; write TEXT.upper(...)', 0),
    "'é' + word.uper()": ('unknown method "uper"; did you mean "upper"?', 11),
    "xs.len()": ('unknown method "len"; write len(...)', 3),
    "(n)(1)": ('unknown function "n"; allowed are len', 1),
    "xs[0](1)": ("only functions and methods of text can be called, by name", 0),
    "n + true": ('unknown name "true"; did you mean True?', 4),
    "n is word": ('"is" compares with None, True or False only; use == or !=', 5),
    "n is 0": ('"is" compares with None, True or False only; use == or !=', 5),
    "n @ n": ('"@" is not an operator here', 0),
    "[1, 2j]": ("complex is not allowed in an expression; constants are numbers", 4),
    "b'a'": ("bytes is not allowed in an expression; constants are numbers", 0),
    "xs[...]": ("... is not allowed in an expression; constants are numbers", 3),
    "[(m := n)]": ('":=" is not allowed in an expression; allowed are constants', 2),
    "lambda: n": ("lambda is not allowed in an expression; allowed are constants", 0),
    "(x for x in xs)": ("a generator outside of a call is not allowed", 0),
    "[x async for x in xs]": ("async is not allowed in an expression", 13),
    "sorted(xs, key=n)": ('"key" is not an argument of sorted; by name it takes reverse', 11),
    "len(obj=xs)": ('"obj" is not an argument of len; by name it takes nothing', 4),
    "max(**xs)": ('"**" is not allowed in a call; use {**a, **b}', 4),
    "len()": ("len takes 1 argument, not 0", 0),
    "round(1, 2, 3)": ("round takes 1 to 2 arguments, not 3", 0),
    "max()": ("max takes 1 or more arguments, not 0", 0),
    "[1 for job in xs]": ('"job" is a word of the format and cannot be a variable', 7),
    "[1 for xs[0] in xs]": ("a comprehension sets variables of its own only", 7),
    "f'{n!a}'": ('"!a" is not allowed in an f-string; use !r', 3),
    "n # more": ("a comment cannot stand in an expression", 2),
    "'abc": ("a text is opened with ' and never closed", 0),
    "'''abc'": ("a text is opened with ''' and never closed", 0),
    "'a\nb'": ("a text is opened with ' and never closed", 0),
    "n\0": ("a NUL character cannot stand in an expression", 1),
    "'\0'": ("a text is opened with ' and never closed", 0),
    "'\ud800'": ("half of a surrogate pair is not text", 0),
    "'\\ud800'": ("half of a surrogate pair is not text", 0),
    "9" * 5000: ("not an expression: exceeds the limit (4300 digits)", 0),
    "0x" + "f" * 5000: ("a number is too long", 0),
    "x" * 65_537: ("a text with expressions is at most 65,536 characters long", 65_536),
}


@pytest.mark.parametrize("text", BAD, ids=lambda text: ascii(text)[:40])
def test_refusal(text: str) -> None:
    """Each refusal says what is wrong, what is allowed, and where."""
    message, offset = refusal(text)
    assert message.startswith(BAD[text][0]), message
    assert BAD[text][1] == offset


@pytest.mark.parametrize(
    "text",
    [
        "n.__class__",
        "().__class__.__bases__[0].__subclasses__()",
        "xs._private",
        "__builtins__",
        "__import__('os')",
        "_text(n)",
        "_b",
        "_r0",
        "＿＿builtins＿＿",  # noqa: RUF001 - Python reads these as underscores
        "[_x for _x in xs]",
        "eval('1')",
        "getattr(xs, 'append')",
        "open('f')",
        "'{0.__class__}'.format(xs)",
        "xs.append(4)",
        "f'{n.__class__}'",
        "f'{n:{n.__class__}}'",
        "[x.__class__ for x in xs]",
    ],
)
def test_no_way_out(text: str) -> None:
    """Nothing private and nothing that acts can be reached."""
    refusal(text)


def test_reads() -> None:
    """Mentions of shared state are read beforehand, from left to right, each on its own."""
    made = compile_expression(
        "[flags.go for x in xs if values['b-c'].d] if values.b else {values.a: values.a}"
    )
    assert list(made.reads) == [
        ("flags", "go"),
        ("values", "b-c"),
        ("values", "b"),
        ("values", "a"),
        ("values", "a"),
    ]
    assert value_of("values.a * 2 + values.b.c", values={"a": 3, "b": {"c": 1}}) == 7
    assert value_of("[values.a, values.b]", values={"a": 1, "b": 2}) == [1, 2]
    assert value_of("{values.k: [values.v]}", values={"k": "x", "v": 2}) == {"x": [2]}


@pytest.mark.parametrize("text", ["values[n]", "values[0]", "len(values)", "flags", "values[:]"])
def test_reads_that_are_not_known(text: str) -> None:
    """What is read must be known before the evaluation."""
    message, _ = refusal(text)
    assert "what is read must be known beforehand; write " in message


def test_without_reads() -> None:
    """Where asked for, shared state is a name like others."""
    made = compile_expression("values.a + len(values)", reads=False)
    assert made.reads == ()
    assert value_of(made, values={"a": 1}) == 2


def test_free_and_paths() -> None:
    """Names from outside are listed with what follows them, at characters of the text."""
    made = compile_expression("'é' + workers['a-b'][0].x[i][-1] + [y for y in n.m][0] + len(n)")
    assert made.free == (("workers", 6), ("i", 26), ("n", 47), ("n", 61))
    assert made.paths == (
        (("workers", "a-b", "[0]", "x", "[]", "[-1]"), 6),
        (("i",), 26),
        (("n", "m"), 47),
        (("n",), 61),
    )


@pytest.mark.parametrize(
    "text",
    [
        'f"{a} {b.c}"',
        '"é" + f"é{a} é {b.c:>{w}} {d!r}"',
        'f"""x\n{a}\n  {b + c}"""',
        "f'{a}' f'{b}' 'é' f'{ c }'",
        "f'{[x for x in a if x in b]}' + c",
        "f'{{{a}}}{b}' + '''\né''' + c",
        "a + (\n  b +\n'é' + c)",
        " \n a + é + b",
    ],
)
def test_offsets(text: str) -> None:
    """Offsets are right inside f-strings, over several lines and behind other alphabets."""
    free = compile_expression(text).free
    assert free
    assert [name for name, _ in free] == [text[at : at + len(name)] for name, at in free]


def test_words_are_no_variables() -> None:
    """No root of a path can be set by a comprehension."""
    for word in ROOTS:
        assert "word of the format" in refusal(f"[1 for {word} in xs]")[0]
