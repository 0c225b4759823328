"""The two errors of expressions: a text that is refused, an evaluation that fails."""

from __future__ import annotations

from scenarios.errors import ScenariosError

Path = tuple[str | int, ...]


class ExpressionError(ScenariosError):
    """A text is not an expression of the format.

    `message` is one lower-case sentence, `offset` counts characters from 0 in the text that was
    given; `path` leads to that text in nested data (keys and indexes), and is empty otherwise.
    """

    def __init__(self, message: str, offset: int = 0, path: Path = ()) -> None:
        super().__init__(message, offset, path)
        self.message = message
        self.offset = offset
        self.path = path

    def __str__(self) -> str:
        return self.message


class EvaluationError(ScenariosError):
    """An expression has no value here; the text is one lower-case sentence."""
