"""YAML text -> Scenario, every fault of a file at once, each with its line and column.

Order of the parts: source, nodes, mistakes, reader (text -> tree); allowance, targets, context,
names (what is known where); shapes, scalars, filling, late (what a value can be); steps,
step_values, kinds, desugaring; declarations, patterns, starting, abilities, workers, suspects,
expectations, judging, disturbing (the tables of keys, which are checked and described from the
same place); matrix, document (a file); json_schema. Nothing of a file is imported or run while it
is loaded.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from os import PathLike
from types import MappingProxyType
from typing import Any, Final

from scenarios.errors import EnvironmentFault, ScenarioFileError
from scenarios.loading.allowance import Allowance, Enough
from scenarios.loading.context import Context, Faults, Plugins, Templates
from scenarios.loading.document import read_scenario, root_entries
from scenarios.loading.judging import CHECKERS, remember_secrets
from scenarios.loading.kinds import KINDS
from scenarios.loading.matrix import combinations, override_values, read_vars
from scenarios.loading.reader import MAX_FAULTS, read
from scenarios.loading.source import MAX_BYTES, ReadFault, Source
from scenarios.loading.targets import Targets
from scenarios.scenario import Scenario
from scenarios.specs import ExecutorSpec, StepSpec

__all__ = ["CHECKERS", "STEP_WORDS", "Loaded", "Plugins", "Targets", "load", "load_text", "schema"]

STEP_WORDS: Final = frozenset(KINDS).union(*(kind.keys for kind in KINDS.values()))
"""The words that no plugin's kind of step may have for its name: kinds and their keys."""

_NONE: Final[Mapping[Any, Any]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Loaded:
    """The scenarios of a file, one for each combination of its matrix, and what is worth saying."""

    scenarios: tuple[Scenario, ...]
    notices: tuple[str, ...] = ()


def load(
    path: str | PathLike[str],
    *,
    specs: Mapping[str, ExecutorSpec],
    overrides: Mapping[str, Any] = _NONE,
    swaps: Mapping[str | None, str] = _NONE,
    steps: Mapping[str, StepSpec] = _NONE,
    checkers: Iterable[str] = (),
    targets: Targets | None = None,
) -> Loaded:
    """The scenarios of a file.

    `specs` are the installed executors; `steps` and `checkers` (names) come from plugins, besides
    the built-in ones. `overrides` are `--set`: texts are read as YAML; a name
    `matrix.NAME` picks one value of the matrix. `swaps` are `--executor`: worker, or None for all
    workers that can, to executor. `targets` are `--allow-targets`.

    Raises ScenarioFileError with all faults of the file, UsageError for overrides and swaps,
    EnvironmentFault (exit 2) for a file that cannot be read, PluginFault for a broken plugin.
    """
    name = os.fspath(path)
    try:
        with open(name, "rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as fault:
        reason = getattr(fault, "strerror", None) or str(fault)
        raise EnvironmentFault(f"{name}: cannot read the scenario file: {reason}", 2) from None
    plugins = Plugins(specs, steps, frozenset((*CHECKERS, *checkers)))
    return load_text(content, name, plugins, overrides, swaps, targets)


def schema(
    specs: Mapping[str, ExecutorSpec],
    steps: Mapping[str, StepSpec] = _NONE,
    checkers: Iterable[str] = (),
) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) for these executors, and plugins' steps and checkers.

    It describes the shape of a file, with descriptions for an editor's hover; names, references
    and expressions are checked by `load` alone. Raises PluginFault for a broken options model.
    """
    from scenarios.loading import json_schema

    return json_schema.schema(specs, steps, checkers)


def load_text(
    content: bytes,
    name: str,
    plugins: Plugins,
    overrides: Mapping[str, Any] = _NONE,
    swaps: Mapping[str | None, str] = _NONE,
    targets: Targets | None = None,
) -> Loaded:
    """The scenarios of a file's content; `name` is what its faults are told under. As `load`."""
    faults = Faults(name)
    loaded = Loaded(())
    with _no_collection(), suppress(Enough):
        try:
            source = Source(content)
            root, collected = read(source.content)
        except ReadFault as fault:
            for place in fault.earlier:
                faults.at(*place)
            faults.at(fault.line, fault.column, fault.message)
            raise Enough from None
        for place in collected:
            faults.at(*place)
        templates = Templates(Allowance())
        fresh = partial(Context, faults, plugins, KINDS, templates, source, os.environ, targets)
        loaded = _scenarios(name, root, fresh, overrides, swaps)
    if faults.found:
        raise ScenarioFileError(faults.all())
    return loaded


def _scenarios(
    name: str,
    root: Any,
    fresh: Callable[[], Context],
    overrides: Mapping[str, Any],
    swaps: Mapping[str | None, str],
) -> Loaded:
    """A scenario for each combination of the matrix, with the faults of all of them."""
    ctx = first = fresh()
    scenarios = []
    notices: dict[str, None] = {}
    try:
        entries = root_entries(root, first)
        if entries is None:
            return Loaded(())
        values = override_values(overrides, entries, name)
        for combination in combinations(entries, values, first):
            ctx = fresh()
            ctx.names["matrix"] = combination
            read_vars(entries, values, ctx)
            scenarios.append(read_scenario(name, entries, swaps, ctx))
            notices.update(ctx.notices)
    except Enough:
        remember_secrets(root, ctx)
        raise
    told = list(notices)
    if len(told) > MAX_FAULTS:
        told[MAX_FAULTS:] = [f"and {len(told) - MAX_FAULTS} more notices"]
    return Loaded(tuple(scenarios), tuple(told))


@contextmanager
def _no_collection() -> Iterator[None]:
    """Without the garbage collector: building a large tree takes a third of the time so."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
