"""What every part of the check shares: the faults found, the names known, `${...}` filled in."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NoReturn

from scenarios.errors import Fault
from scenarios.event import Masker
from scenarios.expressions import (
    EvaluationError,
    Expression,
    ExpressionError,
    compile_expression,
    compile_template,
)
from scenarios.loading.allowance import BROKEN, TEXT, Allowance, Enough, Spent
from scenarios.loading.mistakes import among, suggest
from scenarios.loading.nodes import Node, Place, tree
from scenarios.loading.reader import MAX_FAULTS
from scenarios.loading.source import Source
from scenarios.specs import ExecutorSpec, StepSpec
from scenarios.wording import visible

if TYPE_CHECKING:
    from scenarios.loading.names import Scope
    from scenarios.loading.steps import Kind
    from scenarios.loading.targets import Targets

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
MOST_PIECES: Final = 1_000  # of one text: each takes about 50 µs to compile
SECTIONS: Final = {  # the sections whose names stand for a resource, with the word for one of them
    "queues": "queue",
    "locks": "lock",
    "semaphores": "semaphore",
    "conditions": "condition",
    "barriers": "barrier",
    "flags": "flag",
    "values": "value",
    "locals": "local",
}


@dataclass(frozen=True, slots=True)
class Plugins:
    """What is installed: executors, step kinds and checkers, by name."""

    executors: Mapping[str, ExecutorSpec]
    steps: Mapping[str, StepSpec] = field(default_factory=dict)
    checkers: frozenset[str] = frozenset()


class Faults:
    """The mistakes found in one file, each once, however often its place is looked at."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.found: dict[tuple[int, int, str], None] = {}
        self.secrets: list[str] = []  # which no message tells

    def at(self, line: int, column: int, message: str) -> None:
        """Note a mistake at a line and column. Raises Enough where there are too many."""
        self.found[line, column, visible(message)] = None
        if len(self.found) > MAX_FAULTS:
            raise Enough

    def alone(self, line: int, column: int, message: str) -> NoReturn:
        """Tell this mistake and no other: with secrets that are not hidden any could tell them."""
        self.found = {(line, column, message): None}
        raise Enough

    def all(self) -> list[Fault]:
        """Every mistake by its place; the one beyond a hundred says that the check ended there."""
        masker = Masker(self.secrets).near("\n".join(message for _, _, message in self.found))
        places = sorted({(line, at, masker.text(message)) for line, at, message in self.found})
        faults = [Fault(self.file, *place) for place in places[:MAX_FAULTS]]
        if len(places) > MAX_FAULTS:
            line, column, _ = places[MAX_FAULTS]
            rest = f"more than {MAX_FAULTS} faults; the rest of the file is not checked"
            faults.append(Fault(self.file, line, column, rest))
        return faults


