"""The words of the expression language: functions, methods and the format's own names."""

from __future__ import annotations

from typing import NamedTuple


class Signature(NamedTuple):
    """How a function is called: how many arguments, and which can be given by name."""

    least: int
    most: int | None
    named: tuple[str, ...] = ()


FUNCTIONS: dict[str, Signature] = {
    "len": Signature(1, 1),
    "min": Signature(1, None, ("default",)),
    "max": Signature(1, None, ("default",)),
    "sum": Signature(1, 2, ("start",)),
    "sorted": Signature(1, 1, ("reverse",)),
    "any": Signature(1, 1),
    "all": Signature(1, 1),
    "abs": Signature(1, 1),
    "round": Signature(1, 2, ("ndigits",)),
    "range": Signature(1, 3),
    "set": Signature(0, 1),
    "list": Signature(0, 1),
    "dict": Signature(0, 1),  # and any name
    "str": Signature(0, 1),
    "int": Signature(0, 2, ("base",)),
    "float": Signature(0, 1),
    "bool": Signature(0, 1),
    "zip": Signature(0, None, ("strict",)),
    "enumerate": Signature(1, 2, ("start",)),
}
METHODS: dict[str, Signature] = {
    "startswith": Signature(1, 3),
    "endswith": Signature(1, 3),
    "strip": Signature(0, 1),
    "split": Signature(0, 2, ("sep", "maxsplit")),
    "join": Signature(1, 1),
    "lower": Signature(0, 0),
    "upper": Signature(0, 0),
    "replace": Signature(2, 3),
}
# Words of the format at the start of a path; none of them can be a variable.
ROOTS = frozenset(
    {"vars", "matrix", "worker", "job", "run", "local", "values", "flags", "old"}
    | {"queues", "locks", "semaphores", "conditions", "barriers", "locals"}
)
# Known before anything runs: what uses nothing else may be evaluated when a file is loaded.
SETTLED = frozenset({"vars", "matrix", "env", "worker"})
# Shared state that other workers change: each mention is a read of its own.
SHARED = frozenset({"values", "flags"})
