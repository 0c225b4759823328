"""One allowance for a file: what small things cost together, and how its end is told."""

from __future__ import annotations

import pytest

from hostile import END, var
from loads import faults, loaded, refused, scenario, steps_of, with_steps
from scenarios.expressions import EvaluationError, compile_expression
from scenarios.loading.allowance import CODE, WORK, Allowance, Spent

TOGETHER = "the values that are settled while the file is loaded take too much work together"


def test_work_is_taken_from_what_is_left() -> None:
    """An evaluation, its rounds and what is kept of it: elements 4, lists and mappings 20 more."""
    allowance = Allowance()
    names = {"vars": {"n": 10}}
    made = compile_expression("[[0] for a in range(vars.n)]")
    assert allowance.evaluate(made, names) == [[0]] * 10
    kept = 20 * 4 + 11 * 20
    assert allowance.work == WORK - 80 - 10 * 10 - kept


def test_what_is_only_looked_at_is_not_copied() -> None:
    """Its elements do not count."""
    allowance = Allowance()
    row = [0] * 1000
    assert allowance.evaluate(compile_expression("vars.x"), {"vars": {"x": row}}, keep=False) is row
    assert allowance.work == WORK - 80


def test_one_expression_has_a_bound_of_its_own() -> None:
    """Beyond it the expression is wrong, and the file goes on."""
    with pytest.raises(EvaluationError, match=r"50,000 rounds.*while the file is loaded"):
        Allowance().evaluate(compile_expression("[0 for a in range(60000)]"), {})


def test_spent() -> None:
    """Once there is nothing left, the next one raises, whatever it is."""
    allowance = Allowance()
    allowance.take(WORK)
    with pytest.raises(Spent):
        allowance.evaluate(compile_expression("1 + 1"), {})
    with pytest.raises(Spent):
        allowance.copy([1])
    allowance.compile(CODE)
    with pytest.raises(Spent):
        allowance.compile(1)


def test_the_check_ends_where_the_allowance_does() -> None:
    """At that place, beside what was found before, and before what comes after."""
    refused(
        f"""
        §nome: x
        vars:
          a: "${{list(range(100000))}}"
          b: [1, "${{vars.a}}", "${{vars.a}}", "${{vars.a}}", §"${{vars.a}}"]
          c: "${{unknown}}"
        {END}
        """,
        'unknown key "nome"',
        TOGETHER,
    )


def test_a_matrix_shares_it() -> None:
    """What one scenario may do is not allowed to 256 of them."""
    text = var("[0 for a in range(2000)]")
    assert loaded("matrix: {m: [1, 2, 3]}\n" + text).scenarios
    found = faults(f"matrix: {{m: {list(range(256))}}}\n{text}")
    assert TOGETHER in found[0].message


def test_expressions_share_it() -> None:
    """Nine thousand short ones are enough for a file; the same one is compiled once."""
    many = "\n".join(f"- log: ${{x + {number}}}" for number in range(12_000))
    (found,) = faults(with_steps("- set: {x: 1}\n" + many))
    assert "the expressions and patterns of the file have more than 150,000" in found.message
    assert len(steps_of("- set: {x: 1}\n" + "- log: ${x + 1}\n" * 12_000)) == 12_001


def test_large_values_are_taken_as_they_are() -> None:
    """A list of a hundred thousand numbers, read, computed, and used in many places."""
    row = scenario(var("list(range(100000))", "vars.a0[1:3]")).vars
    assert (len(row["a0"]), row["a1"]) == (100_000, [1, 2])
    text = "vars: {n: '${list(range(100000))}'}\n" + with_steps(
        "- {for_each: '${vars.n}', as: x, steps: []}\n" * 200
    )
    assert scenario(text).workers


def test_long_patterns_are_refused() -> None:
    """A regular expression of a thousand characters is compiled, a longer one is not."""
    worker = "workers: {w: {command: [a], ready: {log: '%s'}}}"
    assert loaded(worker % ("a" * 1_000)).scenarios
    assert "longer than 1,000" in faults(worker % ("a" * 1_001))[0].message
