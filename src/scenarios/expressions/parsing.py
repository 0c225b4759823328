"""Text of one expression -> syntax tree whose positions are characters, or a clear refusal."""

from __future__ import annotations

import ast
import keyword
import re
import warnings
from itertools import islice

from .errors import ExpressionError
from .scanning import Piece

MOST_PARTS = 5_000  # nodes of its tree: to check and compile one takes 5 µs
MOST_BRACES = 1_000  # in an f-string Python's parser takes 20 µs for each

HINTS = (
    (re.compile(r"&&"), '"&&" is not an operator here; use and'),
    (re.compile(r"\|\|"), '"||" is not an operator here; use or'),
    (re.compile(r"!(?!=)"), '"!" is not an operator here; use not'),
    (re.compile(r"(?<![=!<>:])=(?!=)"), '"=" is not an operator here; use == to compare'),
    (re.compile(r"\+\+|--"), "an expression changes nothing; use n + 1 or n - 1"),
)


def parse(piece: Piece, line: int) -> list[ast.AST]:
    """The nodes of `piece`, its tree first; they stand on `line`, columns are its characters.

    Raises ExpressionError, its offset relative to the whole text.
    """
    indent = len(piece.text) - len(piece.text.lstrip())
    if indent == len(piece.text):
        raise ExpressionError("an expression is missing", piece.offset)
    if piece.text.count("{") > MOST_BRACES:
        raise _too_large(piece)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(piece.text[indent:], mode="eval").body
        nodes = list(islice(ast.walk(tree), MOST_PARTS + 1))
        if len(nodes) > MOST_PARTS:
            raise _too_large(piece)
        _place(nodes, piece.text, indent, line)
    except SyntaxError as error:
        raise _refused(error, piece, indent) from None
    except (RecursionError, MemoryError):
        raise ExpressionError("the expression is nested too deeply", piece.offset) from None
    except UnicodeError:
        raise ExpressionError("half of a surrogate pair is not text", piece.offset) from None
    except ValueError as error:
        raise ExpressionError(f"not an expression: {_sentence(error)}", piece.offset) from None
    return nodes


def _too_large(piece: Piece) -> ExpressionError:
    what = f"{MOST_PARTS:,} parts (names, constants, operators), {MOST_BRACES:,} of them in braces"
    return ExpressionError(f"an expression has at most {what}", piece.offset)


def _refused(error: SyntaxError, piece: Piece, indent: int) -> ExpressionError:
    """The parser's complaint as a sentence, at its place where that is known."""
    text, offset = piece.text, error.offset or 0
    starts = _line_starts(text[indent:])
    row = min(max((error.lineno or 1) - 1, 0), len(starts) - 1)
    at, words = min(indent + starts[row] + max(offset - 1, 0), len(text) - 1), error.msg
    if not offset and words == "invalid syntax":
        at, words = len(text) - 1, "it ends too early"
    message = _hint(text, at) or f"not an expression: {_sentence(words)}"
    return ExpressionError(message, piece.offset + at)


def _hint(text: str, at: int) -> str | None:
    """A sentence for what people write who think of another language, found near `at`."""
    word = re.match(r"\w*", text[at:])
    if word and keyword.iskeyword(word[0]) and text[:at].rstrip().endswith("."):
        return f'"{word[0]}" is a word of Python; write [{word[0]!r}] in place of .{word[0]}'
    bare = re.sub(r"'[^']*'|\"[^\"]*\"", lambda quoted: " " * len(quoted[0]), text)
    for pattern, message in HINTS:
        if any(sign.start() - 1 <= at <= sign.end() for sign in pattern.finditer(bare)):
            return message
    return None


def _sentence(error: object) -> str:
    """The first sentence of Python's own message, as the end of one of ours."""
    words = " ".join(str(error).split()).partition(". ")[0]
    words = words.partition(" (detected at")[0].partition("; use sys.set_int")[0]
    return words[:1].lower() + words[1:200].rstrip(".")


def _line_starts(text: str) -> list[int]:
    return [0, *(index + 1 for index, character in enumerate(text) if character == "\n")]


def _place(nodes: list[ast.AST], text: str, indent: int, line: int) -> None:
    """Give every node `line` and columns in characters; the parser counts bytes in each line."""
    starts = _line_starts(text[indent:])
    offsets = _characters(text[indent:], starts)
    last = len(text)

    def character(row: int, column: int) -> int:
        known = offsets[min(row, len(offsets)) - 1]
        base = indent + starts[min(row, len(starts)) - 1]
        return min(base + (known[min(column, len(known) - 1)] if known else column), last)

    for node in nodes:
        if isinstance(node, (ast.expr, ast.keyword)):
            end_line, end_column = node.end_lineno or node.lineno, node.end_col_offset or 0
            node.col_offset = character(node.lineno, node.col_offset)
            node.end_col_offset = max(character(end_line, end_column), node.col_offset)
            node.lineno = node.end_lineno = line


def _characters(text: str, starts: list[int]) -> list[list[int] | None]:
    """For each line the character index of every byte; None where they are the same."""
    table: list[list[int] | None] = []
    for row in text.split("\n"):
        if row.isascii():
            table.append(None)
            continue
        indexes = [index for index, mark in enumerate(row) for _ in mark.encode()]
        table.append([*indexes, len(row)])
    return table
