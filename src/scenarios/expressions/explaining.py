"""What went wrong in an evaluation, as one sentence that shows the expression."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from types import CodeType, TracebackType

from .errors import EvaluationError
from .guards import FILENAME

SHOWN = 80  # characters of an expression in a sentence
DETAIL = 200  # characters of Python's own message


def explain(error: Exception, pieces: Sequence[str]) -> EvaluationError:
    """The sentence for `error`, raised by an expression that consists of `pieces`."""
    line, start, end = _position(error.__traceback__)
    whole = pieces[line - 1] if 0 < line <= len(pieces) else " ".join(pieces)
    part = whole[start:end] if end > start else whole
    shown = whole.strip() if len(whole.strip()) <= SHOWN else _cut(part, SHOWN)
    return EvaluationError(_sentence(error, part, " ".join(shown.split())))


def _position(traceback: TracebackType | None) -> tuple[int, int, int]:
    """Piece (from 1) and characters of what failed, from the innermost frame of an expression."""
    found = (0, 0, 0)
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if code.co_filename == FILENAME:
            found = _columns(code, traceback.tb_lasti)
        traceback = traceback.tb_next
    return found


def _columns(code: CodeType, instruction: int) -> tuple[int, int, int]:
    line, _, start, end = next(
        islice(code.co_positions(), instruction // 2, None), (None, None, None, None)
    )
    return line or 0, start or 0, end or 0


def _sentence(error: Exception, part: str, shown: str) -> str:
    if isinstance(error, EvaluationError):
        return f"{error} in `{shown}`"
    if isinstance(error, KeyError):
        base = _container(part)
        return f"no {_key(error)} in {_cut(base, SHOWN)}" if base else f"no {_key(error)} in `{shown}`"
    if isinstance(error, NameError):
        return f'"{error.name}" has no value yet in `{shown}`'
    if isinstance(error, RecursionError):
        return f"values are nested too deeply in `{shown}`"
    if isinstance(error, MemoryError):
        return f"not enough memory for `{shown}`"
    if isinstance(error, TypeError) and (base := _container(part)) and "." in part[len(base) :]:
        return f"no {part[len(base) :].strip()} in {_cut(base, SHOWN)}: it is not a mapping"
    return f"{_message(error)} in `{shown}`"


def _message(error: Exception) -> str:
    words = " ".join(str(error).split()) or type(error).__name__
    words = words.partition("; use sys.set_int")[0]
    return _cut(words[:1].lower() + words[1:], DETAIL).rstrip(".")


def _key(error: KeyError) -> str:
    key = error.args[0] if error.args else ""
    return _cut(f'"{key}"' if isinstance(key, str) else repr(key), SHOWN)


def _container(part: str) -> str:
    """`job.item` for `job.item.who` or `job.item["who"]`; empty where it is neither."""
    import ast

    try:
        tree = ast.parse(part.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    if isinstance(tree, (ast.Attribute, ast.Subscript)):
        return ast.get_source_segment(part.strip(), tree.value) or ""
    return ""


def _cut(words: str, length: int) -> str:
    return words if len(words) <= length else words[: length - 3] + "..."
