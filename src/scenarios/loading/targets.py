"""What a file may name to be run, where `--allow-targets` limits it.

json            the callables of a module and of the modules below it
json:dumps      one callable, and what is below that name
command:echo    a program, by the first word of a command; command:* for any
env:LANG        a variable in a worker's `env`; env:* for any
executor:mine   options of a plugin's executor, which can mean anything
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from scenarios.errors import UsageError
from scenarios.expressions import EvaluationError
from scenarios.loading.mistakes import among, shown

if TYPE_CHECKING:
    from scenarios.expressions import Expression
    from scenarios.loading.context import Context
    from scenarios.loading.nodes import Node, Place

OPTION: Final = "--allow-targets"
KINDS: Final = ("command", "env", "executor")
_DOTTED: Final = r"[^\W\d]\w*(?:\.[^\W\d]\w*)*"
_CALLABLE: Final = re.compile(rf"{_DOTTED}(?::{_DOTTED})?")


class Targets:
    """What is allowed: `names` as they were given. Raises UsageError for a name that is none."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(dict.fromkeys(names))
        self._of: dict[str, set[str]] = {kind: set() for kind in ("call", *KINDS)}
        for name in self.names:
            kind, sign, rest = name.partition(":")
            if sign and rest and kind in KINDS:
                self._of[kind].add(rest)
            elif _CALLABLE.fullmatch(name):
                self._of["call"].add(name)
            else:
                raise UsageError(
                    f"{OPTION} takes MODULE, MODULE:NAME, command:PROGRAM, env:VARIABLE and "
                    f"executor:NAME, not {shown(name)}"
                )

    def calls(self, target: str) -> bool:
        """Whether "module:path" may be called.

        Of an allowed module it is one name: what is behind a dot could be another module, which
        that one imports. A longer path has to be named itself, or what it begins with.
        """
        module, _, path = target.partition(":")
        parts, steps = module.split("."), path.split(".")
        above = [".".join(parts[: count + 1]) for count in range(len(parts))]
        begins = [f"{module}:{'.'.join(steps[: count + 1])}" for count in range(len(steps))]
        known = self._of["call"]
        return not known.isdisjoint(begins) or (len(steps) == 1 and not known.isdisjoint(above))

    def has(self, kind: str, name: str) -> bool:
        """Whether a program, a variable or an executor is allowed."""
        return not self._of[kind].isdisjoint((name, "*"))

    def refusal(self, what: str, name: str, add: str) -> str:
        """The sentence for what is not allowed, with what would allow it."""
        allowed = among(self.names) if self.names else "nothing"
        return f'{what} {shown(name)}, and {OPTION} allows {allowed}; to allow it add "{add}"'


def check_call(target: str, place: Place, ctx: Context, what: str) -> None:
    """Note a call that is not allowed."""
    targets = ctx.targets
    if targets is None or targets.calls(target):
        return
    module, _, path = target.partition(":")
    add = target if "." in path else module
    ctx.fault(place, targets.refusal(f"{what} names", target, add))


def check_program(
    expression: Expression | None, node: Node, ctx: Context, what: str, *, whole: bool = False
) -> None:
    """Note a program that is not allowed, or that is not known before the run.

    The expression is that of a command's first word, or of the `whole` command as a list.
    """
    targets = ctx.targets
    if targets is None or expression is None or targets.has("command", "*"):
        return
    value = _known(expression, node, ctx)
    name = value[0] if whole and isinstance(value, list) and value else value
    if not isinstance(name, str):
        unknown = f"{what} starts a program that is known only when it runs, and {OPTION} limits it"
        ctx.fault(node, f'{unknown}; write its name, or add "command:*"')
    elif not targets.has("command", name):
        ctx.fault(node, targets.refusal(f"{what} starts", name, f"command:{name}"))


def _known(expression: Expression, node: Node, ctx: Context) -> Any:
    """The value of an expression, or None where it is not known at load."""
    if expression.constant:
        return expression.value
    if not (ctx.static(expression) and ctx.known_paths(expression, node)):
        return None
    try:
        return ctx.value(expression, node)
    except EvaluationError:
        return None


def check_variable(name: str, place: Place, ctx: Context) -> None:
    """Note a variable of a worker's environment that is not allowed: PATH chooses programs."""
    targets = ctx.targets
    if targets is not None and not targets.has("env", name):
        ctx.fault(place, targets.refusal('"env" sets', name, f"env:{name}"))


def check_options(name: str, factory: str, place: Place, ctx: Context) -> None:
    """Note options of a plugin's executor, which may name modules of their own."""
    targets = ctx.targets
    if targets is None or factory.startswith("scenarios.") or targets.has("executor", name):
        return
    what = '"options" are those of a plugin\'s executor'
    ctx.fault(place, targets.refusal(what, name, f"executor:{name}"))
