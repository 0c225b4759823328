"""`scenarios replay`: see one order of steps again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scenarios import runs
from scenarios.cli import check, options, running
from scenarios.errors import UsageError
from scenarios.verdict import worst

if TYPE_CHECKING:
    from scenarios.explore.replaying import Replayed
    from scenarios.explore.schedule import Schedule
    from scenarios.plan import Plan

HELP = """\
Repeat a recorded order of steps: the same result each time.

WHAT is a schedule that `scenarios explore` kept, the run that it was kept in
(all of its schedules, or the one named by --schedule), or a scenario file
with `schedules`, each of which is then a test.

Examples:
  scenarios replay .scenarios/runs/ID/schedules/deadlock.yaml
  scenarios replay ID --schedule deadlock
  scenarios replay mine.yaml                 the schedules of the file
  scenarios replay SCHEDULE --file other.yaml  the same order in another file
  scenarios replay SCHEDULE --real           on real threads, too

Exit codes:
  0    the order was followed, and nothing is wrong at its end
  1    the order was followed to something that is wrong
  2    the scenario no longer allows this order, or does not show the same
"""


@dataclass(frozen=True, slots=True)
class Task:
    """One order to follow in one plan; `recorded` is where it came from."""

    name: str
    plan: Plan
    order: Sequence[str]
    where: str
    recorded: Schedule | None = None


@options.verb("replay", "Repeat a recorded order of steps.", HELP)
@click.argument("what", metavar="WHAT")
@click.option("--schedule", "wanted", metavar="NAME", help="The one of this name.")
@click.option("--file", "file", metavar="FILE", help="Follow the order in this scenario file.")
@click.option("--real", is_flag=True, help="Drive real threads through the order as well.")
@options.format_of("text", "json")
@options.values
@click.option("-q", "--quiet", is_flag=True, help="Show the verdict, and no steps.")
@options.limits
@options.root
@options.plugins
def command(
    what: str,
    wanted: str | None,
    file: str | None,
    real: bool,
    form: str,
    settings: Sequence[str],
    executors: Sequence[str],
    quiet: bool,
    allowed: Sequence[str],
    root: Path,
    plugins_dirs: Sequence[Path],
    switches: Sequence[str],
) -> int:
    """Find the orders, follow each, tell."""
    from scenarios.worker.modules import importable

    registry = options.registry(plugins_dirs, switches)
    limit = options.targets(allowed)
    loader = Loader(registry, options.overrides(settings), tuple(executors), limit)
    results = []
    for task in _tasks(what, wanted, file, root, loader):
        with importable(task.plan.folder, last=task.plan.limited):
            results.append(_follow(task, real))
        if form == "text":
            click.echo(running.page(results[-1], brief=quiet), nl=False, color=True)
    click.echo(running.together(results, form), nl=False)
    return worst(int(result["exit"]) for result in results)


@dataclass(frozen=True, slots=True)
class Loader:
    """Loads the plans of a scenario file with the changes of the command line."""

    registry: Any
    overrides: Mapping[str, str]
    executors: Sequence[str]
    targets: Any = None

    def plans(
        self,
        file: str,
        overrides: Mapping[str, str] | None = None,
        executors: Sequence[str] = (),
        seed: int | None = None,
    ) -> tuple[Plan, ...]:
        """All scenarios of a file; a refused one is told with all of its faults."""
        from scenarios.errors import ScenarioFileError

        found = check.locate([file])
        changes = check.Changes(
            {**(overrides or {}), **self.overrides},
            options.swaps([*executors, *self.executors]),
            seed,
            self.targets,
        )
        checked = check.check(found, self.registry, changes)[0]
        if checked.faults:
            raise ScenarioFileError(checked.faults)
        return checked.plans


# -- what to follow ----------------------------------------------------------------------------


def _tasks(
    what: str, wanted: str | None, file: str | None, root: Path, loader: Loader
) -> list[Task]:
    from scenarios.explore import schedule

    path = Path(what)
    if path.is_file():
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{what} cannot be read: {error}") from None
        if schedule.is_schedule(text):
            return [_recorded(path, text, file, loader)]
    if path.is_dir() or not path.exists():
        found = _of_run(what, root)
        if found is not None:
            kept = [one for one in found if wanted in (None, one.stem)]
            if not kept:
                raise UsageError(_nothing(what, wanted, [one.stem for one in found]))
            return [_recorded(one, one.read_text("utf-8"), file, loader) for one in kept]
    tasks = list(_of_file(what, wanted, loader))
    if not tasks:
        raise UsageError(
            f"{what} has no `schedules`; `scenarios explore {what}` finds some and keeps them"
        )
    return tasks


def _nothing(what: str, wanted: str | None, known: Sequence[str]) -> str:
    if not known:
        return f"the run {what} keeps no schedules; only `scenarios explore` does"
    return f'the run {what} has no schedule "{wanted}"; it has {", ".join(known)}'


def _of_run(what: str, root: Path) -> list[Path] | None:
    """The schedules of a stored run; None where it is no run."""
    try:
        folder = runs.find_run(what, root)
    except UsageError:
        return None
    return runs.inside(folder / "schedules", ".yaml")


def _recorded(path: Path, text: str, file: str | None, loader: Loader) -> Task:
    from scenarios.explore import schedule

    recorded = schedule.parse(text, str(path))
    source = file or recorded.file
    plans = loader.plans(source, recorded.set, recorded.executor, recorded.seed)
    if len(plans) > 1:
        raise UsageError(f"{path}: {source} has several scenarios; pick one by --set matrix.NAME")
    return Task(path.stem, plans[0], recorded.order, str(path), recorded)


def _of_file(what: str, wanted: str | None, loader: Loader) -> Iterator[Task]:
    """The schedules that a scenario file names."""
    from scenarios.explore.replaying import order_of

    for plan in loader.plans(what):
        for name, order in plan.scenario.schedules.items():
            if wanted not in (None, name):
                continue
            where = f"{plan.scenario.path}: schedule {name}"
            yield Task(name, plan, order_of(order), where)


# -- following ---------------------------------------------------------------------------------


def _follow(task: Task, real: bool) -> dict[str, Any]:
    from scenarios.explore import replaying, reporting
    from scenarios.explore.machine import FREE
    from scenarios.explore.schedule import fingerprint

    recorded = task.recorded
    changed = recorded is not None and recorded.hash != fingerprint(task.plan)
    reading = FREE if recorded is None else recorded.options
    found = replaying.replay(task.plan, reading, task.order, task.where)
    if recorded is not None:
        told = {reporting.label(found.judge.questions, key): key for key in found.possible}
        found.keys |= {told[recorded.finding]} if recorded.finding in told else set()
    result = reporting.replayed(found, task.name)
    if recorded is not None:
        labels = {reporting.label(found.judge.questions, key) for key in found.keys}
        if recorded.finding not in labels:
            seen = ", ".join(sorted(labels)) or "nothing"
            why = "; the file has changed since" if changed else ""
            raise replaying.Divergence(
                f"{task.where}: the order was followed and shows {seen}, not {recorded.finding}"
                f"{why}; record it again with `scenarios explore`"
            )
    if real:
        result["notices"].append(_on_threads(task, found))
    if changed:
        result["notices"].append("the scenario has changed since the order was recorded")
    return result


def _on_threads(task: Task, found: Replayed) -> str:
    """Drive real threads through the same order; a Divergence where they end otherwise."""
    from scenarios.explore import real, replaying

    outcome = real.drive(task.plan, found.machine, found.path)
    if outcome.differences:
        told = "; ".join(outcome.differences)
        raise replaying.Divergence(f"{task.where}: real threads ended otherwise: {told}")
    stuck = ", ".join(f"{one.worker} (line {one.line})" for one in outcome.stuck)
    end = f", and are stuck there: {stuck}" if stuck else ""
    return f"real threads went the same way to the same end{end}"
