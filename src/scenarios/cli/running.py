"""The stage of `scenarios run` that runs plans, shows them and reports how they ended."""

from __future__ import annotations

import gc
import os
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scenarios import runs
from scenarios.cli.check import Checked
from scenarios.cli.gallery import shown
from scenarios.errors import EnvironmentFault, ScenariosError

if TYPE_CHECKING:
    from scenarios.engine.signals import Signals
    from scenarios.plan import Plan

Observer = Callable[[Mapping[str, Any]], None]
BROKEN = 70
TRACED = "tracebacks/engine.txt"


@dataclass(frozen=True, slots=True)
class Store:
    """Where runs are stored, and how many of the old ones stay."""

    root: Path
    keep: int


@dataclass(frozen=True, slots=True)
class Again:
    """The options that the command which repeats a run must have, too."""

    settings: Sequence[str] = ()
    executors: Sequence[str] = ()
    plugins_dirs: Sequence[Path] = ()
    switches: Sequence[str] = ()
    allowed: Sequence[str] | None = None

    def command(self, file: str, seed: int, matrix: Mapping[str, Any]) -> str:
        """The exact command that repeats a run."""
        words = ["scenarios", "run", file, "--seed", str(seed)]
        for option, found in (
            ("--set", self._settings(matrix)),
            ("--executor", self.executors),
            ("--plugins-dir", map(str, self.plugins_dirs)),
            ("-p", self.switches),
            ("--allow-targets", () if self.allowed is None else [",".join(self.allowed)]),
        ):
            for value in found:
                words += [option, value]
        return shlex.join(words)

    def _settings(self, matrix: Mapping[str, Any]) -> list[str]:
        kept = [one for one in self.settings if not one.startswith("matrix.")]
        return kept + [f"matrix.{name}={as_yaml(matrix[name])}" for name in matrix]


def as_yaml(value: Any) -> str:
    """Plain data as a short YAML text."""
    import json

    from scenarios.loading.reader import read_value
    from scenarios.loading.source import ReadFault

    if isinstance(value, str):
        try:
            if read_value(value) == value:
                return value
        except ReadFault:
            pass
    return json.dumps(value)


@dataclass(frozen=True, slots=True)
class View:
    """How runs are shown: the results in `form` on standard output, the rest on standard error."""

    form: str
    verbose: bool = False
    quiet: bool = False

    def observer(self, plan: Plan) -> Observer:
        """What sees the events of a run while it lasts."""
        if self.quiet:
            return _ignore
        from scenarios.log import Console

        names = [worker.name for worker in plan.workers]
        return Console(sys.stderr, names=names, verbose=self.verbose).prepare()

    def show(self, result: Mapping[str, Any]) -> None:
        """The summary of a run, as soon as it has ended."""
        if self.form == "text":
            sys.stderr.flush()
            click.echo(summary(result, brief=self.quiet), nl=False, color=True)

    def finish(self, results: Sequence[Mapping[str, Any]], planned: int) -> None:
        """All results together, in the forms that are one document; `planned` were to be there."""
        if results:
            click.echo(together(results, self.form, several=planned > 1), nl=False)


def _ignore(event: Mapping[str, Any]) -> None:
    """The observer of a quiet run."""


def summary(result: Mapping[str, Any], brief: bool = False) -> str:
    """The summary of a run that has just ended, as it suits standard output."""
    folder = result["run"].get("folder")
    if not folder:
        return page(result, brief=brief)
    traces = []
    with suppress(OSError):  # of a disk that failed meanwhile
        traces = runs.inside(Path(folder, "tracebacks"))
    result = {**result, "run": {**result["run"], "folder": shown(Path(folder))}}
    return page(result, brief=brief, files=[str(path.relative_to(folder)) for path in traces])


def page(result: Mapping[str, Any], *, brief: bool = False, files: Sequence[str] = ()) -> str:
    """A summary for the terminal or whatever standard output is."""
    from scenarios.log import wants_colours
    from scenarios.reports import as_exploration, as_text

    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    colours = wants_colours(sys.stdout)
    if "explored" in result:
        return as_exploration.render(result, width=width, colours=colours, brief=brief)
    return as_text.render(result, width=width, colours=colours, brief=brief, files=files)


def together(results: Sequence[Mapping[str, Any]], form: str, *, several: bool = False) -> str:
    """Results in a machine's form; nothing for text."""
    if form == "json":
        from scenarios.reports import as_json

        return as_json.render(results, several=several)
    if form == "github":
        from scenarios.reports import as_github

        return as_github.render(results)
    if form == "junit":
        from scenarios.reports import as_junit

        return as_junit.render(results)
    return ""


