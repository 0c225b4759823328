"""Vars, the matrix and `--set`: what is known at load, once for each scenario of a file."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any, Final

from scenarios.errors import UsageError
from scenarios.loading.allowance import Enough
from scenarios.loading.context import Context
from scenarios.loading.filling import texts
from scenarios.loading.mistakes import among, shown, suggest
from scenarios.loading.nodes import Entry, Node, count_nodes, data
from scenarios.loading.reader import read_value
from scenarios.loading.scalars import Data
from scenarios.loading.source import ReadFault

ABSURD: Final = 1_000_001  # where scenarios are no longer counted
MOST: Final = 256  # scenarios of one file, as many as GitHub Actions allows for a matrix
MOST_NODES: Final = 400_000  # nodes of the file, counted for each scenario; they take 1 to 2 s
PATIENCE: Final = 10_000  # nodes that are checked, in 50 ms, before faults end the check
PREFIX: Final = "matrix."


class UnknownVar(UsageError):
    """`--set` gives a `name` that the file does not have; it may be another file's."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


def _entries(root: Mapping[str, Entry], section: str) -> Mapping[str, Entry]:
    entry = root.get(section)
    return entry.node.value if entry is not None and type(entry.node.value) is dict else {}


def override_values(
    overrides: Mapping[str, Any], root: Mapping[str, Entry], file: str
) -> dict[str, Any]:
    """What `--set` gives, texts read as YAML. Raises UnknownVar for a name that is none."""
    names = list(_entries(root, "vars"))
    matrix = [PREFIX + name for name in _entries(root, "matrix")]
    values = {}
    for name, text in overrides.items():
        if name not in names and name not in matrix:
            known = [*names, *matrix]
            there = f"; there are {among(known)}" if known else "; it has none"
            tail = suggest(name, known, there)
            raise UnknownVar(name, f'--set {name}: no var "{name}" in {file}{tail}')
        values[name] = text
        if isinstance(text, str):
            try:
                values[name] = read_value(text)
            except ReadFault as fault:
                raise UsageError(f"--set {name}: {fault.message}") from None
    return values


def combinations(
    root: Mapping[str, Entry], overrides: Mapping[str, Any], ctx: Context
) -> Iterator[dict[str, Any]]:
    """Each combination of the matrix; one without names where the file has none.

    A file whose combinations would be too much to check is refused before the first of them, and
    what is large and has faults after the first.
    """
    lists: dict[str, list[Any]] = {}
    entry = root.get("matrix")
    if entry is not None and entry.node.value is not None and type(entry.node.value) is not dict:
        ctx.fault(entry.node, f'"matrix" is a mapping of lists, not {shown(entry.node.value)}')
    for name, column in _entries(root, "matrix").items():
        values = _column(name, column.node, ctx)
        if PREFIX + name in overrides:
            values = [_among(name, values, overrides[PREFIX + name], ctx)]
        lists[name] = values
    count = 1
    for values in lists.values():
        count = min(count * len(values), ABSURD)
    if entry is not None and count > MOST:
        many = f"{count:,}" if count < ABSURD else f"over {ABSURD - 1:,}"
        ctx.fault(entry, f"the matrix makes {many} scenarios; at most {MOST} are run")
        return
    size = sum(map(count_nodes, root.values())) if count > 1 else 0
    if entry is not None and size * count > MOST_NODES:
        large = f"{count} scenarios of {size:,} keys, values, lists and mappings each"
        ctx.fault(entry, f"the matrix makes {large}; at most {MOST_NODES:,} are checked together")
        count = 1
    for number, combination in enumerate(itertools.product(*lists.values()), 1):
        yield dict(zip(lists, combination, strict=True))
        if entry is not None and number < count and ctx.faults.found and number * size > PATIENCE:
            rest = f"the other {count - number} scenarios of the matrix are not checked"
            ctx.fault(entry, f"after the faults that were found {rest}")
            raise Enough
        if number >= count:
            return


def _column(name: str, node: Node, ctx: Context) -> list[Any]:
    """The values of one name; a stand-in after a fault, so that the rest is looked at too."""
    what = f'"{name}" of the matrix'
    if type(node.value) is not list or not node.value:
        ctx.fault(
            node,
            f"{what} is a list of values, not "
            f"{'an empty one' if node.value == [] else shown(node.value)}",
        )
        return [None]
    for text in texts(node):
        if "${" in text.value:
            ctx.fault(text, f"{what} is settled before everything else and holds no ${{...}}")
    values: list[Any] = data(node)
    return values


def _among(name: str, values: list[Any], value: Any, ctx: Context) -> Any:
    """The value of `--set matrix.NAME=...`, which is one of the list. Raises UsageError."""
    for known in values:
        if known == value and type(known) is type(value):
            return known
    there = ", ".join(shown(known) for known in values[:12])
    raise UsageError(f"--set matrix.{name}: {shown(value)} is not in the matrix; there are {there}")


def read_vars(root: Mapping[str, Entry], overrides: Mapping[str, Any], ctx: Context) -> None:
    """Fill in the vars, in order: each may use env, the matrix and the vars before it."""
    entry = root.get("vars")
    if entry is not None and entry.node.value is not None and type(entry.node.value) is not dict:
        ctx.fault(entry.node, f'"vars" is a mapping of values, not {shown(entry.node.value)}')
    shape = Data(environment=True)
    for name, var in _entries(root, "vars").items():
        if name in overrides:
            value = overrides[name]
        else:
            value = shape.read(var.node, ctx, f'var "{name}"')
        ctx.names["vars"][name] = value
