"""Parts of secrets: lines of output, and what is left where a text was cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.answers import Failed
from scenarios.event import Masker
from scenarios.loading.hiding import hidden
from scenarios.supervision.output import BoundedOutput

LONG = "correct-horse-battery-staple"
KEY = "BEGIN\nMIIEvQIBADANBg\nab==\nxy\nQ8=="


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("BEGIN", "***"),
        ("key: BEGIN", "key: ***"),
        ("BEGINNING", "BEGINNING"),
        ("a MIIEvQIBADANBg b", "a *** b"),
        ("  ab==  ", "***"),
        ("c == ab== or not", "c == ab== or not"),
        ("Q8== is its end", "*** is its end"),
        ("FQ8==", "FQ8=="),
        ("xy", "xy"),
    ],
)
def test_short_lines_of_a_secret(line: str, shown: str) -> None:
    """Hidden where a line of output can be a line of the secret, and nowhere else."""
    assert Masker([KEY]).text(line) == shown


@given(
    lines=st.lists(st.text("abcdef=\\\"'", min_size=4, max_size=10), min_size=2, max_size=4),
    before=st.text("xyz ", max_size=5),
    after=st.text("xyz ", max_size=5),
)
def test_a_secret_printed_line_by_line(lines: list[str], before: str, after: str) -> None:
    """No line of it is left, whatever stands before and behind it."""
    masker = Masker(["\n".join(lines)])
    printed = (before + "\n".join(lines) + after).split("\n")
    hidden_lines = [masker.text(line) for line in printed]
    assert not any(line in found for line, found in zip(lines, hidden_lines, strict=True))


@pytest.mark.parametrize("length", range(4, len(LONG)))
def test_what_a_cut_has_left(length: int) -> None:
    """The beginning of a secret before three dots, and its end behind them."""
    masker = Masker([LONG])
    assert masker.text(f"it is {LONG[:length]}... here") == "it is ***... here"
    assert masker.text(f"...{LONG[-length:]} was it") == "...*** was it"
    assert masker.text(f"{LONG[:length]} without dots") == f"{LONG[:length]} without dots"


@pytest.mark.parametrize("before", range(100 - len(LONG) - 2, 104))
def test_the_middle_of_an_output_that_is_left_out(before: int) -> None:
    """However the bound cuts a secret, at most three characters of it stay."""
    kept = BoundedOutput(200)
    kept(b"-" * before + LONG.encode() + b"=" * 500 + LONG.encode() + b"-" * (before - 4))
    shown = Masker([LONG]).text(kept.text())
    assert not any(LONG[at : at + 4] in shown for at in range(len(LONG) - 3))


@pytest.mark.parametrize("before", [3990, 3995, 3999, 4000])
def test_a_failure_that_is_cut(before: int) -> None:
    """The bound of a sentence, and that of a traceback, which loses its beginning."""
    failed = Failed("-" * before + LONG, LONG + "-" * (65536 - 20))
    masker = Masker([LONG])
    for text in (failed.text, failed.traceback):
        assert not any(LONG[at : at + 4] in masker.text(text) for at in range(len(LONG) - 3))


YAML = """\
# hunter2-x in a comment
a: hunter2-x
b: 'it''s
  folded'
c: "hun\\x74er2-x"
d: |
  one
  hunter2-x
e: &anchor "hunter2-x"
f: *anchor
g: [é, hunter2-x, 4711]
h: {hunter2-x: 1}
i: 12345
"""


def test_however_yaml_writes_a_secret() -> None:
    """Quoted, escaped, folded, in a block, as a key, as a number; the rest stays as it is."""
    assert hidden(YAML, ["hunter2-x", "it's folded", "12345"]) == (
        "# *** in a comment\n"
        'a: "***"\n'
        'b: "***"\n'
        'c: "***"\n'
        'd: "***"\n'
        'e: &anchor "***"\n'
        "f: *anchor\n"
        'g: [é, "***", 4711]\n'
        'h: {"***": 1}\n'
        'i: "***"\n'
    )
    assert hidden(YAML, []) == YAML


_MIXED = st.text('ab"\\\\é\n.x1', max_size=14)


@given(st.lists(_MIXED, max_size=6), _MIXED, _MIXED, st.booleans())
def test_near_hides_the_same(secrets: list[str], before: str, after: str, cut: bool) -> None:
    """With the forms that have to do with a text alone nothing else is hidden, nor less."""
    masker = Masker(secrets)
    for secret in [*secrets, ""]:
        text = before + (secret[:5] + "..." + secret[-5:] if cut else secret) + after
        assert masker.near(text).text(text) == masker.text(text)
