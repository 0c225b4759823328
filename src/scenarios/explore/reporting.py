"""An exploration as the JSON object that all reports are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scenarios.explore.exploring import Exploration, Settings
from scenarios.explore.judge import Key, Question, is_wrong
from scenarios.explore.minimal import Shortest
from scenarios.explore.model import operations
from scenarios.explore.replaying import Replayed
from scenarios.explore.rows import Row, rows
from scenarios.explore.schedule import Schedule, fingerprint, names, shorten
from scenarios.explore.shrinking import cost_of
from scenarios.explore.telling import Told, lock_order, race, tell
from scenarios.explore.watch import DATA_RACE
from scenarios.explore.whole import LOCK_ORDER, on_path

MODEL = "sequential consistency at step granularity"
"""What a proof is about: every order of steps, each step whole."""


def result(found: Exploration) -> dict[str, Any]:
    """The object of one exploration; schedules are told by their order."""
    plan, covered = found.plan, found.covered
    return {
        "scenario": plan.scenario.name,
        "file": plan.scenario.path,
        "matrix": dict(plan.scenario.matrix),
        "run": {"state": "explored", "seed": plan.seed, "duration": round(found.seconds, 6)},
        "explored": {
            "verdict": found.verdict,
            "model": MODEL,
            "mode": found.settings.mode,
            "how": covered.how,
            "time": "exact" if found.settings.options.exact else "free",
            "complete": covered.complete,
            "bound": "" if covered.complete else covered.spent,
            "interrupted": found.interrupted,
            "states": covered.states,
            "transitions": covered.transitions,
            "schedules": covered.schedules,
            "ends": covered.ends,
        },
        "workers": {},
        "findings": _findings(found),
        "expectations": [_answer(found, question) for question in found.questions],
        "schedules": [
            {
                "name": one.name,
                "answer": "failed" if one.problem else "passed",
                "note": one.problem,
            }
            for one in found.tests
        ],
        "unmodelled": [one._asdict() for one in found.unmodelled],
        "notices": [],
        "exit": found.exit,
    }


def schedules(found: Exploration, version: str, again: Mapping[str, Any]) -> dict[Key, Schedule]:
    """The schedule of each key that has one; `again` are the options of the command line."""
    made = {}
    machine, plan = found.machine, found.plan
    for key in found.covered.sights:
        shortest = found.schedule(key)
        if shortest is None or key[0] == "given" or key == DATA_RACE:  # each race has its own
            continue
        assert machine is not None
        options = found.settings.options
        made[key] = Schedule(
            scenario=plan.scenario.name,
            file=plan.scenario.path,
            hash=fingerprint(plan),
            engine=version,
            verdict="bug" if key in found.wrong else "seen",
            finding=label(found.questions, key),
            order=names(machine, shortest.path),
            time="exact" if options.exact else "free",
            timeouts="any" if options.early else "last",
            spurious=options.spurious,
            seed=plan.seed,
            **again,
        )
    return made


def label(questions: Sequence[Question], key: Key) -> str:
    """A key for people and files: the checker, the value of a race, or the expectation's text."""
    kind, what = key
    if kind == "found":
        return str(what)
    if kind == "race":
        return f"data_race: {what}"
    expectation = questions[what].expectation
    return f"{expectation.kind}: {' '.join(expectation.text.split())}"


# -- findings ----------------------------------------------------------------------------------

ORDER = ("deadlock", "crash", "mutual_exclusion", "isolation", "leak", "livelock")
"""Checkers from the one that explains most."""


def _findings(found: Exploration) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    alone = ("found", "crash") not in found.wrong  # a crash tells more than the default it breaks
    for key in sorted(found.covered.sights, key=_rank):
        kind, what = key
        if kind == "race" or (kind == "found" and key != DATA_RACE):
            made.append(_checked(found, key, _told(found, key)))
        elif kind == "expect" and key in found.wrong:
            question = found.questions[what]
            made += [_violated(found, key, question)] if alone or not question.default else []
    return sorted(made, key=lambda one: (one["level"] != "error" or one["declared"],))


def _rank(key: Key) -> tuple[int, str]:
    kind, what = key
    if kind == "found" and what in ORDER:
        return ORDER.index(what), ""
    return len(ORDER) + ("found", "expect", "race", "given").index(kind), str(what)


def _told(found: Exploration, key: Key) -> Told:
    """What a finding says, on the schedule that shows it where it has one."""
    machine, judge, watch = found.machine, found.judge, found.watch
    assert machine is not None and judge is not None and watch is not None
    shortest, (kind, what) = found.schedule(key), key
    if kind == "race" or key == LOCK_ORDER:
        if shortest is not None:
            watch = on_path(machine, judge, shortest.path)[1]
        return race(watch.races[what]) if kind == "race" else lock_order(watch.cycle())
    path = found.covered.sights[key] if shortest is None else shortest.path
    return tell(machine, judge, str(what), path)


