"""Words for mistakes: YAML's faults with a cure, near words, values as messages show them."""

from __future__ import annotations

from typing import Any

import pytest

from loads import refused, with_steps
from scenarios.loading.mistakes import among, nearest, quoted, shown, suggest
from scenarios.loading.reader import read
from scenarios.loading.source import ReadFault


def told(text: str) -> tuple[int, int, str]:
    """Place and words of YAML's fault in a text."""
    with pytest.raises(ReadFault) as refusal:
        read(text)
    return refusal.value.line, refusal.value.column, refusal.value.message


@pytest.mark.parametrize(
    ("line", "column", "corrected"),
    [
        ("- log: in main: ${x}", 15, '- log: "in main: ${x}"'),
        ("- log: now at: a  # why", 14, '- log: "now at: a"  # why'),
        ("log: it's: so", 10, 'log: "it\'s: so"'),
        ('log: a "b": c', 11, "log: 'a \"b\": c'"),
        ("- - log: C:\\x: y", 14, "- - log: 'C:\\x: y'"),
        ("{log: in main: x}", 14, '{log: "in main: x"}'),
        ("- {put: q, value: a: ${b}}", 20, '- {put: q, value: "a: ${b}"}'),
        ("return: ${ {'a': 1} }", 16, "return: \"${ {'a': 1} }\""),
    ],
)
def test_a_second_colon_is_told_with_the_corrected_line(
    line: str, column: int, corrected: str
) -> None:
    """A text with a colon and a blank needs quotes."""
    assert told(f"a: 1\nb:\n  {line}")[:2] == (3, column + 2)
    message = told(f"a: 1\nb:\n  {line}")[2]
    assert message.startswith('a second ": "')
    assert message.endswith(f"; quote it: {corrected}")


@pytest.mark.parametrize(
    ("line", "column", "corrected"),
    [
        ("- {put: q, value: ${x}}", 19, '- {put: q, value: "${x}"}'),
        ("- {put: q, value: ${x}, timeout: 1s}", 19, '- {put: q, value: "${x}", timeout: 1s}'),
        ("- {put: q, value: a ${x} b ${y}}", 21, '- {put: q, value: "a ${x} b ${y}"}'),
        ("args: [a, ${x['k']}, b]", 11, "args: [a, \"${x['k']}\", b]"),
        ("args: [${x}]", 8, 'args: ["${x}"]'),
        ("- {never: a.b == [], name: x}", 18, '- {never: "a.b == []", name: x}'),
        ("- {never: a == [b, {c: d}]}", 16, '- {never: "a == [b, {c: d}]"}'),
        ("- [a, b[0], c]", 8, '- [a, "b[0]", c]'),
        ("- {put: q, value: ${'\"'}}", 19, "- {put: q, value: '${''\"''}'}"),
    ],
)
def test_braces_in_flow_style_are_told_with_the_corrected_line(
    line: str, column: int, corrected: str
) -> None:
    """`${...}` between braces or brackets needs quotes."""
    assert told(line)[:2] == (1, column)
    assert told(line)[2].endswith(f"; quote it: {corrected}")


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("a:\n\t- b", (2, 1), "indent with spaces"),
        ("a: 1\nb\nc: 2", (2, 1), 'a key needs ": " after it'),
        ("a: 'x\nb: 1\n", (1, 4), "never closed"),
        ("  a: 1\n b: 2", (2, 2), "indented less"),
        ("a: `x`", (1, 4), "quote a text that starts with `"),
        ("a: @x", (1, 4), "quote a text that starts with @"),
        ("a: *.py", (1, 5), "quote a text that starts with * or &"),
        ("a: - b", (1, 4), "start the list on a line of its own"),
        ('a: "x" y: z', (1, 8), "look at the indentation and quotes"),
        ("a: [1, 2\nb: [3", (2, 2), 'expected "," or "]" in the list that is opened at line 1'),
        ("a: {b: 1 c: 2}", (1, 11), 'quote it: a: {b: "1 c: 2"}'),
    ],
)
def test_other_faults_of_yaml_have_a_cure(text: str, place: tuple[int, int], words: str) -> None:
    """YAML's own words, and what to do, at the place where the slip is."""
    line, column, message = told(text)
    assert ((line, column), words in message) == (place, True), message


def test_a_fault_of_yaml_is_told_alone() -> None:
    """Nothing else can be said of a file that is no YAML."""
    refused("nonsense: 1\nlog: a§: b\n", "second")


def test_long_lines_are_not_repeated() -> None:
    """A corrected line helps while it can be read."""
    assert told("log: " + "x" * 200 + ": y")[2].endswith("; quote it")


@pytest.mark.parametrize(
    ("word", "near"),
    [("dedlock", "deadlock"), ("DEADLOCK", "deadlock"), ("data-race", "data_race"), ("zzz", None)],
)
def test_nearest(word: str, near: str | None) -> None:
    """A word that is near, in whatever case and with whatever hyphens."""
    assert nearest(word, ["deadlock", "data_race"]) == near


def test_suggest_and_among() -> None:
    """The tail of a message names the near word, or otherwise what there is."""
    assert suggest("qeue", ["queue"], "!") == '; did you mean "queue"?'
    assert suggest("x", ["queue"], "!") == "!"
    assert suggest("x" * 1000, ["x" * 999], "!") == "!"
    assert among("ab") == "a, b"
    assert among("abcdefghijklmn").endswith("l, ...")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "nothing"),
        (True, "true"),
        (False, "false"),
        (-4, "-4"),
        ("a\nb", '"a\\nb"'),
        ("x" * 100, '"' + "x" * 57 + '..."'),
        ([1], "a list"),
        ({}, "a mapping"),
        (10**100, "1" + "0" * 36 + "..."),
    ],
)
def test_shown(value: Any, text: str) -> None:
    """Values on one line, as they would stand in a file."""
    assert shown(value) == text


def test_quoted() -> None:
    """Double quotes, or single ones where those would need escapes."""
    assert quoted("a") == '"a"'
    assert quoted('it\'s "so"') == "'it''s \"so\"'"


def test_messages_hold_no_control_characters() -> None:
    """What an escape hides in a text is made visible."""
    refused(with_steps('- {put: §"\\e[2J", value: 1}'), '"\\x1b[2J"')


def test_nearest_among_many() -> None:
    """Of many words those are compared that begin alike or are about as long."""
    words = [f"word{number}" for number in range(500)]
    assert nearest("wodr17", [*words, "queue"]) == "word17"
    assert nearest("queeu", [*words, "queue"]) == "queue"


def test_a_mistake_in_a_long_line() -> None:
    """What is wrong is told as in a short line; the line is not repeated."""
    before = "{" + "".join(f"k{number}: b, " for number in range(1_000))
    line, column, message = told(before + "value: ${x}}")
    assert (line, column) == (1, len(before) + 8)
    assert message == "braces of ${...} inside {} or [] need quotes around the text; quote it"