class Templates:
    """Texts compiled once, however often and in however many scenarios of a matrix they stand."""

    def __init__(self, allowance: Allowance) -> None:
        self.allowance = allowance
        self.seen: dict[tuple[str, bool, bool], Expression | ExpressionError] = {}

    def get(self, text: str, bare: bool, reads: bool) -> Expression | ExpressionError:
        """The compiled text, or why it is none. Raises Spent."""
        key = (text, bare, reads)
        found = self.seen.get(key)
        if found is None:
            found = self.seen[key] = self._compiled(text, bare, reads)
        return found

    def _compiled(self, text: str, bare: bool, reads: bool) -> Expression | ExpressionError:
        if not bare and "${" not in text:
            return compile_template(text, reads=reads)
        if text.count("${") > MOST_PIECES:
            return ExpressionError(f"more than {MOST_PIECES:,} ${{...}} in one text")
        self.allowance.compile(1 + len(text) // TEXT)
        try:
            made = (compile_expression if bare else compile_template)(text, reads=reads)
        except ExpressionError as fault:
            self.allowance.compile(len(text) // BROKEN)
            # a new one, since this one holds on to all that was made on the way
            return ExpressionError(fault.message, fault.offset, fault.path)
        self.allowance.compile(made.size)
        return made

    def nested(self, value: Any, reads: bool, size: int) -> Expression:
        """Plain data whose texts were compiled one by one, and have this size together.

        Raises ExpressionError, Spent.
        """
        self.allowance.compile(size)
        return compile_template(value, reads=reads)


class Context:
    """One scenario while it is checked: a file with one combination of its matrix.

    `names` are what `${...}` can hold at load: vars and matrix. `resources` gives the section of
    each declared resource, `locals` the attributes of each thread-local (None: an object made by a
    call), `workers` the place of each worker, `declared` the names by root once all are known.
    `kinds` are the core's kinds of steps, `scope` is the worker that is being read, `expected`
    holds expectations whose names are still to be checked. `targets` limits what may be named to
    be run.
    """

    def __init__(
        self,
        faults: Faults,
        plugins: Plugins,
        kinds: Mapping[str, Kind],
        templates: Templates,
        source: Source,
        environment: Mapping[str, str],
        targets: Targets | None = None,
    ) -> None:
        self.faults = faults
        self.plugins = plugins
        self.kinds = kinds
        self.templates = templates
        self.source = source
        self.environment = environment
        self.targets = targets
        self.names: dict[str, Any] = {"vars": {}, "matrix": {}}
        self.resources: dict[str, str] = {}
        self.locals: dict[str, frozenset[str] | None] = {}
        self.workers: dict[str, Place] = {}
        self.copies = 0  # replicas of all workers read so far
        self.scope: Scope | None = None
        self.declared: dict[str, Mapping[str, Any] | None] = {}
        self.notices: dict[str, None] = {}
        self.dependencies: dict[str, dict[str, tuple[Place, str]]] = {}
        self.expected: list[tuple[Expression, Node, str | None]] = []

    def apart(self) -> Context:
        """The same scenario with faults and an allowance of its own."""
        faults, templates = Faults(self.faults.file), Templates(Allowance())
        given = (self.source, self.environment, self.targets)
        made = Context(faults, self.plugins, self.kinds, templates, *given)
        made.names = self.names
        return made

    def fault(self, place: Place, message: str) -> None:
        """Note a mistake."""
        self.faults.at(place.line, place.column, message)

    def enough(self, place: Place, spent: Spent) -> Enough:
        """What ends the check of the file at this place."""
        self.fault(place, str(spent))
        return Enough()

    def spend(self, place: Place, parts: int) -> None:
        """Account for something that is going to be compiled."""
        try:
            self.templates.allowance.compile(parts)
        except Spent as spent:
            raise self.enough(place, spent) from None

    def template(self, node: Node, *, reads: bool = True) -> Expression | None:
        """A text with `${...}` compiled; None after a fault."""
        return self._compiled(node, False, reads)

    def expression(self, node: Node, *, reads: bool = True) -> Expression | None:
        """A bare expression compiled; None after a fault."""
        return self._compiled(node, True, reads)

    def _compiled(self, node: Node, bare: bool, reads: bool) -> Expression | None:
        try:
            found = self.templates.get(node.value, bare, reads)
        except Spent as spent:
            raise self.enough(node, spent) from None
        if isinstance(found, Expression):
            return found
        self.fault(node, found.message)
        return None

    def fill(self, node: Node, what: str, *, environment: bool = False) -> Node | None:
        """A text whose `${...}` hold only what is known at load, filled in; None after a fault."""
        expression = self._static(node, what, environment)
        return None if expression is None else self.evaluated(expression, node)

    def settle(self, node: Node, what: str, *, environment: bool = False) -> Node | None:
        """As `fill`, the whole value as plain data in one node: its parts need no places."""
        expression = self._static(node, what, environment)
        try:
            if expression is None:
                return None
            return Node(self.value(expression, node), node.line, node.column)
        except EvaluationError as fault:
            self.fault(node, str(fault))
            return None

    def _static(self, node: Node, what: str, environment: bool) -> Expression | None:
        expression = self.template(node, reads=False)
        if expression is None:
            return None
        if not self.static(expression, environment):
            known = "vars, matrix and env" if environment else "vars and matrix"
            others = [name for name, _ in expression.free if name not in self.names]
            hint = '; "env" stands in "vars" and in a worker\'s "env"' if "env" in others else ""
            roots = ", ".join(dict.fromkeys(others))
            self.fault(node, f"{what} is settled at load, from {known} only, not {roots}{hint}")
            return None
        return expression if self.known_paths(expression, node) else None

    def static(self, expression: Expression, environment: bool = False) -> bool:
        """Whether an expression uses nothing but what is known at load."""
        for name, _ in expression.free:
            if name not in self.names and not (environment and name == "env"):
                return False
        return True

    def evaluated(
        self, expression: Expression, node: Node, more: Mapping[str, Any] = _NOTHING
    ) -> Node | None:
        """The value of an expression over what is known at load and `more`, at its place."""
        if not self.known_paths(expression, node):
            return None
        try:
            value = self.value(expression, node, more)
            if isinstance(value, (list, dict)):
                self.templates.allowance.nodes(value)
        except EvaluationError as fault:
            self.fault(node, str(fault))
            return None
        except Spent as spent:
            raise self.enough(node, spent) from None
        return tree(value, node)

    def value(
        self,
        expression: Expression,
        place: Place,
        more: Mapping[str, Any] = _NOTHING,
        keep: bool = True,
    ) -> Any:
        """The value of an expression over what is known at load and `more`. EvaluationError.

        Without `keep` it is as it comes, to be looked at only.
        """
        names = {**self.names, "env": self.environment, **more}
        try:
            return self.templates.allowance.evaluate(expression, names, keep)
        except Spent as spent:
            raise self.enough(place, spent) from None

    def known_paths(self, expression: Expression, node: Node) -> bool:
        """Whether each `vars.x`, `matrix.x` and `env.X` in an expression exists."""
        good = True
        for path, _ in expression.paths:
            if len(path) < 2 or path[1][:1] == "[":
                continue
            root, name = path[0], path[1]
            if root == "env" and name not in self.environment:
                self.fault(node, f"environment variable {name} is not set")
                good = False
            elif root in self.names and name not in self.names[root]:
                self.unknown(node, root, name, self.names[root])
                good = False
        return good

    def unknown(self, place: Place, root: str, name: str, known: Collection[str]) -> None:
        """Note an unknown var or name of the matrix, with the near one or with all there are."""
        otherwise = f"; there are {among(known)}" if known else "; there is none"
        kind = "var" if root == "vars" else "name in the matrix"
        self.fault(place, f'no {kind} "{name}"{suggest(name, known, otherwise)}')
