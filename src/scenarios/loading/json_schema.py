"""The JSON Schema of scenario files, from the same tables that check them and from the plugins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from scenarios.loading import declarations, workers
from scenarios.loading.abilities import TASKS, model_of
from scenarios.loading.document import JUDGING, OTHERS, SIMPLE, VERSION
from scenarios.loading.judging import Checks
from scenarios.loading.kinds import KINDS
from scenarios.loading.shapes import FILLED, NAME, Schema, or_filled
from scenarios.specs import ExecutorSpec, StepSpec

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
WORKER_NAME: Final = r"^(?![0-9_-])[^\s.:]+$"


def schema(
    specs: Mapping[str, ExecutorSpec], steps: Mapping[str, StepSpec], checkers: Iterable[str]
) -> Schema:
    """See `scenarios.loading.schema`."""
    return {
        "$schema": DIALECT,
        "title": "Scenario",
        "description": "A concurrency scenario, version 1 of the format.",
        "type": "object",
        "properties": _top(specs, checkers),
        "patternProperties": {"^x-": {"description": "Ignored: a place for YAML anchors."}},
        "additionalProperties": False,
        "required": ["workers"],
        "$defs": {
            "filled": {
                "type": "string",
                "pattern": r"\$\{",
                "description": "A text with ${...} that gives the value.",
            },
            "worker": _worker(specs),
            "step": _step(steps),
            **{f"step_{name}": kind.schema() for name, kind in KINDS.items()},
            **{f"step_{name}": _plugin_step(spec) for name, spec in steps.items()},
            **_options(specs),
        },
    }


def _top(specs: Mapping[str, ExecutorSpec], checkers: Iterable[str]) -> Schema:
    properties: Schema = {
        "version": {"const": VERSION},
        "vars": {"type": ["object", "null"]},
        "matrix": {
            "type": ["object", "null"],
            "additionalProperties": {"type": "array", "minItems": 1},
        },
        "executor": _executor(specs),
        "workers": {
            "type": "object",
            "minProperties": 1,
            "propertyNames": {"pattern": WORKER_NAME},
            "additionalProperties": {"$ref": "#/$defs/worker"},
        },
    }
    for name, doc in OTHERS.items():
        properties[name] = {"description": doc, **properties[name]}
    for key in (*SIMPLE, *JUDGING):
        properties[key.name] = {"description": key.doc}
        if key.name != "checks":
            properties[key.name].update(key.shape.filled())
    for name, section in declarations.TABLE.items():
        properties[name] = {
            "description": section.doc,
            "type": ["object", "null"],
            "propertyNames": {"pattern": NAME},
            "additionalProperties": section.shape.filled(),
        }
    checks = Checks().schema()
    known = checks["properties"]
    properties["checks"].update(checks)
    for name in checkers:
        known.setdefault(name, {**known["deadlock"], "description": "A checker of a plugin."})
    return properties


def _executor(specs: Mapping[str, ExecutorSpec]) -> Schema:
    return {
        "anyOf": [
            *({"const": name, "description": spec.summary} for name, spec in specs.items()),
            FILLED,
        ]
    }


def _worker(specs: Mapping[str, ExecutorSpec]) -> Schema:
    """A worker: its keys, exactly one of the three kinds, the options of its executor."""
    made = workers.TABLE.schema()
    made["description"] = "What runs: exactly one of steps, call and command."
    doc = made["properties"]["executor"]["description"]
    made["properties"]["executor"] = {"description": doc, **_executor(specs)}
    made["oneOf"] = [{"required": [kind]} for kind in TASKS]
    made["not"] = {"required": ["replicas", "jobs"]}
    made["allOf"] = [
        {
            "if": {"properties": {"executor": {"const": name}}, "required": ["executor"]},
            "then": {"properties": {"options": or_filled({"$ref": f"#/$defs/options_{name}"})}},
        }
        for name in specs
    ]
    return made


def _step(plugins: Mapping[str, StepSpec]) -> Schema:
    """A step: the first of its kinds that is there chooses what else may stand in it.

    Written as if and then, not as alternatives, so that an editor tells what is wrong with the one
    kind that was meant, and not that none of thirty fits.
    """
    docs = {name: kind.doc for name, kind in KINDS.items()}
    docs.update((name, spec.summary) for name, spec in plugins.items())
    others = [name for name in docs if name != "log"]
    rules: list[Schema] = [
        {"if": {"required": ["log"]}, "then": {"$ref": "#/$defs/step_log"}},
    ]
    for name in others:
        chosen = {"required": [name], "not": {"required": ["log"]}}
        rules.append({"if": chosen, "then": {"$ref": f"#/$defs/step_{name}"}})
    return {
        "type": "object",
        "description": "One step; exactly one of its keys names its kind.",
        "properties": {name: {"description": doc} for name, doc in docs.items()},
        "anyOf": [{"required": [name]} for name in docs],
        "allOf": rules,
    }


def _plugin_step(spec: StepSpec) -> Schema:
    return {
        "type": "object",
        "description": spec.summary,
        "properties": {
            spec.kind: {"description": spec.summary},
            **{key: {"description": doc} for key, doc in spec.keys.items()},
        },
        "required": [spec.kind, *spec.required],
        "additionalProperties": False,
    }


def _options(specs: Mapping[str, ExecutorSpec]) -> Schema:
    """The options of each executor, as its own model describes them."""
    made: dict[str, Any] = {}
    for name, spec in specs.items():
        if spec.options is None:
            made[f"options_{name}"] = {"type": ["object", "null"], "maxProperties": 0}
            continue
        model = model_of(spec).model_json_schema(ref_template=f"#/$defs/{name}_{{model}}")
        for part, definition in model.pop("$defs", {}).items():
            made[f"{name}_{part}"] = definition
        for key, value in model.get("properties", {}).items():
            rest = {word: value[word] for word in ("description", "default") if word in value}
            model["properties"][key] = {**rest, **or_filled(value)}
        made[f"options_{name}"] = {**model, "type": ["object", "null"]}
    return made
