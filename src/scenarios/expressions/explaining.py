"""What went wrong in an evaluation, as one sentence that shows the expression."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from types import TracebackType

from .errors import EvaluationError
from .guards import FILENAME

SHOWN = 80  # characters of an expression in a sentence
DETAIL = 200  # characters of Python's own message


def explain(error: Exception, pieces: Sequence[str]) -> EvaluationError:
    """The sentence for `error`, raised by the expression that `pieces` are the texts of."""
    line, start, end = _position(error.__traceback__)
    whole = pieces[line - 1] if 0 < line <= len(pieces) else " ".join(pieces)
    part = whole[start:end] if end > start else whole
    shown = whole.strip() if len(whole.strip()) <= SHOWN else part
    return EvaluationError(_sentence(error, part, f"`{_cut(' '.join(shown.split()), SHOWN)}`"))


def _position(traceback: TracebackType | None) -> tuple[int, int, int]:
    """Piece (from 1) and characters of what failed, from the innermost frame of an expression."""
    found = (0, 0, 0)
    while traceback is not None:
        code, instruction = traceback.tb_frame.f_code, traceback.tb_lasti // 2
        if code.co_filename == FILENAME:
            line, _, start, end = next(islice(code.co_positions(), instruction, None), (None,) * 4)
            found = (line or 0, start or 0, end or 0)
        traceback = traceback.tb_next
    return found


def _sentence(error: Exception, part: str, shown: str) -> str:
    if isinstance(error, EvaluationError):
        return f"{error} in {shown}"
    if isinstance(error, NameError):
        return f'"{_cut(part, SHOWN)}" has no value yet in {shown}'
    if isinstance(error, RecursionError):
        return f"values are nested too deeply in {shown}"
    if isinstance(error, MemoryError):
        return f"not enough memory for {shown}"
    if isinstance(error, KeyError):
        base, _ = _access(part)
        return f"no {_key(error)} in {_cut(base, SHOWN) if base else shown}"
    if isinstance(error, TypeError):
        base, attribute = _access(part)
        if attribute:
            return f'no "{attribute}" in {_cut(base, SHOWN)}, which is not a mapping'
    return f"{_message(error)} in {shown}"


def _message(error: Exception) -> str:
    """Python's own message as a part of a sentence."""
    words = " ".join(str(error).split()) or type(error).__name__
    words = words.partition("; use sys.set_int")[0]
    return _cut(words[:1].lower() + words[1:], DETAIL).rstrip(".")


def _key(error: KeyError) -> str:
    key = error.args[0] if error.args else ""
    return f'"{_cut(key, SHOWN)}"' if isinstance(key, str) else _cut(repr(key), SHOWN)


def _access(part: str) -> tuple[str, str]:
    """("job.item", "who") for `job.item.who`; the second is empty for `job.item["who"]`."""
    import ast

    try:
        tree = ast.parse(part.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return "", ""
    if not isinstance(tree, (ast.Attribute, ast.Subscript)):
        return "", ""
    base = ast.get_source_segment(part.strip(), tree.value) or ""
    return base, tree.attr if isinstance(tree, ast.Attribute) else ""


def _cut(words: str, length: int) -> str:
    return words if len(words) <= length else words[: length - 3] + "..."
