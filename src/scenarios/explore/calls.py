"""Python code that steps call: run once for each target and arguments, its answer kept."""

from __future__ import annotations

from typing import Any

from scenarios.answers import Failed
from scenarios.errors import RAISED, ScenariosError, sentence
from scenarios.explore.cut import Cut
from scenarios.expressions import plain
from scenarios.program import Operation
from scenarios.resources.freezing import frozen, thawed
from scenarios.worker.locals import resolve


class Calls:
    """Answers of calls; `assumed` has the operations that are not declared pure.

    Where `given` has an answer, that is the next one, and nothing is run.
    """

    def __init__(self) -> None:
        self.assumed: dict[int, Operation] = {}
        self.given: tuple[Any] | None = None
        self._answers: dict[tuple[str, bytes], Any] = {}

    def answer(self, operation: Operation, argument: Any) -> Any:
        """What the call gives for these arguments: plain data, or a Failed."""
        if self.given is not None:
            return self.given[0]
        if operation.detail.startswith("local."):
            raise Cut(f"it calls {operation.detail}, an object that is not plain data")
        if not operation.pure:
            self.assumed[operation.line] = operation
        key = operation.detail, frozen(argument)
        if key not in self._answers:
            self._answers[key] = self._call(operation, argument)
        answer = self._answers[key]
        return thawed(answer) if isinstance(answer, bytes) else answer

    def _call(self, operation: Operation, argument: Any) -> Any:
        args, kwargs = argument
        try:
            result = resolve(operation.detail)(*args, **kwargs)
        except ScenariosError as error:
            return Failed(str(error))
        except RAISED as error:
            return Failed(sentence(error))
        if operation.into is None:
            return frozen(None)
        try:
            return frozen(plain(result))
        except ScenariosError:
            raise Cut(f"what {operation.detail} gives is not plain data") from None
