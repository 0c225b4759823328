"""The result of a run: one JSON object whose paths are the names of expectations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from types import NoneType
from typing import Any

from scenarios.engine.expectations import ask
from scenarios.engine.facilities import Facilities
from scenarios.engine.members import Member
from scenarios.errors import EnvironmentFault
from scenarios.event import Masker
from scenarios.plan import Plan
from scenarios.worker_plan import worst

SHOWN = {
    "queues": ("put", "got", "left", "lost", "duplicated", "fifo"),
    "locks": ("acquired", "contended", "max_holders", "max_wait"),
    "semaphores": ("permits", "acquired", "contended", "max_wait"),
    "conditions": ("acquired", "contended", "notified", "waiting", "max_wait"),
    "barriers": ("trips", "waiting", "broken", "max_wait"),
}
"""The statistics of each section that a result has."""


_FILLED = frozenset({list, tuple, set, frozenset})
_INERT = frozenset({NoneType, bool, int, float, complex, str, bytes, bytearray, range})


class Replicas(dict[Any, Any]):
    """A worker with replicas in expectations: its own keys, and a replica by its number."""

    def __missing__(self, key: Any) -> Any:
        replicas = self.get("replicas")
        if isinstance(key, int) and not isinstance(key, bool) and replicas is not None:
            return replicas[key]
        raise KeyError(key)


def inert(value: Any) -> Any:
    """A copy in which each object stands as a text: no expectation or report runs its own code."""
    its = type(value)
    if its is dict:
        return {inert(key): inert(item) for key, item in value.items()}
    if its in _FILLED:
        return its(map(inert, value))
    return value if its in _INERT else f"<an object of {its.__module__}.{its.__qualname__}>"


def resources(facilities: Facilities) -> dict[str, dict[str, Any]]:
    """section: name: what `expect` may ask of it."""
    found = {name: driver.statistics() for name, driver in facilities.drivers.items()}
    if facilities.control is not None:
        found.update(facilities.control.statistics())
    sections: dict[str, dict[str, Any]] = {name: {} for name in (*SHOWN, "flags", "values")}
    for name, section, declared in facilities.plan.resources:
        statistics = found.get(name, {})
        if section == "flags":
            sections[section][name] = statistics.get("set")
        elif section == "values":
            sections[section][name] = inert(statistics.get("value"))
        else:
            shown = {key: statistics[key] for key in SHOWN[section] if key in statistics}
            if section == "queues" and declared["kind"] != "fifo":
                shown.pop("fifo", None)
            sections[section][name] = shown
    none = {"made": 0, "closed": 0}
    sections["locals"] = {
        name: facilities.watch.locals.get(name, dict(none)) for name in facilities.plan.locals
    }
    return sections


def worker(group: Sequence[Member], facilities: Facilities) -> dict[str, Any]:
    """One declared worker, with its replicas and jobs."""
    declared = group[0].declared
    each = [_member(member, facilities) for member in group]
    if declared.replicas is None:
        return {**each[0], "line": declared.line, "background": declared.background}
    return Replicas(
        state=worst([member.state for member in group]),
        exit_code=next((one["exit_code"] for one in each if one["exit_code"]), each[0]["exit_code"])
        if each
        else None,
        result=None,
        results=[one["result"] for one in each],
        error=next((one["error"] for one in each if one["error"]), None),
        stdout="".join(one["stdout"] for one in each),
        stderr="".join(one["stderr"] for one in each),
        restarts=sum(one["restarts"] for one in each),
        duration=max((one["duration"] for one in each), default=0.0),
        line=declared.line,
        background=declared.background,
        replicas=each,
    )


def _member(member: Member, facilities: Facilities) -> dict[str, Any]:
    outcome = member.outcome
    ok = member.state == "succeeded"
    result = outcome.result if ok else None
    shown: dict[str, Any] = {
        "name": member.name,
        "state": member.state,
        "exit_code": outcome.exit_code,
        "result": result,
        "results": [result],
        "error": outcome.error,
        "error_line": outcome.line,
        "stdout": outcome.stdout or facilities.watch.text(member.name, "stdout"),
        "stderr": outcome.stderr or facilities.watch.text(member.name, "stderr"),
        "restarts": member.restarts,
        "duration": round(member.duration, 6),
    }
    if outcome.jobs is None and member.plan.jobs is not None:  # it never started
        shown["results"] = [None] * len(member.plan.jobs)
    elif outcome.jobs is not None and member.plan.jobs is not None:
        shown["results"] = [job.result for job in outcome.jobs]
        shown["jobs"] = [
            {
                "name": str(at),
                "state": job.state,
                "exit_code": job.exit_code,
                "result": job.result,
                "error": job.error,
                "error_line": job.line,
            }
            for at, job in enumerate(outcome.jobs)
        ]
    return shown


def result(
    plan: Plan,
    facilities: Facilities,
    groups: Mapping[str, Sequence[Member]],
    run: dict[str, Any],
    exit_code: int | None,
) -> dict[str, Any]:
    """The whole object; `exit_code` is the exit where something other than the answers decides."""
    scenario = plan.scenario
    try:
        sections = resources(facilities)
    except EnvironmentFault as error:
        run["error"] = run.get("error") or str(error)
        run["state"] = "failed" if run["state"] == "succeeded" else run["state"]
        sections = {}
    workers = {name: worker(group, facilities) for name, group in groups.items()}
    names = {
        **{name: {} for name in ("queues", "locks", "semaphores", "flags", "values", "locals")},
        **sections,
        "run": run,
        "workers": workers,
        "vars": plan.scenario.vars,
        "matrix": plan.scenario.matrix,
        "found": {},
    }
    ended = run["state"] not in ("timed_out", "terminated") and bool(sections or not plan.resources)
    expectations = ask(scenario, names, ended)
    return {
        "scenario": scenario.name,
        "file": scenario.path,
        "matrix": dict(scenario.matrix),
        "run": run,
        "workers": workers,
        **sections,
        "findings": [],
        "expectations": expectations,
        "exit": _exit(exit_code, run, expectations),
    }


OURS = frozenset({"state", "answer", "kind", "id"})
"""Keys of a result that hold words of the engine."""

THEIRS = frozenset({"result", "results", "values", "matrix"})
"""Keys of a result that hold any data of the file and its workers."""


def masked(found: Any, masker: Masker) -> Any:
    """A result, or a part of it, without secrets; what the engine itself says stays."""
    if isinstance(found, Mapping):
        return {
            key: found[key]
            if key in OURS
            else (masker.data if key in THEIRS else partial(masked, masker=masker))(found[key])
            for key in found
        }
    if isinstance(found, list):
        return [masked(one, masker) for one in found]
    return masker.text(found) if isinstance(found, str) else found


def _exit(given: int | None, run: Mapping[str, Any], expectations: list[dict[str, Any]]) -> int:
    if given is not None:
        return given
    if run["state"] != "succeeded" or any(one["answer"] == "failed" for one in expectations):
        return 1
    undecided = any(
        one["answer"] == "unknown" and one["kind"] != "sometimes" for one in expectations
    )
    return 3 if undecided else 0