def run_all(checked: Sequence[Checked], view: View, again: Again, store: Store) -> list[int]:
    """Run every plan, and show the results; the exit codes. After a signal the rest is left."""
    from scenarios.engine.signals import heard

    results: list[Mapping[str, Any]] = []
    with heard() as signals:
        try:
            for number, (one, plan) in enumerate(_plans(checked)):
                if signals.last is not None:
                    break
                # Runs of this very command are never pruned: only its first looks for old ones.
                keep = store.keep if number == 0 else None
                with new_folder(store.root, plan, keep) as folder, _aside(plan, view):
                    results.append(_run_one(one, plan, view, again, folder, signals))
                view.show(results[-1])
        finally:
            view.finish(results, sum(len(one.plans) for one in checked))
    # Only here is it sure that none is on its way any more.
    stopped = [] if signals.last is None else [128 + signals.last]
    return [*(int(result["exit"]) for result in results), *stopped]


def new_folder(root: Path, plan: Plan, keep: int | None) -> runs.RunFolder:
    """The folder of a new run, with its scenario; without secrets.

    What dead runs left is ended first, while their folders are there to tell of it.
    """
    from scenarios.loading.hiding import hidden
    from scenarios.supervision.sweep import sweep

    sweep(runs.home_of(root) / "runs")
    scenario = plan.scenario
    return runs.create(root, scenario.name, keep, hidden(scenario.text, scenario.secrets))


@contextmanager
def _aside(plan: Plan, view: View) -> Iterator[None]:
    """What commands write to the standard output that they inherit goes to standard error, where
    the results are a document for machines.
    """
    inherits = any(worker.stdout == "inherit" for worker in plan.scenario.workers.values())
    if view.form == "text" or not inherits:
        yield
        return
    sys.stdout.flush()
    kept = os.dup(1)
    try:
        os.dup2(2, 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def _plans(checked: Sequence[Checked]) -> Iterator[tuple[Checked, Plan]]:
    for one in checked:
        for plan in one.plans:
            yield one, plan


def _run_one(
    one: Checked, plan: Plan, view: View, again: Again, folder: runs.RunFolder, signals: Signals
) -> Mapping[str, Any]:
    """Run a plan; a fault of the engine or of a plugin becomes a result, so that others go on."""
    from scenarios import engine
    from scenarios.event import Masker

    observer, masker = view.observer(plan), Masker(plan.scenario.secrets)
    for notice in one.notices:
        observer({"event": "notice", "message": masker.text(notice)})
    command = again.command(one.file, plan.seed, plan.scenario.matrix)
    gc.freeze()  # what is here now stays to the end
    gc.enable()
    try:
        return engine.run(
            plan,
            folder=folder,
            observer=observer,
            verbose=view.verbose,
            again=command,
            notices=one.notices,
            signals=signals,
        )
    except ScenariosError as error:
        failed, exit_code, traced = str(error), error.exit_code, ""
    except Exception as error:
        import traceback

        failed = f"a fault in the engine or in a plugin: {type(error).__name__}: {error}"
        failed += f" (see {folder.path / TRACED})"
        exit_code, traced = BROKEN, "".join(traceback.format_exception(error))
    broken = _broken(plan, folder, command, failed, exit_code)
    result: dict[str, Any] = engine.results.masked(broken, masker)
    _store_broken(folder, result, masker.text(traced))
    return result


def _store_broken(folder: runs.RunFolder, result: dict[str, Any], traced: str) -> None:
    """As far as there is room."""
    from scenarios.reports.as_json import dump

    folder.make_room()
    try:
        if traced:
            folder.write_text(TRACED, traced)
        folder.write_text("result.json", dump(result))
    except EnvironmentFault as error:
        result["notices"].append(str(error))


def _broken(
    plan: Plan, folder: runs.RunFolder, again: str, error: str, exit_code: int
) -> dict[str, Any]:
    """The result of a run that could not be made."""
    run = {"id": folder.id, "state": "failed", "seed": plan.seed, "duration": 0.0, "error": error}
    return {
        "scenario": plan.scenario.name,
        "file": plan.scenario.path,
        "matrix": dict(plan.scenario.matrix),
        "run": {**run, "folder": str(folder.path)},
        "workers": {},
        "findings": [],
        "expectations": [],
        "notices": [],
        "again": again,
        "exit": exit_code,
    }
