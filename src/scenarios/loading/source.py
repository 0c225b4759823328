"""The bytes of a scenario file: refused where they are no text of the format, cut into lines.

They are looked at in pieces, since a text can take four times the memory of its bytes.
"""

from __future__ import annotations

import codecs
import re
from functools import cached_property
from typing import Final

MAX_BYTES: Final = 8 * 1024 * 1024
LONGEST_SHOWN: Final = 1024 * 1024  # bytes of a file whose lines are shown
_PIECE: Final = 256 * 1024  # bytes that are looked at in one go
_MARK: Final = codecs.BOM_UTF8

# What the format refuses: C0 and C1 controls but tab and line ends; the two line ends that YAML
# 1.1 knows and editors do not, since they would shift every line after them; non-characters.
_FORBIDDEN: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff]")
_CONTROLS: Final = bytes([*range(9), 11, 12, *range(14, 32), 127])
_CONTINUATION: Final = bytes(range(0x80, 0xC0))  # the bytes of a character after its first
_TAGS: Final = (b"\n%TAG", b"\r%TAG")  # libyaml takes quadratic time for many of them


class ReadFault(Exception):
    """The text is not accepted and reading ended; `line` and `column` count from 1.

    `earlier` holds what was collected before, each as line, column and message.
    """

    def __init__(self, line: int, column: int, message: str) -> None:
        super().__init__(message)
        self.line, self.column, self.message = line, column, message
        self.earlier: list[tuple[int, int, str]] = []


class Source:
    """The content of a file that was checked."""

    def __init__(self, content: bytes) -> None:
        check(content)
        self.content = content

    @property
    def text(self) -> str:
        """All of it as text."""
        return self.content.decode("utf-8-sig")

    def line(self, number: int) -> str:
        """A line, counted from 1, to be shown in a message; empty where the file is very long."""
        return self._lines[number - 1] if number <= len(self._lines) else ""

    @cached_property
    def _lines(self) -> list[str]:
        return self.text.splitlines() if len(self.content) <= LONGEST_SHOWN else []


def decode(content: bytes) -> str:
    """The text of a file, refused where it is too long, not UTF-8 or holds control characters."""
    return Source(content).text


def check(content: bytes) -> None:
    """Refuse what is too long, not UTF-8 or holds control characters. Raises ReadFault."""
    if len(content) > MAX_BYTES:
        raise ReadFault(1, 1, f"the file has {len(content):,} bytes; at most 8 MiB are read")
    decoder = codecs.getincrementaldecoder("utf-8")()
    begin = len(_MARK) if content.startswith(_MARK) else 0
    for at in range(begin, len(content), _PIECE):
        piece = content[at : at + _PIECE]
        held = len(decoder.getstate()[0])  # bytes of a character that began in the last piece
        if not held and piece.isascii() and len(piece.translate(None, _CONTROLS)) == len(piece):
            continue
        try:
            text = decoder.decode(piece, at + _PIECE >= len(content))
        except UnicodeDecodeError as fault:
            before = content[begin : at - held + fault.start]
            raise ReadFault(*_place_after(before), "the file is not UTF-8 text") from None
        found = _FORBIDDEN.search(text)
        if found:
            before = content[begin : at - held] + text[: found.start()].encode()
            raise ReadFault(
                *_place_after(before),
                f"control character U+{ord(found.group()):04X}; "
                'inside double quotes it can be written as an escape such as "\\x1b"',
            )

    found_at = [content.find(tag) + 1 for tag in _TAGS if tag in content]
    if content.startswith(_TAGS[0][1:], begin):
        found_at = [begin]
    if found_at:
        message = "%TAG: tags are not read; write plain data"
        raise ReadFault(*_place_after(content[begin : min(found_at)]), message)


def _place_after(before: bytes) -> tuple[int, int]:
    breaks = before.count(b"\n") + before.count(b"\r") - before.count(b"\r\n")
    last = before[max(before.rfind(b"\n"), before.rfind(b"\r")) + 1 :]
    return breaks + 1, len(last.translate(None, _CONTINUATION)) + 1
