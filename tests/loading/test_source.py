"""The bytes of a file: what is refused, and where; lines for messages."""

from __future__ import annotations

import pytest

from scenarios.loading.source import LONGEST_SHOWN, ReadFault, Source

PIECE = 256 * 1024  # as much as is looked at in one go


def place(content: bytes) -> tuple[int, int]:
    """Where a content is refused."""
    with pytest.raises(ReadFault) as refusal:
        Source(content)
    return refusal.value.line, refusal.value.column


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"\xff", (1, 1)),
        (b"a\n\xff", (2, 1)),
        (b"a\r\nb\rc\xff", (3, 2)),
        ("é✓\U0001f600\x01".encode(), (1, 4)),
        ("é\né✓\U0001f600\x85".encode(), (2, 4)),
        (b"\xef\xbb\xbf\x00", (1, 1)),
        (b"\xef\xbb\xbfa\xef", (1, 2)),
        ("é\u2028".encode(), (1, 2)),
        (b"%TAG ! x\n", (1, 1)),
        (b"\xef\xbb\xbf%TAG ! x\n", (1, 1)),
        (b"# a\r%TAG ! x\n%TAG ! y\n", (2, 1)),
    ],
)
def test_places_count_characters(content: bytes, expected: tuple[int, int]) -> None:
    """Whatever the line ends, the letters and the mark at the start."""
    assert place(content) == expected


@pytest.mark.parametrize("before", range(PIECE - 4, PIECE + 2))
@pytest.mark.parametrize("wrong", [b"\xff", b"\x01", "\u2029".encode()])
def test_pieces_make_no_difference(before: int, wrong: bytes) -> None:
    """A character may lie across two pieces, and a fault anywhere near."""
    text = "a" * before + "\U0001f600é"
    assert Source(text.encode()).text == text
    assert place(text.encode() + wrong) == (1, before + 3)


def test_a_character_that_never_ends() -> None:
    """The last bytes are looked at, too."""
    assert place(b"a" * (PIECE - 1) + b"\xf0\x9f") == (1, PIECE)
    assert place(b"a" * 5 + b"\xf0\x9f") == (1, 6)


def test_lines() -> None:
    """A line by its number, nothing beyond the last, and nothing of a very long file."""
    source = Source(b"\xef\xbb\xbfa\r\nb\rc")
    assert [source.line(number) for number in (1, 2, 3, 4)] == ["a", "b", "c", ""]
    assert Source(b"a\n" * LONGEST_SHOWN).line(1) == ""


def test_a_word_like_the_directive_is_text() -> None:
    """Only at the start of a line is %TAG a directive."""
    assert Source(b"name: 50 %TAG\n# %TAG\n  %TAG\n").text.startswith("name")
