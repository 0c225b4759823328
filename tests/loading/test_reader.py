"""YAML text to positioned nodes: scalars of YAML 1.2, budgets, odd keys."""

from __future__ import annotations

import math
import time
from typing import Any

import pytest
import yaml

from scenarios.loading import reader
from scenarios.loading.nodes import data
from scenarios.loading.reader import read, read_value
from scenarios.loading.source import ReadFault, decode


def value(text: str) -> Any:
    """A text as plain data; it has no faults."""
    node, faults = read(decode(text.encode()))
    assert faults == []
    return data(node)


def fault(content: bytes | str) -> tuple[int, int, str]:
    """Place and message of the fault that ends the reading."""
    with pytest.raises(ReadFault) as refusal:
        read(decode(content.encode() if isinstance(content, str) else content))
    return refusal.value.line, refusal.value.column, refusal.value.message


@pytest.fixture(params=["libyaml", "python"])
def both(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With libyaml's parser, and with PyYAML's own where libyaml is absent."""
    loader = yaml.CSafeLoader if request.param == "libyaml" else yaml.SafeLoader
    monkeypatch.setattr(reader, "_Loader", loader)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("NULL", None),
        ("nUll", "nUll"),
        ("true", True),
        ("False", False),
        ("no", "no"),
        ("on", "on"),
        ("y", "y"),
        ("0", 0),
        ("-12", -12),
        ("+12", 12),
        ("012", 12),
        ("0o14", 12),
        ("0xC", 12),
        ("1:30", "1:30"),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("2001-01-01", "2001-01-01"),
        ("1.5", 1.5),
        ("-.5", -0.5),
        ("1.", 1.0),
        ("1e3", 1000.0),
        ("1.5.2", "1.5.2"),
        (".inf", math.inf),
        ("-.INF", -math.inf),
        ("=", "="),
        ('"12"', "12"),
        ("'true'", "true"),
        ('"\\u00e9\\x1b\\0"', "é\x1b\0"),
        ("|\n  a\n  b\n", "a\nb\n"),
        ("9" * 400, int("9" * 400)),
    ],
)
@pytest.mark.usefixtures("both")
def test_scalars_are_read_by_yaml_1_2(text: str, expected: Any) -> None:
    """Plain scalars follow the core schema of YAML 1.2, and quotes make text."""
    assert value(f"k: {text}") == {"k": expected}


def test_not_a_number_is_read() -> None:
    """`.nan` is a float that equals nothing."""
    assert math.isnan(value(".nan"))


@pytest.mark.usefixtures("both")
def test_nodes_know_their_places() -> None:
    """Keys, values and items stand where they begin, in characters from 1."""
    node, _ = read("é: [1, {b: ü}]\nlong:\n  - x\n  - y: z\n")
    first, second = node.value["é"], node.value["long"]
    item = first.node.value[1]
    assert (first.line, first.column, first.node.column) == (1, 1, 4)
    assert (item.column, item.value["b"].column, item.value["b"].node.column) == (8, 9, 12)
    assert [(one.line, one.column) for one in second.node.value] == [(3, 5), (4, 5)]


def test_a_byte_order_mark_is_no_character() -> None:
    """A UTF-8 mark at the start moves no column."""
    node, _ = read(decode(b"\xef\xbb\xbfa: 1"))
    assert node.value["a"].column == 1


@pytest.mark.usefixtures("both")
def test_aliases_stand_for_their_node() -> None:
    """An alias gives the node again; a scalar's place is that of the alias."""
    node, _ = read("a: &x [1]\nb: *x\nc: &y text\nd: *y\n")
    assert data(node) == {"a": [1], "b": [1], "c": "text", "d": "text"}
    assert (node.value["d"].node.line, node.value["d"].node.column) == (4, 4)
    assert node.value["b"].node.line == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: 2\na: 3", (3, 1, 'duplicate key "a"; it stands at line 1 already')),
        ("a: {b: 1, b: 2}", (1, 11, 'duplicate key "b"; it stands at line 1 already')),
        ("1: x", (1, 1, 'key 1 is not text; quote it: "1"')),
        ("a: {true: x}", (1, 5, 'key true is not text; quote it: "true"')),
        ("~: x", (1, 1, 'key ~ is not text; quote it: "~"')),
        ("[a]: x", (1, 1, "a key is a text, not a list or a mapping")),
        ("? {a: 1}\n: x", (1, 3, "a key is a text, not a list or a mapping")),
        ("a: !!str x", (1, 4, "tag tag:yaml.org,2002:str: tags are not read; write plain data")),
        ("a: ! x", (1, 4, "tag !: tags are not read; write plain data")),
        ("a: !!python/object:os.system []", (1, 4, "tag tag:yaml.org,2002:python/object:os.sy")),
    ],
)
@pytest.mark.usefixtures("both")
def test_odd_keys_and_tags_are_collected(text: str, expected: tuple[int, int, str]) -> None:
    """Duplicates, keys that are no text and tags are told, and the rest is read."""
    _, faults = read(text + "\nlast: 1")
    line, column, message = faults[0]
    assert (line, column, message[: len(expected[2])]) == expected
    assert len(faults) == 1


def test_merge_keys_are_refused_and_quoted_ones_are_keys() -> None:
    """YAML 1.2 knows no `<<`: a plain one is a slip, a quoted one a key."""
    _, faults = read("a: &a {b: 1}\nc: {<<: *a, d: 1}")
    assert faults[0][:2] == (2, 5)
    assert 'unknown key "<<"' in faults[0][2]
    assert value('"<<": 1') == {"<<": 1}


