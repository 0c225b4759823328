"""The stage of `scenarios explore` that explores plans, keeps their schedules and reports."""

from __future__ import annotations

import shlex
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from scenarios import runs
from scenarios.cli import VERSION, running
from scenarios.cli.check import Checked
from scenarios.cli.gallery import shown

if TYPE_CHECKING:
    from scenarios.explore.exploring import Exploration, Settings
    from scenarios.plan import Plan

OFTEN = 0.25
"""Seconds between two words on progress."""


@dataclass(frozen=True, slots=True)
class Again:
    """The options that a schedule must be replayed with."""

    settings: Mapping[str, str]
    executors: Sequence[str] = ()


class Progress:
    """One line on a terminal that is written over; nothing elsewhere."""

    def __init__(self, quiet: bool) -> None:
        self._on = not quiet and sys.stderr.isatty()
        self._next = 0.0

    def tell(self, text: str) -> None:
        """How far it is."""
        now = time.monotonic()
        if self._on and now >= self._next:
            self._next = now + OFTEN
            click.echo(f"\r\x1b[Kexploring: {text}", err=True, nl=False)

    def clear(self) -> None:
        """Leave nothing behind."""
        if self._on:
            click.echo("\r\x1b[K", err=True, nl=False)


def explore_all(
    checked: Sequence[Checked],
    settings: Settings,
    view: running.View,
    again: Again,
    store: running.Store,
) -> list[Mapping[str, Any]]:
    """Explore every plan, one after the other; after Ctrl-C the rest is left."""
    results: list[Mapping[str, Any]] = []
    try:
        for number, plan in enumerate(plan for one in checked for plan in one.plans):
            keep = store.keep if number == 0 else None
            with running.new_folder(store.root, plan, keep) as folder, _hearing():
                results.append(_explore(plan, settings, view, again, folder))
            if view.form == "text":
                click.echo(running.summary(results[-1], brief=view.quiet), nl=False, color=True)
            if results[-1]["explored"]["interrupted"]:
                break
    finally:
        view.finish(results, sum(len(one.plans) for one in checked))
    return results


def _explore(
    plan: Plan, settings: Settings, view: running.View, again: Again, folder: runs.RunFolder
) -> dict[str, Any]:
    import dataclasses

    from scenarios.event import Masker
    from scenarios.explore import exploring, reporting
    from scenarios.reports.as_json import dump
    from scenarios.worker.modules import importable

    progress = Progress(view.quiet or view.form != "text")
    settings = dataclasses.replace(settings, tell=progress.tell)
    with importable(plan.folder, last=plan.limited):
        found = exploring.explore(plan, settings)
    progress.clear()
    result = reporting.result(found)
    masker = Masker(plan.scenario.secrets)
    _keep_schedules(found, result, again, folder)
    result["run"] |= {"id": folder.id, "folder": str(folder.path)}
    result = dict(masker.data(result))
    folder.write_text("result.json", dump(result))
    return result


@contextmanager
def _hearing() -> Iterator[None]:
    """While this lasts Ctrl-C raises KeyboardInterrupt: a search ends, and tells what it saw."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _keep_schedules(
    found: Exploration, result: dict[str, Any], again: Again, folder: runs.RunFolder
) -> None:
    """Write each schedule into the run's folder, and say how it is seen again."""
    from scenarios.explore import reporting, schedule

    matrix = {f"matrix.{key}": _text(value) for key, value in found.plan.scenario.matrix.items()}
    values = {**again.settings, **matrix}
    made = reporting.schedules(found, VERSION, {"set": values, "executor": list(again.executors)})
    told = {}
    for key, one in made.items():
        kind, what = key
        name = f"expectation-{what + 1}" if kind == "expect" else str(what)
        name = f"data_race-{what}" if kind == "race" else name
        folder.write_text(f"schedules/{name}.yaml", schedule.dump(one))
        path = shown(folder.path / "schedules" / f"{name}.yaml")
        told[kind, what] = shlex.join(["scenarios", "replay", str(path)])
    for test in result["schedules"]:
        if test["answer"] == "failed":
            words = ["scenarios", "replay", found.plan.scenario.path, "--schedule", test["name"]]
            words += [word for pair in values.items() for word in ("--set", "=".join(pair))]
            words += [word for one in again.executors for word in ("--executor", one)]
            test["replay"] = shlex.join(words)
    for item in [*result["findings"], *result["expectations"]]:
        if item.get("key") and tuple(item["key"]) in told:
            item["replay"] = told[tuple(item["key"])]
        item.pop("key", None)
    wrong = [one for one in result["findings"] if one["level"] == "error" and not one["declared"]]
    again_by = next((one["replay"] for one in wrong if one.get("replay")), None)
    if again_by is not None:
        result["again"] = again_by


def _text(value: Any) -> str:
    return running.as_yaml(value)
