"""`scenarios show --check-model`: whether a stored run is a path of the explorer's machine."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scenarios import runs
from scenarios.cli import options
from scenarios.errors import EnvironmentFault, ScenarioFileError, UsageError

if TYPE_CHECKING:
    from scenarios.explore.conforming import Conformity
    from scenarios.plan import Plan

EXITS = {"conforms": 0, "differs": 1, "unknown": 3}
WORDS = {
    "conforms": "conforms to the machine",
    "differs": "does not conform to the machine",
    "unknown": "unknown",
}


def tell(path: Path, result: Mapping[str, Any] | None, form: str) -> int:
    """Check a stored run and print the answer; the exit code."""
    from scenarios.reports.as_json import dump

    if form not in ("text", "json"):
        raise click.UsageError(f"--check-model prints text or json, not {form}")
    began = time.perf_counter()
    notes: list[str] = []
    found = _check(path, result, notes)
    seconds = round(time.perf_counter() - began, 3)
    code = EXITS[found.answer]
    if form == "json":
        told = {
            "run": path.name,
            "answer": found.answer,
            "why": found.why,
            "operations": found.operations,
            "states": found.states,
            "seconds": seconds,
            "number": found.number or None,
            "event": found.event,
            "instead": list(found.instead),
            "notes": notes,
            "exit": code,
        }
        click.echo(dump(told), nl=False)
        return code
    for note in notes:
        click.echo(f"scenarios: {note}", err=True)
    click.echo("\n".join(_lines(path, found, seconds)))
    return code


def _lines(path: Path, found: Conformity, seconds: float) -> list[str]:
    why = f": {found.why}" if found.why else ""
    lines = [f"{path.name}: {WORDS[found.answer]}{why}"]
    if found.event is not None:
        lines.append(f"  events.jsonl:{found.number}: {_event(found.event)}")
    lines += [f"  the machine: {one}" for one in found.instead]
    if found.operations:
        lines.append(f"  {found.operations} operations, {found.states} states, {seconds:g} s")
    return lines


def _event(event: Mapping[str, Any]) -> str:
    """One event for people."""
    words = [event.get("worker"), event["event"], event.get("op"), event.get("object")]
    shown = " ".join(str(word) for word in words if word)
    told = {key: event[key] for key in ("job", "value", "item", "error", "message") if key in event}
    line = f" (line {event['line']})" if "line" in event else ""
    return shown + line + (f" {json.dumps(told, ensure_ascii=False)}" if told else "")


# -- the run as it was -------------------------------------------------------------------------


def _check(path: Path, result: Mapping[str, Any] | None, notes: list[str]) -> Conformity:
    from scenarios import history
    from scenarios.explore import conforming
    from scenarios.explore.conforming import Conformity

    if runs.under_way(path):
        return Conformity("unknown", "it is still under way")
    if result is None:
        return Conformity("unknown", "it has no result that tells with which values it ran")
    events = history.of_run(path)
    read = list(events)
    damage = events.damage()
    if damage:
        return Conformity("unknown", damage)
    if result["run"].get("lost_events"):
        return Conformity("unknown", f"{result['run']['lost_events']} events are not in its log")
    try:
        plan = _plan(path, result, notes)
    except (ScenarioFileError, UsageError, EnvironmentFault) as error:
        return Conformity("unknown", f"its scenario cannot be loaded again: {error}")
    except OSError as error:
        return Conformity("unknown", f"its scenario cannot be read: {error}")
    if plan is None:
        why = f"secrets are hidden in its scenario, and {result['file']} is not as it was"
        return Conformity("unknown", why)
    folder = str(result["run"].get("folder") or path)
    return conforming.check(plan, read, result=result, folder=folder)


def _plan(path: Path, result: Mapping[str, Any], notes: list[str]) -> Plan | None:
    """The plan of the stored scenario, with the options that the run had; None for one with secrets
    that are hidden.
    """
    from scenarios import loading, plan
    from scenarios.cli.run import command
    from scenarios.event.masking import MASK
    from scenarios.loading.hiding import hidden

    words = shlex.split(result.get("again") or "")[2:] or [result["file"]]
    given = command.make_context("run", words, resilient_parsing=True).params
    if given["plugins_dirs"]:  # a stored run says where, and nothing of it is imported here
        raise UsageError("it ran with --plugins-dir, and only a run loads such plugins")
    if MASK in (result.get("again") or ""):
        return None
    registry = options.registry((), given["switches"] or (), warn=False)
    plugins = loading.Plugins(
        registry.executors, registry.steps, frozenset((*loading.CHECKERS, *registry.checkers))
    )
    file = _file(path, result)
    stored = (path / "scenario.yaml").read_bytes()
    now = file.read_bytes() if file is not None else b""

    def load(content: bytes) -> Plan:
        loaded = loading.load_text(
            content,
            result["file"],
            plugins,
            options.overrides(given["settings"] or ()),
            options.swaps(given["executors"] or ()),
        )
        for one in loaded.scenarios:
            if one.matrix == result["matrix"]:
                return plan.make(one, specs=registry.executors, seed=result["run"]["seed"])
        raise UsageError(f"it has no combination {result['matrix']} of its matrix")

    if MASK.encode() not in stored:
        if file is not None and now != stored:
            notes.append(f"{result['file']} has changed since; the stored scenario is checked")
        return load(stored)
    made = load(now) if file is not None else None
    same = made is not None and hidden(now.decode(), made.scenario.secrets) == stored.decode()
    return made if same else None


def _file(path: Path, result: Mapping[str, Any]) -> Path | None:
    """The file that was run, seen from here or from where its runs are stored."""
    found = (base / result["file"] for base in (Path(), path.parents[2]))
    return next((file for file in found if file.is_file()), None)
