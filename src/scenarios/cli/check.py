"""Files of the command line, located, loaded and planned: nothing of them is run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import click

from scenarios.cli import gallery
from scenarios.errors import Fault, ScenarioFileError, UsageError
from scenarios.verdict import title

if TYPE_CHECKING:
    from scenarios.loading import Targets
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
    """What the command line changes in every file, and what it lets files call."""

    overrides: Mapping[str, str]
    swaps: Mapping[str | None, str]
    seed: int | None = None
    targets: Targets | None = None


def locate(words: Sequence[str]) -> list[gallery.Found]:
    """The file of each word; one that is not the literal path is told on standard error."""
    found = gallery.find_all(words)
    for one in found:
        if one.said:
            click.echo(f"scenarios: {one.said}", err=True)
    return found


def check(found: Iterable[gallery.Found], registry: Registry, changes: Changes) -> list[Checked]:
    """Load and plan each file; a refused one has its faults.

    Of several files each takes the values that it has a name for; a name that none of them has is
    the UsageError of the first.
    """
    unknown: dict[str, list[UsageError]] = {}
    checked = [_known(str(one.path), registry, changes, unknown) for one in found]
    for problems in unknown.values():
        if len(problems) == len(checked):
            raise problems[0]
    return checked


def _known(
    file: str, registry: Registry, changes: Changes, unknown: dict[str, list[UsageError]]
) -> Checked:
    """Load one file with the values that it knows; the others go to `unknown`."""
    from scenarios.loading.matrix import UnknownVar

    while True:
        try:
            return _one(file, registry, changes)
        except UnknownVar as problem:
            unknown.setdefault(problem.name, []).append(problem)
            rest = {key: text for key, text in changes.overrides.items() if key != problem.name}
            changes = replace(changes, overrides=rest)


def _one(file: str, registry: Registry, changes: Changes) -> Checked:
    from scenarios import loading, plan

    try:
        loaded = loading.load(
            file,
            overrides=changes.overrides,
            swaps=changes.swaps,
            specs=registry.executors,
            steps=registry.steps,
            checkers=dict.fromkeys(registry.checkers, "of a plugin"),
            targets=changes.targets,
        )
        limited = changes.targets is not None
        plans = [
            plan.make(one, seed=changes.seed, specs=registry.executors, limited=limited)
            for one in loaded.scenarios
        ]
    except ScenarioFileError as error:
        return Checked(file, faults=error.faults)
    return Checked(file, tuple(plans), loaded.notices)


def title_of(plan: Plan) -> str:
    """The scenario's name with its matrix values."""
    return title({"scenario": plan.scenario.name, "matrix": plan.scenario.matrix})


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
