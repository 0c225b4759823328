"""Vars, the matrix, and `--set`."""

from __future__ import annotations

from typing import Any

import pytest

from loads import loaded, refused, scenario
from scenarios.errors import UsageError

WORKER = "workers: {w: {executor: thread, steps: []}}\n"


def test_vars_are_plain_data() -> None:
    """Whatever YAML can say."""
    made = scenario(f"vars: {{a: 1, b: [x, {{c: null}}], d: true, e: 1.5, f: '$${{x}}'}}\n{WORKER}")
    assert made.vars == {"a": 1, "b": ["x", {"c": None}], "d": True, "e": 1.5, "f": "${x}"}


def test_vars_may_use_the_environment_and_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the order in which they stand."""
    monkeypatch.setenv("TOWN", "Oslo")
    made = scenario(
        f"""
vars:
  a: 2
  b: ${{vars.a * 2}}
  c: ['in ${{env.TOWN}}', "${{vars.b + matrix.n}}"]
matrix: {{n: [5]}}
{WORKER}"""
    )
    assert made.vars == {"a": 2, "b": 4, "c": ["in Oslo", 9]}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("§${env.NO_SUCH_VARIABLE}", "environment variable NO_SUCH_VARIABLE is not set"),
        ("§${vars.later}", 'no var "later"; there is none'),
        ("[1, §'${x}']", 'var "a" is settled at load, from vars, matrix and env only, not x'),
        ("§${matrix.n}", 'no name in the matrix "n"; there is none'),
        ("§${1 / 0}", "division by zero"),
        ("§${[0] * 10 ** 9}", "a list longer than 1,000,000"),
        ("§${run.seed}", "not run"),
    ],
)
def test_vars_that_cannot_be(value: str, words: str) -> None:
    """What is not known at load, or has no value."""
    refused(f"vars: {{a: 0}}\n{WORKER}".replace("{a: 0}", f"\n  a: {value}\n  later: 1"), words)


def test_overrides_are_read_as_yaml() -> None:
    """Texts are YAML, other values stand as they are; later vars see them."""
    text = f"vars:\n  a: 1\n  b: ${{vars.a}}\n  c: x\n{WORKER}"
    assert scenario(text, overrides={"a": "[1, no]"}).vars == {
        "a": [1, "no"],
        "b": [1, "no"],
        "c": "x",
    }
    assert scenario(text, overrides={"a": "", "c": "'5'"}).vars == {"a": None, "b": None, "c": "5"}
    assert scenario(text, overrides={"c": {"k": 1}}).vars["c"] == {"k": 1}
    assert scenario(text, overrides={"c": "${vars.a}"}).vars["c"] == "${vars.a}"


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ({"lettrs": "1"}, '--set lettrs: no var "lettrs" in file.yaml; did you mean "letters"?'),
        ({"zzz": "1"}, "there are letters, matrix.n"),
        ({"letters": "[1"}, "--set letters: not YAML"),
        ({"letters": "{a: 1, a: 2}"}, '--set letters: duplicate key "a"'),
        ({"matrix.m": "1"}, '--set matrix.m: no var "matrix.m"'),
        ({"matrix.n": "9"}, "--set matrix.n: 9 is not in the matrix; there are 1, 2"),
        ({"n": "9"}, 'no var "n"'),
    ],
)
def test_overrides_that_cannot_be(overrides: dict[str, Any], words: str) -> None:
    """They are mistakes on the command line, not in the file."""
    with pytest.raises(UsageError) as refusal:
        loaded(f"vars: {{letters: 1}}\nmatrix: {{n: [1, 2]}}\n{WORKER}", overrides=overrides)
    assert words in str(refusal.value)


MATRIX = """
name: of ${matrix.kind}
matrix: {kind: [fifo, lifo], n: [1, 2, {a: b}]}
vars: {both: "${matrix.kind} ${matrix.n}"}
queues: {q: {kind: "${matrix.kind}"}, lifo: {}, fifo: {}}
workers: {w: {executor: thread, steps: [{get: "${matrix.kind}"}]}}
"""


def test_each_combination_is_a_scenario() -> None:
    """The last name varies fastest; everything is filled in."""
    made = loaded(MATRIX).scenarios
    assert [one.matrix for one in made] == [
        {"kind": kind, "n": n} for kind in ("fifo", "lifo") for n in (1, 2, {"a": "b"})
    ]
    assert [one.name for one in made] == ["of fifo"] * 3 + ["of lifo"] * 3
    assert [one.queues["q"].kind for one in made[2:4]] == ["fifo", "lifo"]
    assert made[4].vars == {"both": "lifo 2"}
    assert (made[5].workers["w"].steps or ())[0].fields["get"] == "lifo"


def test_one_combination_by_command() -> None:
    """`--set matrix.NAME=value` picks a value of the list."""
    made = loaded(MATRIX, overrides={"matrix.kind": "lifo", "matrix.n": "{a: b}"}).scenarios
    assert [one.matrix for one in made] == [{"kind": "lifo", "n": {"a": "b"}}]


def test_a_fault_of_all_combinations_is_told_once() -> None:
    """And one of a single combination is told as well."""
    refused(
        MATRIX.replace("lifo: {}, ", "").replace("{get: ", "{get: §") + "§more: 1\n",
        '"get" names "lifo", and there is no such queue; did you mean "fifo"?',
        'unknown key "more"',
    )


@pytest.mark.parametrize(
    ("matrix", "words"),
    [
        ("{n: §5}", '"n" of the matrix is a list of values, not 5'),
        ("{n: §[]}", '"n" of the matrix is a list of values, not an empty one'),
        ("{n: [§'${vars.x}']}", "is settled before everything else and holds no ${...}"),
    ],
)
def test_a_matrix_that_cannot_be(matrix: str, words: str) -> None:
    """Each name has a list of plain values."""
    refused(f"matrix: {matrix}\n{WORKER}", words)


def test_a_matrix_is_bounded() -> None:
    """256 scenarios of one file, and no more."""
    row = "[" + ", ".join(map(str, range(16))) + "]"
    assert len(loaded(f"matrix: {{a: {row}, b: {row}}}\n{WORKER}").scenarios) == 256
    refused(
        f"§matrix: {{a: {row}, b: {row}, c: [1, 2]}}\n{WORKER}",
        "the matrix makes 512 scenarios; at most 256 are run",
    )


def test_a_matrix_of_large_files_is_refused() -> None:
    """What would be checked is counted before it is: the file, once for each scenario."""
    rows = ", ".join(["[1, 2, 3]"] * 1_000)
    text = "§matrix: {m: %s}\nx-a: [%s]\n" + WORKER
    large = text % (list(range(200)), rows)
    refused(large, "200 scenarios of 4,207 keys, values, lists and mappings each; at most 400,000")
    small = text.replace("§", "") % (list(range(90)), rows)
    assert len(loaded(small).scenarios) == 90


def test_faults_end_the_check_of_a_large_matrix() -> None:
    """The scenarios that were looked at tell all of theirs, and how many were not is said."""
    rows = ", ".join(["[1, 2, 3]"] * 1_000)
    text = f"§matrix: {{m: {list(range(90))}}}\nx-a: [{rows}]\n§foo: 1\n{WORKER}"
    refused(text, "the other 87 scenarios of the matrix are not checked", 'unknown key "foo"')


def test_a_matrix_without_measure() -> None:
    """A number of scenarios that cannot even be written is refused in words."""
    columns = ", ".join(f"m{number}: [1, 2]" for number in range(15_000))
    refused(f"§matrix: {{{columns}}}\n{WORKER}", "the matrix makes over 1,000,000 scenarios")
