"""Steps to instructions, once for each worker (or replica, where the steps name it)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from scenarios.expressions import Expression, compile_template, prepare
from scenarios.program import Operation, Program
from scenarios.program import instructions as p
from scenarios.scenario import Scenario, Step

# step: (the machine's verb, the key that holds what it acts on)
_VERBS = {
    "put": "put",
    "get": "get",
    "task_done": "task_done",
    "join": "join",
    "size": "size",
    "acquire": "acquire",
    "release": "release",
    "wait": "wait",
    "notify": "notify",
    "set_flag": "set",
    "clear_flag": "clear",
    "read": "read",
    "write": "write",
    "update": "update",
}
SECTIONS = ("queues", "locks", "semaphores", "conditions", "barriers", "flags", "values")
# verbs that can wait: the only ones that a time-out or `block: false` concerns
_WAITING = frozenset({"put", "get", "join", "acquire", "wait"})


def sections(scenario: Scenario) -> dict[str, str]:
    """The section in which each resource stands."""
    return {name: section for section in SECTIONS for name in getattr(scenario, section)}


class Resolver:
    """Gives names of resources for one replica, from the names `vars`, `matrix` and `worker`.

    `used` tells whether one of them was made of those, and is perhaps the replica's own.
    """

    def __init__(self, names: dict[str, Any]) -> None:
        prepare(names)
        self._names = names
        self.used = False

    def __call__(self, name: str | Expression) -> str:
        """The name that is meant."""
        if isinstance(name, str):
            return name
        self.used = True
        return str(name.evaluate(self._names))


def compile_steps(steps: Sequence[Step], where: Mapping[str, str], resolve: Resolver) -> Program:
    """The program of these steps; `where` has the section of each resource."""
    compiler = Compiler(where, resolve)
    compiler.block(steps)
    compiler.emit(p.RETURN, compile_template(None), 0)
    return Program(tuple(compiler.code), tuple(sorted(compiler.variables)))


class Compiler:
    """Emits instructions; a jump forward is filled in when its place is known."""

    def __init__(self, where: Mapping[str, str], resolve: Resolver) -> None:
        self.code: list[tuple[Any, ...]] = []
        self.variables: set[str] = set()
        self.resolve = resolve
        self.where = where
        self.kinds: dict[str, Callable[[Step], Any]] = {
            "with": self._with,
            "sleep": self._sleep,
            "log": self._log,
            "call": self._call,
            "run": self._run,
            "set": self._set,
            "for_each": self._for_each,
            "repeat": self._repeat,
            "forever": self._forever,
            "while": self._while,
            "if": self._if,
            "try": self._try,
            "assert": self._assert,
            "fail": lambda step: self._valued(p.FAIL, step.fields["fail"], step),
            "return": lambda step: self._valued(p.RETURN, step.fields["return"], step),
            "break": lambda step: self.emit(p.BREAK, step.line),
            "continue": lambda step: self.emit(p.CONTINUE, step.line),
        }

    # -- emitting ------------------------------------------------------------------------------

    def emit(self, *instruction: Any) -> int:
        """Append an instruction; its place."""
        self.code.append(instruction)
        return len(self.code) - 1

    def fill(self, place: int, index: int) -> None:
        """Let the jump at `place` go to the next instruction."""
        instruction = list(self.code[place])
        instruction[index] = len(self.code)
        self.code[place] = tuple(instruction)

    def block(self, steps: Sequence[Step] | None) -> None:
        """Compile steps one after the other."""
        for step in steps or ():
            self.kinds.get(step.kind, self._resource)(step)

    def reads(self, step: Step, *expressions: Any) -> None:
        """The reads of `values.x` and `flags.x` that come before an expression."""
        for expression in expressions:
            if isinstance(expression, Expression):
                for section, name in expression.reads:
                    self.operate(Operation("read", "read", section, name, line=step.line, into=""))

    def operate(self, operation: Operation) -> None:
        """Emit an operation."""
        if operation.into:
            self.variables.add(operation.into)
        self.emit(p.OPERATE, operation)

    def _valued(self, code: int, value: Expression, step: Step) -> None:
        self.reads(step, value)
        self.emit(code, value, step.line)

    # -- operations on resources ---------------------------------------------------------------

    def _resource(self, step: Step) -> None:
        fields = step.fields
        name = self.resolve(fields[step.kind])
        verb = _VERBS[step.kind]
        operation = Operation(
            step.kind,
            verb,
            self.where[name],
            name,
            line=step.line,
            column=step.column,
            value=self._argument(step),
            timeout=self._timeout(fields) if verb in _WAITING else None,
            into=fields.get("into"),
            second=fields.get("to"),
        )
        self._with_otherwise(step, operation)

    def _argument(self, step: Step) -> Expression | None:
        if step.kind == "notify":
            count = step.fields.get("count")
            if isinstance(count, Expression):
                return count
            return compile_template(None if count == "all" else count or 1)
        value = step.fields.get("value")
        return value if isinstance(value, Expression) or value is None else compile_template(value)

    def _timeout(self, fields: Mapping[str, Any]) -> Expression | float | None:
        if fields.get("block") is False:
            return 0
        timeout: Expression | float | None = fields.get("timeout")
        return timeout

    def _with_otherwise(self, step: Step, operation: Operation) -> None:
        self.reads(step, operation.value, operation.second, operation.timeout)
        self.operate(operation)
        otherwise = step.fields.get("otherwise")
        if otherwise is None:
            return
        over = self.emit(p.JUMP, 0, step.line)
        operation.otherwise = len(self.code)
        self.block(otherwise)
        self.fill(over, 1)

    def _with(self, step: Step) -> None:
        name = self.resolve(step.fields["with"])
        section = self.where[name]
        self.operate(
            Operation("acquire", "acquire", section, name, line=step.line, column=step.column)
        )
        enter = self.emit(p.ENTER_FINALLY, 0, step.line)
        self.block(step.fields["steps"])
        self.emit(p.FALL_INTO, step.line)
        self.fill(enter, 1)
        self.operate(
            Operation("release", "release", section, name, line=step.line, column=step.column)
        )
        self.emit(p.END_FINALLY, step.line)

    # -- operations that touch no resource -----------------------------------------------------

    def _sleep(self, step: Step) -> None:
        fields = step.fields
        low = fields["sleep"] if fields.get("sleep") is not None else fields["min"]
        operation = Operation(
            "sleep",
            "sleep",
            line=step.line,
            value=_expression(low),
            second=None if fields.get("max") is None else _expression(fields["max"]),
        )
        self.reads(step, operation.value, operation.second)
        self.operate(operation)

    def _log(self, step: Step) -> None:
        fields = step.fields.get("fields") or None
        operation = Operation(
            "log",
            "log",
            line=step.line,
            value=step.fields["log"],
            second=None if fields is None else compile_template(fields),
            detail=step.fields.get("level") or "info",
        )
        self.reads(step, operation.value, operation.second)
        self.operate(operation)

    def _call(self, step: Step) -> None:
        target = step.fields["call"]
        operation = Operation(
            "call",
            "call",
            object=target,
            line=step.line,
            value=step.fields.get("args") or compile_template([]),
            second=step.fields.get("kwargs") or compile_template({}),
            into=step.fields.get("into"),
            detail=target,
            pure=step.fields.get("pure") is True,
        )
        self.reads(step, operation.value, operation.second)
        self.operate(operation)

    def _run(self, step: Step) -> None:
        operation = Operation(
            "run",
            "run",
            line=step.line,
            value=_expression(step.fields["run"]),
            second=step.fields.get("stdin"),
            timeout=self._timeout(step.fields),
            into=step.fields.get("into"),
        )
        self._with_otherwise(step, operation)

    # -- control -------------------------------------------------------------------------------

    def _set(self, step: Step) -> None:
        pairs = []
        for target, expression in step.fields["set"]:
            self.reads(step, expression)
            if target.startswith("local."):
                pairs.append((tuple(target.split(".")[1:]), expression))
            else:
                self.variables.add(target)
                pairs.append((target, expression))
        self.emit(p.SET, tuple(pairs), step.line)

    def _loop(self, step: Step, kind: str, items: Expression | None, variable: str | None) -> None:
        """A loop over items or a number of rounds: its test stands at its end."""
        if variable:
            self.variables.add(variable)
        self.reads(step, items)
        enter = self.emit(p.ENTER_LOOP, kind, items, 0, 0, step.line)
        start = self.emit(p.JUMP, 0, step.line)
        body = len(self.code)
        self.block(step.fields["steps"])
        self.fill(start, 1)
        self.fill(enter, 3)
        self.emit(p.NEXT_ITEM, variable, body, step.line)
        self.fill(enter, 4)

    def _for_each(self, step: Step) -> None:
        self._loop(step, "for_each", _expression(step.fields["for_each"]), step.fields.get("as"))

    def _repeat(self, step: Step) -> None:
        self._loop(step, "repeat", _expression(step.fields["repeat"]), None)

    def _forever(self, step: Step) -> None:
        self._loop(step, "forever", None, None)

    def _while(self, step: Step) -> None:
        enter = self.emit(p.ENTER_LOOP, "while", None, 0, 0, step.line)
        self.fill(enter, 3)
        condition: Expression = step.fields["while"]
        self.reads(step, condition)
        branch = self.emit(p.BRANCH, condition, 0, step.line)
        self.emit(p.COUNT_ROUND, step.line)
        self.block(step.fields["steps"])
        self.emit(p.JUMP, self.code[enter][3], step.line)
        self.fill(branch, 2)
        self.emit(p.LEAVE, step.line)
        self.fill(enter, 4)

    def _if(self, step: Step) -> None:
        condition: Expression = step.fields["if"]
        self.reads(step, condition)
        branch = self.emit(p.BRANCH, condition, 0, step.line)
        self.block(step.fields["steps"])
        if step.fields.get("else") is None:
            self.fill(branch, 2)
            return
        over = self.emit(p.JUMP, 0, step.line)
        self.fill(branch, 2)
        self.block(step.fields["else"])
        self.fill(over, 1)

    def _assert(self, step: Step) -> None:
        condition: Expression = step.fields["assert"]
        self.reads(step, condition)
        branch = self.emit(p.BRANCH, condition, 0, step.line)
        over = self.emit(p.JUMP, 0, step.line)
        self.fill(branch, 2)
        message = step.fields.get("message")
        text = f"assertion failed: {condition.source}"
        self._valued(
            p.FAIL,
            compile_template(text.replace("${", "$${")) if message is None else message,
            step,
        )
        self.fill(over, 1)

    def _try(self, step: Step) -> None:
        """try/except inside try/finally, each only where it is there."""
        fields = step.fields
        final = fields.get("finally")
        enter = self.emit(p.ENTER_FINALLY, 0, step.line) if final is not None else None
        if fields.get("except") is not None:
            guard = self.emit(p.ENTER_EXCEPT, 0, step.line)
            self.block(fields["try"])
            self.emit(p.LEAVE, step.line)
            over = self.emit(p.JUMP, 0, step.line)
            self.fill(guard, 1)
            self.variables.add("error")
            self.block(fields["except"])
            self.emit(p.LEAVE, step.line)
            self.fill(over, 1)
        else:
            self.block(fields["try"])
        if enter is not None:
            self.emit(p.FALL_INTO, step.line)
            self.fill(enter, 1)
            self.block(final)
            self.emit(p.END_FINALLY, step.line)


def _expression(value: Any) -> Expression:
    return value if isinstance(value, Expression) else compile_template(value)