def _checked(found: Exploration, key: Key, told: Told) -> dict[str, Any]:
    assert found.judge is not None
    checker = "data_race" if key[0] == "race" else str(key[1])
    level = found.judge.levels[checker]
    against = {what for kind, what in found.wrong if kind == "expect"}
    broken = any(one.number in against and checker in one.asks for one in found.questions)
    declared = level == "error" and ("found", checker) not in found.wrong and not broken
    waiting = [one.data() for one in told.deadlock.waiters] if told.deadlock else []
    circle = told.deadlock.circle if told.deadlock else []
    return {
        "checker": checker,
        "level": level,
        "declared": declared,
        "message": told.message,
        "line": told.line,
        **_shown(found, key),
        "waiting": waiting,
        "circle": circle,
    }


def _violated(found: Exploration, key: Key, question: Question) -> dict[str, Any]:
    expectation = question.expectation
    words = {"always": "does not hold", "never": "was seen and never should be"}
    text = " ".join(expectation.text.split())
    name = f"{expectation.name}: " if expectation.name else ""
    return {
        "checker": "expectation",
        "level": "error",
        "declared": False,
        "message": f"{name}{text} {words.get(expectation.kind, '')}",
        "line": expectation.line,
        "expression": text,
        **_shown(found, key),
        "waiting": [],
        "circle": [],
    }


def _shown(found: Exploration, key: Key) -> dict[str, Any]:
    """The schedule of a key, where it has one."""
    shortest = found.schedule(key)
    if shortest is None or found.machine is None:
        return {"key": list(key), "order": None, "rows": []}
    return {
        "key": list(key),
        "preemptions": shortest.preemptions,
        "steps": shortest.steps,
        "hidden_by_sleeps": None if found.hidden is None else key in found.hidden,
        "order": shorten(names(found.machine, shortest.path)),
        "columns": _columns(found, shortest),
        "rows": [row.data() for row in _rows(found, shortest)],
    }


def _columns(found: Exploration, shortest: Shortest) -> list[str]:
    """Who acts in a schedule, in the order of the file."""
    assert found.machine is not None
    acting = {index for _, index in shortest.path}
    return [actor.name for actor in found.machine.model.actors if actor.index in acting]


def _rows(found: Exploration, shortest: Shortest) -> Sequence[Row]:
    assert found.machine is not None
    return rows(found.machine, shortest.path)


def _answer(found: Exploration, question: Question) -> dict[str, Any]:
    expectation, covered = question.expectation, found.covered
    answer, note, sometimes = "passed", "", expectation.kind == "sometimes"
    if question.unknown or found.machine is None:
        answer, note = "unknown", question.unknown or "nothing was explored"
    elif question.key in covered.sights:
        answer = "passed" if sometimes else "failed"
    elif not covered.complete:
        answer, note = "unknown", f"not every schedule was looked at ({covered.spent})"
    elif not found.whole:
        shown = "no schedule of exact time shows it" if sometimes else "it holds in exact time"
        answer, note = "unknown", f"{shown}{_more(found)}"
    elif sometimes:
        answer, note = "failed", f"no schedule shows it{_more(found)}"
    made: dict[str, Any] = {
        "expression": expectation.text or expectation.expression.source,
        "kind": expectation.kind,
        "name": expectation.name,
        "worker": expectation.worker,
        "line": expectation.line,
        "default": question.default,
        "answer": answer,
        "note": note,
        "values": {},
    }
    if found.schedule(question.key) is not None:
        made.update(_shown(found, question.key))
        del made["rows"], made["columns"]
    return made


def _more(found: Exploration) -> str:
    """With which options there are more schedules, where something shows in none."""
    assert found.machine is not None
    options, model = found.settings.options, found.machine.model
    timed = any(operation.timeout not in (None, 0) for operation in operations(model))
    words = ["--time free"] if options.exact else []
    words += ["--timeouts any"] if timed and not options.early else []
    words += ["--spurious"] if model.plan.scenario.conditions and not options.spurious else []
    return f"; with {' '.join(words)} there are more" if words else ""


# -- replays -----------------------------------------------------------------------------------


def replayed(again: Replayed, name: str) -> dict[str, Any]:
    """The object of one order that was followed; every key that is seen is a finding."""
    found = Exploration(again.machine.model.plan, Settings(options=again.machine.options))
    found.machine, found.judge, found.watch = again.machine, again.judge, again.watch
    found.questions = again.judge.questions
    cost = Shortest(again.path, *cost_of(again.machine, again.path))
    found.shortest, found.shown_by = dict.fromkeys(again.keys, cost), again.shown_by
    found.covered.sights = dict.fromkeys(again.keys, again.path)
    wrong = is_wrong(again.judge)
    found.wrong = [key for key in again.keys if wrong(key)]
    made = result(found)
    findings = _findings(found)
    for key in again.keys:
        if key[0] == "expect" and key not in found.wrong:
            findings.append({**_violated(found, key, found.questions[key[1]]), "level": "seen"})
    for one in findings:
        one["label"] = label(found.questions, tuple(one.pop("key")))
    made["findings"] = findings
    made["explored"] |= {
        "verdict": "bug" if found.wrong else "replayed",
        "how": f"replay of {name}",
    }
    made["explored"] |= {"complete": False, "bound": "", "schedules": 1}
    made["rows"] = [row.data() for row in rows(again.machine, again.path)]
    made["columns"] = _columns(found, cost)
    made["expectations"] = []
    made["exit"] = 1 if found.wrong else 0
    return made
