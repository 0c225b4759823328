"""Plain texts that were meant as expressions."""

from __future__ import annotations

import pytest

from loads import loaded, refused, steps_of, with_steps

TOP = "vars: {m: 2}\nqueues: {q: {}}\nvalues: {val: 0}"


@pytest.mark.parametrize(
    ("step", "corrected"),
    [
        ("- {put: q, value: §n + 1}", '- {put: q, value: "${n + 1}"}'),
        ("- return: §n * vars.m", '- return: "${n * vars.m}"'),
        ("- return: §n[0]", '- return: "${n[0]}"'),
        ("- return: {a: §n - 1}", '- return: {a: "${n - 1}"}'),
        ("- set: {k: §n if n else m}", '- set: {k: "${n if n else m}"}'),
        ("- write: val\n  value: §values.val + 1", 'value: "${values.val + 1}"'),
        ("- {call: 'm:f', args: [§n == m], kwargs: {}}", 'args: ["${n == m}"]'),
        ("- return: §len(n)", '- return: "${len(n)}"'),
        ("- return: §not n", '- return: "${not n}"'),
        ("- return: §-n", '- return: "${-n}"'),
        ("- return: §n and m", '- return: "${n and m}"'),
    ],
)
def test_an_operation_on_variables_is_refused(step: str, corrected: str) -> None:
    """The message has the corrected line, and says how to keep the text."""
    refused(with_steps(f"- set: {{n: 1, m: 2}}\n{step}", TOP), corrected)


def test_the_whole_message() -> None:
    """What is wrong, the line as it should be, and the way out."""
    refused(
        with_steps("- set: {n: 1}\n- {put: q, value: §n + 1}", TOP),
        '"n + 1" is plain text, not an expression; write - {put: q, value: "${n + 1}"}, '
        "or quote it where the text is meant",
    )


@pytest.mark.parametrize(
    "value",
    [
        "n",
        "'n + 1'",
        '"n + 1"',
        "a + 1",
        "1 + 1",
        "2024-01-02",
        "n is a letter",
        "n + m + unknown",
        "n + ${m}",
        "values.val",
        "worker - run",
        "n.m",
        "n = 1",
        "n (and m)",
        "[n, m]",
        "n, m - l",
        "n +",
    ],
)
def test_texts_that_stay_texts(value: str) -> None:
    """Names alone, quoted texts, unknown words and sentences are texts."""
    assert steps_of(f"- set: {{n: 1, m: 2}}\n- return: {value}", TOP)


def test_a_variables_name_alone_is_noticed() -> None:
    """It is a text, and most likely was not meant to be one."""
    text = with_steps("- {get: q, into: item}\n- {put: q, value: item}\n- return: 'item'", TOP)
    assert loaded(text).notices == (
        'file.yaml:9:25: "item" is text here; the variable is written "${item}"',
    )


def test_messages_for_people_are_texts() -> None:
    """`log`, `fail` and `message` are read by people."""
    assert steps_of("- set: {n: 1}\n- log: n + 1\n- {assert: 'n', message: n + 1}\n- fail: n - 1")
