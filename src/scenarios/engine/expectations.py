"""Asks a run's expectations, the default ones included."""

from __future__ import annotations

import keyword
from collections.abc import Iterable, Mapping
from typing import Any

from scenarios.errors import ScenariosError
from scenarios.expressions import Expression, compile_expression, prepare
from scenarios.scenario import Expectation, Scenario

Answered = dict[str, Any]

NOT_YET = "this version runs no checkers, so what they find is not known"


def ask(scenario: Scenario, names: Mapping[str, Any], ended: bool) -> list[Answered]:
    """Every expectation with its answer; `ended` tells whether the run came to its end."""
    answered = []
    for expectation in scenario.expect:
        answered.append(_ask(expectation, names, scenario, ended))
    for worker in scenario.workers.values():
        for expectation in worker.expect:
            answered.append(_ask(expectation, names, scenario, ended))
    for worker_name, text in defaults(scenario):
        default = Expectation(
            "always",
            compile_expression(text, reads=False),
            text=text,
            line=scenario.workers[worker_name].line,
        )
        answered.append({**_ask(default, names, scenario, ended), "default": True})
    return [one for one in answered if one]


def defaults(scenario: Scenario) -> Iterable[tuple[str, str]]:
    """(worker, expression) for each worker whose end no expectation mentions."""
    mentioned = set()
    for expectation in scenario.expect:
        mentioned |= set(_ends_mentioned(expectation.expression))
    for worker in scenario.workers.values():
        own = {
            path[0] for expectation in worker.expect for path, _ in expectation.expression.paths
        } | {name for expectation in worker.expect for name, _ in expectation.expression.free}
        if worker.name in mentioned or own & {"state", "exit_code"}:
            continue
        plain = worker.name.isidentifier() and not keyword.iskeyword(worker.name)
        place = f"workers.{worker.name}" if plain else f"workers[{worker.name!r}]"
        bad = "!= 'failed'" if worker.background else "== 'succeeded'"
        yield worker.name, f"{place}.state {bad}"


def _ends_mentioned(expression: Expression) -> Iterable[str]:
    """Workers whose `state` or `exit_code` an expression mentions, also of one replica."""
    for path, _ in expression.paths:
        if path[0] == "workers" and len(path) > 1 and {"state", "exit_code"} & set(path[2:]):
            yield path[1]


def _ask(
    expectation: Expectation, names: Mapping[str, Any], scenario: Scenario, ended: bool
) -> Answered:
    """One expectation's answer; {} where its `if` does not hold."""
    scope: dict[str, Any] = {}
    prepare(scope)
    scope.update(names)
    if expectation.worker is not None:
        scope.update(names["workers"][expectation.worker])
    condition = expectation.condition
    if condition is not None and not evaluate(condition, scope)[0]:
        return {}
    answer: Answered = {
        "expression": expectation.text or expectation.expression.source,
        "kind": expectation.kind,
        "name": expectation.name,
        "worker": expectation.worker,
        "line": expectation.line,
        "default": False,
        "answer": "unknown",
        "note": "",
        "values": {},
    }
    if any(name == "found" for name, _ in expectation.expression.free):
        answer["note"] = NOT_YET
    elif not ended:
        answer["note"] = "the run did not come to its end"
    else:
        holds, problem = evaluate(expectation.expression, scope)
        answer["answer"], answer["note"] = _judge(expectation.kind, bool(holds), problem)
        answer["values"] = values_of(expectation.expression, scope)
    return answer


def _judge(kind: str, holds: bool, problem: str) -> tuple[str, str]:
    if problem:
        return "failed", problem
    if kind == "sometimes":
        return (
            ("passed", "") if holds else ("unknown", "not seen in this run, which is one of many")
        )
    return ("passed" if holds == (kind == "always") else "failed"), ""


def evaluate(expression: Expression, scope: dict[str, Any]) -> tuple[Any, str]:
    """The value, or false and why there is none."""
    try:
        return expression.evaluate(scope), ""
    except ScenariosError as error:
        return False, str(error)


def values_of(expression: Expression, scope: dict[str, Any]) -> dict[str, Any]:
    """What each name in the expression was."""
    values = {}
    for path, _ in expression.paths:
        found: Any = scope
        try:
            for part in path:
                found = found[part]
        except (KeyError, TypeError, IndexError):
            continue
        if not isinstance(found, Mapping) or path[0] == "values":
            values[".".join(path)] = found
    for name, _ in expression.free:
        if name in scope and not isinstance(scope[name], Mapping):
            values[name] = scope[name]
    return values
