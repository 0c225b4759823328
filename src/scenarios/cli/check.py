"""Files of the command line, located, loaded and planned: nothing of them is run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from scenarios.cli import gallery
from scenarios.errors import Fault, ScenarioFileError, UsageError
from scenarios.verdict import title

if TYPE_CHECKING:
    from scenarios.plan import Plan
    from scenarios.plugins import Registry


@dataclass(frozen=True, slots=True)
class Checked:
    """A file with the plans of its scenarios, or with its faults."""

    file: str
    plans: tuple[Plan, ...] = ()
    notices: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()

    @property
    def exit(self) -> int:
        """0, or 2 where the file is refused."""
        return 2 if self.faults else 0


@dataclass(frozen=True, slots=True)
class Changes:
    """What the command line changes in every file."""

    overrides: Mapping[str, Any]
    swaps: Mapping[str | None, str]
    matrix: Mapping[str, Any] = field(default_factory=dict)
    seed: int | None = None


def locate(words: Sequence[str]) -> list[gallery.Found]:
    """The file of each word; one that is not the literal path is told on standard error."""
    found = gallery.find_all(words)
    for one in found:
        if one.said:
            click.echo(f"scenarios: {one.said}", err=True)
    return found


def check(found: Iterable[gallery.Found], registry: Registry, changes: Changes) -> list[Checked]:
    """Load and plan each file; a refused one has its faults."""
    return [_one(str(one.path), registry, changes) for one in found]


def _one(file: str, registry: Registry, changes: Changes) -> Checked:
    from scenarios import loading, plan

    try:
        loaded = loading.load(
            file,
            overrides=changes.overrides,
            swaps=changes.swaps,
            specs=registry.executors,
            steps=registry.steps,
            checkers=registry.checkers,
        )
        chosen = [one for one in loaded.scenarios if _chosen(one.matrix, changes.matrix)]
        plans = [plan.make(one, seed=changes.seed, specs=registry.executors) for one in chosen]
    except ScenarioFileError as error:
        return Checked(file, faults=error.faults)
    if not plans:
        keys = ", ".join(f"{key}={changes.matrix[key]}" for key in changes.matrix)
        raise UsageError(f"no combination of the matrix of {file} has {keys}")
    return Checked(file, tuple(plans), loaded.notices)


def title_of(plan: Plan) -> str:
    """The scenario's name with its matrix values."""
    return title({"scenario": plan.scenario.name, "matrix": plan.scenario.matrix})


def _chosen(matrix: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return all(key in matrix and matrix[key] == wanted[key] for key in wanted)


def refuse(checked: Sequence[Checked], form: str) -> None:
    """Tell all faults: on standard error always, and on standard output in a machine's form."""
    from scenarios.reports import as_text

    faults = [fault for one in checked for fault in one.faults]
    click.echo(as_text.faults(faults), err=True, nl=False)
    if form != "text":
        click.echo(machine(checked, form), nl=False)


def machine(checked: Sequence[Checked], form: str) -> str:
    """Checked files as JSON, GitHub's commands or JUnit XML."""
    from scenarios.reports import as_github, as_json, as_junit

    faults = [fault for one in checked for fault in one.faults]
    if form == "github":
        return as_github.faults(faults)
    plain = [
        {
            "file": one.file,
            "scenarios": [title_of(plan) for plan in one.plans],
            "faults": [as_json.fault(fault) for fault in one.faults],
            "notices": list(one.notices),
            "exit": one.exit,
        }
        for one in checked
    ]
    return as_json.checks(plain) if form == "json" else as_junit.checks(plain, faults)