@pytest.mark.parametrize(
    ("content", "place", "words"),
    [
        (b"a: \xff", (1, 4), "not UTF-8"),
        (b"a: 1\n\xc3\xa9\xe9", (2, 2), "not UTF-8"),
        ("a: 1".encode("utf-16"), (1, 1), "not UTF-8"),
        (b"a: \x00", (1, 4), "control character U+0000"),
        (b"a: 1\r\nb: \x1b[0m", (2, 4), "control character U+001B"),
        ("a: \u2028", (1, 4), "control character U+2028"),
        ("a: \x85", (1, 4), "control character U+0085"),
        ("", (1, 1), "the file holds nothing"),
        ("# nothing\n", (1, 1), "the file holds nothing"),
        ("a: 1\n---\nb: 1", (2, 1), "a second document"),
        ("a: *b", (1, 4), "alias *b has no anchor &b"),
        ("a: &a [*a]", (1, 8), "alias *a refers to itself"),
        ("a: &a {b: {c: *a}}", (1, 15), "alias *a refers to itself"),
        ("a: " + "1" * 401, (1, 4), "more than 400 digits"),
        ("a: 0x" + "f" * 401, (1, 4), "more than 400 digits"),
        ("a: '" + "x" * 65_537 + "'", (1, 4), "65,537 characters; at most 64 KiB"),
        (b"#" * (8 * 1024 * 1024 + 1), (1, 1), "at most 8 MiB"),
    ],
)
@pytest.mark.usefixtures("both")
def test_what_ends_the_reading(content: bytes | str, place: tuple[int, int], words: str) -> None:
    """Text that is not to be read is refused at its place."""
    line, column, message = fault(content)
    assert ((line, column), words in message) == (place, True), message


@pytest.mark.usefixtures("both")
def test_half_a_surrogate_is_refused() -> None:
    """An escape that is half a character is refused by either parser."""
    assert fault('a: "\\ud800"')[0] == 1


@pytest.mark.usefixtures("both")
def test_depth_counts_collections_from_the_root() -> None:
    """64 collections inside each other are read, 65 are refused where the last one opens."""
    assert value("a: " + "[" * 63 + "]" * 63)
    assert fault("a: " + "[" * 64 + "]" * 64)[1:] == (67, "nesting deeper than 64")
    assert fault("- " * 65 + "x")[2] == "nesting deeper than 64"


def test_depth_holds_through_aliases() -> None:
    """An alias brings the depth of its node along."""
    deep = "a: &a " + "[" * 40 + "]" * 40
    assert value(f"{deep}\nb: " + "[" * 22 + "*a" + "]" * 22)
    assert "nesting deeper than 64" in fault(f"{deep}\nb: " + "[" * 24 + "*a" + "]" * 24)[2]


def test_aliases_are_counted_by_what_they_stand_for() -> None:
    """10,000 nodes may come from aliases, no more."""
    nine = "a: &a [" + ", ".join(["x"] * 99) + "]\n"  # 100 nodes
    assert len(value(nine + "b: [" + ", ".join(["*a"] * 100) + "]")["b"]) == 100
    assert "more than 10,000 nodes" in fault(nine + "b: [" + ", ".join(["*a"] * 101) + "]")[2]


BOMB = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
)


@pytest.mark.parametrize(
    "text",
    [
        BOMB,
        "[" * 100_000,
        "{a: " * 50_000,
        "- " * 100_000,
        "? " * 100_000,
        "a: " + "9" * 1_000_000,
        "&a [*a, *a]",
        "a: '" + "\\" * 100_000,
        "!!binary " * 1_000,
        "x: " + "&a " * 10_000,
        "a: {x: ${" * 1_000,
        "a: b: " * 10_000,
        "\t" * 10_000 + "a: 1",
        "%YAML 9.9\n---\na: 1",
        "1: a\n" * 1_000,
    ],
    ids=lambda text: text[:12],
)
def test_hostile_texts_are_refused_at_once(text: str) -> None:
    """Bombs, depth and floods of faults cost less than 100 ms of work."""
    begin = time.thread_time()
    try:
        _, faults = read(decode(text.encode()))
    except ReadFault:
        faults = [(0, 0, "")]
    assert faults
    assert time.thread_time() - begin < 0.2  # a busy neighbour on the core doubles it


def test_faults_of_one_file_are_bounded() -> None:
    """After a hundred faults the reading ends, and those before are kept."""
    with pytest.raises(ReadFault) as refusal:
        read("1: a\n" * 1_000)
    assert len(refusal.value.earlier) == 100


@pytest.mark.parametrize(
    ("text", "expected"),
    [("3", 3), ("[a, 1]", ["a", 1]), ("", None), ("no", "no"), ("{a: {b: 1}}", {"a": {"b": 1}})],
)
def test_a_short_value(text: str, expected: Any) -> None:
    """The value of `--set` is read as YAML."""
    assert read_value(text) == expected


@pytest.mark.parametrize("text", ["[1", "{a: 1, a: 2}", "*x", "\x00", "a: b: c", "\udcff"])
def test_a_short_value_that_is_none(text: str) -> None:
    """What is no YAML has a message."""
    with pytest.raises(ReadFault):
        read_value(text)
