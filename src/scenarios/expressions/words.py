"""The words of the expression language: functions, methods and the format's own names."""

from __future__ import annotations

# Each with the keyword arguments that it takes; `dict` takes any.
FUNCTIONS: dict[str, tuple[str, ...]] = {
    "len": (),
    "min": ("default",),
    "max": ("default",),
    "sum": ("start",),
    "sorted": ("reverse",),
    "any": (),
    "all": (),
    "abs": (),
    "round": ("ndigits",),
    "range": (),
    "set": (),
    "list": (),
    "dict": (),
    "str": (),
    "int": ("base",),
    "float": (),
    "bool": (),
    "zip": ("strict",),
    "enumerate": ("start",),
}
METHODS: dict[str, tuple[str, ...]] = {
    "startswith": (),
    "endswith": (),
    "strip": (),
    "split": ("sep", "maxsplit"),
    "join": (),
    "lower": (),
    "upper": (),
    "replace": (),
}
# Words of the format at the start of a path; none of them can be a variable.
ROOTS = frozenset(
    {"vars", "matrix", "worker", "job", "run", "local", "values", "flags", "old"}
    | {"queues", "locks", "semaphores", "conditions", "barriers", "locals"}
)
# Shared state that other workers change: each mention is a read of its own.
SHARED = frozenset({"values", "flags"})
