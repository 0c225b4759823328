"""What the loading of one file may cost in all, however many small things it is made of.

Each expression, value and list has a bound of its own; a file can hold thousands of each. What is
evaluated, copied and compiled while it is loaded is therefore taken from one allowance, whatever
the number of scenarios in its matrix.
"""

from __future__ import annotations

from typing import Any, Final

from scenarios.expressions import EvaluationError, Expression, plain, prepare
from scenarios.expressions.data import ELEMENTS, weigh

EACH: Final = 500_000  # elements of work for one expression: 50,000 rounds of a loop
WORK: Final = 2_000_000  # elements for all of them, with what follows: 20 to 80 ms
EVALUATION: Final = 80  # elements that each evaluation counts for at least
KEPT: Final = 4  # elements of work for each element of a value that is kept: 40 bytes of memory
CONTAINER: Final = 20  # and for each list and mapping of it: 200 bytes
NODE: Final = 40  # and for each element that becomes a node with a place: 1 µs, 150 bytes
CODE: Final = 150_000  # parts of all expressions together, 5 µs and 100 bytes each
TEXT: Final = 16  # characters of a text with expressions that count for as much as a part
BROKEN: Final = 2  # the same of a text that is refused: how far it was parsed is not known


class Enough(Exception):
    """The check of a file ends here: what was found so far is what is told."""


class Spent(Exception):
    """The allowance of a file is spent; the text says what on."""


class Allowance:
    """What is left for one file. The methods raise Spent once there is nothing."""

    def __init__(self) -> None:
        self.work = WORK
        self.code = CODE

    def evaluate(self, expression: Expression, names: dict[str, Any], keep: bool = True) -> Any:
        """The value as plain data, or as it comes where it is not kept. EvaluationError."""
        room = min(EACH, self.work)
        budget = [room, EACH]
        prepare(names, budget)
        try:
            value = expression.evaluate(names)
        except EvaluationError as error:
            if budget[0] >= 0:
                raise
            text = f"{error}, while the file is loaded; compute it in a step"
            raise EvaluationError(text) from None
        finally:
            self.take(EVALUATION + room - max(budget[0], -1))
        return self.copy(value) if keep else value

    def copy(self, value: Any) -> Any:
        """A value as plain data. EvaluationError."""
        most = min(ELEMENTS, self.work // KEPT)
        left = [most, 0]
        try:
            return plain(value, left)
        finally:
            self.take((most - left[0]) * KEPT + left[1] * CONTAINER)

    def nodes(self, value: Any) -> None:
        """Account for nodes that are made of a value."""
        self.take(weigh(value, ELEMENTS) * NODE)

    def take(self, amount: int) -> None:
        """Account for work."""
        self.work -= amount
        if self.work < 0:
            raise Spent(
                "the values that are settled while the file is loaded take too much work together, "
                f"over {WORK:,} elements; compute what is large in a step"
            )

    def compile(self, amount: int) -> None:
        """Account for parts of expressions."""
        self.code -= amount
        if self.code < 0:
            raise Spent(
                f"the expressions and patterns of the file have more than {CODE:,} parts together; "
                "split the file"
            )
