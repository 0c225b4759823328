"""The JSON Schema: valid, complete, and of one mind with the loader."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from loads import SPECS
from scenarios.loading import CHECKERS, schema
from scenarios.loading.document import KEYS
from scenarios.loading.kinds import KINDS
from scenarios.loading.nodes import data
from scenarios.loading.reader import read
from scenarios.loading.workers import TABLE
from scenarios.specs import StepSpec

SCHEMA = schema(SPECS)
VALIDATOR = Draft202012Validator(SCHEMA)
STEPS = "workers: {w: {executor: thread, steps: [%s]}}"


def faults(text: str, validator: Any = VALIDATOR) -> list[str]:
    """Where a text does not fit the schema."""
    document = data(read(text)[0])
    return sorted(
        "/".join(map(str, error.absolute_path)) for error in validator.iter_errors(document)
    )


def described(part: Any, path: str = "") -> list[str]:
    """Properties without a description."""
    missing = []
    if isinstance(part, dict):
        for name, value in part.get("properties", {}).items():
            if isinstance(value, dict) and "if" not in path and "description" not in value:
                missing.append(f"{path}/{name}")
        for key, value in part.items():
            missing += described(value, f"{path}/{key}")
    return missing


def test_it_is_a_schema() -> None:
    """Draft 2020-12 accepts it."""
    Draft202012Validator.check_schema(SCHEMA)


def test_every_key_is_there_with_its_description() -> None:
    """Keys of the top, of workers and of each kind of step."""
    properties, definitions = SCHEMA["properties"], SCHEMA["$defs"]
    assert set(properties) == set(KEYS)
    assert all(part["description"] for part in properties.values())
    worker = definitions["worker"]["properties"]
    assert set(worker) == set(TABLE.keys)
    assert all(part["description"] for part in worker.values())
    for name, kind in KINDS.items():
        step = definitions[f"step_{name}"]["properties"]
        assert set(step) == set(kind.keys)
        assert all(part["description"] for part in step.values())
        assert definitions["step"]["properties"][name]["description"] == kind.doc
    assert set(properties["checks"]["properties"]) == set(CHECKERS)


@pytest.mark.parametrize(
    "text",
    [
        STEPS % "",
        STEPS % "{put: q, value: {a: 1}, timeout: 1s, block: false, otherwise: [{get: q}]}",
        STEPS % "{log: x, level: info, put: q, anything: [1]}",
        STEPS % "{forever: , steps: [{break: }]}",
        STEPS % "{sleep: {min: 0s, max: '${vars.n}'}}, {sleep: 1.5}, {sleep: '${n}'}",
        STEPS % "{repeat: '${n}', steps: []}, {notify: c, count: all}",
        "workers: {w: {command: [sleep, 1], stdout: {to: q}, ready: {log: a}, env: {A: 1}}}",
        "workers: {w: {executor: pool, options: {of: thread, max_workers: 2}, jobs: 3, steps: []}}",
        "workers: {w: {executor: pool, options: '${vars.o}', jobs: '${vars.j}', steps: []}}",
        "{x-a: [1], queues: {q: , p: {maxsize: 3}}, workers: {w: {executor: thread, steps: []}}}",
        "{values: {v: [1]}, locals: {l: {a: 1}, m: {call: 'a:b'}}, workers: {w: {command: [a]}}}",
        "{expect: [a, {never: b, name: c}], checks: {crash: off}, workers: {w: {command: [a]}}}",
        "{faults: [{kill: w, at: 1s}], secrets: [a, 1], workers: {w: {command: [a]}}}",
        "{timeout: 1m30s, matrix: {n: [1]}, executor: thread, workers: {w: {steps: []}}}",
    ],
)
def test_what_is_right(text: str) -> None:
    """Files that the loader takes fit the schema."""
    assert faults(text) == []


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("{nmae: x, workers: {w: {command: [a]}}}", [""]),
        ("name: x", [""]),
        ("{queues: {q: {kind: filo}}, workers: {w: {command: [a]}}}", ["queues/q/kind"]),
        ("{queues: {q: {maxsize: -1}}, workers: {w: {command: [a]}}}", ["queues/q/maxsize"]),
        ("{timeout: soon, workers: {w: {command: [a]}}}", ["timeout"]),
        ("workers: {w: {executor: thread}}", ["workers/w"]),
        ("workers: {w: {executor: tread, steps: []}}", ["workers/w/executor"]),
        ("workers: {w: {executor: thread, options: {a: 1}, steps: []}}", ["workers/w/options"]),
        (
            "workers: {w: {executor: pool, options: {of: x}, steps: []}}",
            ["workers/w/options/of"],
        ),
        (STEPS % "{put: q}", ["workers/w/steps/0"]),
        (STEPS % "{put: q, valeu: 1}", ["workers/w/steps/0"] * 2),
        (STEPS % "{pt: q}", ["workers/w/steps/0"]),
        (STEPS % "{get: q, get_all: 1}", ["workers/w/steps/0"]),
        (STEPS % "{repeat: -1, steps: []}", ["workers/w/steps/0/repeat"]),
        (STEPS % "{if: 1, steps: [{sleep: soon}]}", ["workers/w/steps/0/steps/0/sleep"]),
        ("{checks: {dedlock: off}, workers: {w: {command: [a]}}}", ["checks"]),
    ],
)
def test_what_is_wrong(text: str, places: list[str]) -> None:
    """An editor marks the place that the loader would tell."""
    assert faults(text) == places


def test_plugins_are_in_it() -> None:
    """Step kinds and checkers of plugins."""
    move = StepSpec("move", "m:f", "moves an item", {"to": "where to"}, ("to",))
    made = schema(SPECS, {"move": move}, ["torn"])
    Draft202012Validator.check_schema(made)
    validator = Draft202012Validator(made)
    assert faults(STEPS % "{move: a, to: b}", validator) == []
    assert faults(STEPS % "{move: a}", validator) == ["workers/w/steps/0"]
    assert made["$defs"]["step_move"]["properties"]["to"]["description"] == "where to"
    assert "torn" in made["properties"]["checks"]["properties"]
    assert "torn" not in schema(SPECS)["properties"]["checks"]["properties"]
