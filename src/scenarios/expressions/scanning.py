"""Where expressions stand in a text: the pieces of a template, quotes and brackets respected."""

from __future__ import annotations

from dataclasses import dataclass

from .errors import ExpressionError

LENGTH = 65_536  # characters of a text with expressions; Python's parser needs about 1 µs for each
BRACKETS = 64  # nested; the format's own limit of nesting
OPENING = {")": "(", "]": "[", "}": "{"}


@dataclass(frozen=True, slots=True)
class Piece:
    """One expression: its text, line breaks between words made blanks, and where it starts."""

    text: str
    offset: int


def bare(text: str) -> Piece:
    """The whole of `text` as one expression."""
    _check_length(text)
    scanned, _ = _scan(text, 0, closing=False)
    return Piece(scanned, 0)


def split(text: str) -> list[str | Piece]:
    """Literal texts and expressions of a template, in order; `$${` is a literal `${`."""
    if "${" not in text:
        return [text] if text else []
    _check_length(text)
    parts: list[str | Piece] = []
    literal, position = "", 0
    while (found := text.find("${", position)) >= 0:
        if found > position and text[found - 1] == "$":
            literal += text[position : found - 1] + "${"
            position = found + 2
            continue
        literal += text[position:found]
        scanned, end = _scan(text, found + 2, closing=True)
        if literal:
            parts.append(literal)
        parts.append(Piece(scanned, found + 2))
        literal, position = "", end + 1
    literal += text[position:]
    return [*parts, literal] if literal else parts


def _check_length(text: str) -> None:
    if len(text) > LENGTH:
        raise ExpressionError(
            f"a text with expressions is at most {LENGTH:,} characters long", LENGTH
        )


def _scan(text: str, start: int, closing: bool) -> tuple[str, int]:
    """The expression from `start` to the end, or to the `}` that closes it, and where that is."""
    stack: list[str] = []
    kept: list[str] = []
    position = start
    while position < len(text):
        character = text[position]
        if character in "'\"":
            end = _after_quotes(text, position)
            kept.append(text[position:end])
            position = end
            continue
        if closing and character == "}" and "{" not in stack:
            return "".join(kept), position
        _track(character, stack, position)
        kept.append(" " if character in "\n\r\t" else character)
        position += 1
    if closing:
        raise ExpressionError('"${" without its "}"', start - 2)
    return "".join(kept), position


def _track(character: str, stack: list[str], position: int) -> None:
    if character in "([{":
        stack.append(character)
        if len(stack) > BRACKETS:
            raise ExpressionError(f"brackets are nested deeper than {BRACKETS}", position)
    elif character in OPENING and stack and stack[-1] == OPENING[character]:
        stack.pop()
    elif character == "#":
        raise ExpressionError("a comment cannot stand in an expression", position)
    elif character == "\0":
        raise ExpressionError("a NUL character cannot stand in an expression", position)


def _after_quotes(text: str, start: int) -> int:
    """Position behind the quoted text that starts at `start`."""
    quote = text[start] * 3 if text.startswith(text[start] * 3, start) else text[start]
    position = start + len(quote)
    while position < len(text):
        if text.startswith(quote, position):
            return position + len(quote)
        if text[position] in "\r\0" or (text[position] == "\n" and len(quote) == 1):
            break
        position += 2 if text[position] == "\\" else 1
    raise ExpressionError(f"a text is opened with {quote} and never closed", start)
