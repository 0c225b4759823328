"""Step kinds of plugins: checked, desugared, read as core steps."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

from loads import loaded, plugins, refused, steps_of, with_steps
from scenarios.errors import PluginFault
from scenarios.loading import STEP_WORDS, Plugins
from scenarios.specs import StepSpec

TOP = "queues: {a: {}, b: {}}"
Desugar = Callable[[dict[str, Any]], Any]


@pytest.fixture
def plugin() -> Iterator[Callable[[Desugar], Plugins]]:
    """Makes plugins with one step kind, `move`, that desugars with a function."""
    module = ModuleType("a_plugin_of_tests")
    sys.modules[module.__name__] = module

    def make(function: Desugar) -> Plugins:
        module.__dict__["move"] = function
        spec = StepSpec(
            "move",
            f"{module.__name__}:move",
            "moves an item from one queue to another",
            keys={"to": "where to", "steps": "what to do in between", "into": "a variable"},
            required=("to",),
        )
        return plugins({"move": spec})

    yield make
    del sys.modules[module.__name__]


def move(step: dict[str, Any]) -> list[dict[str, Any]]:
    """From one queue to another, with steps in between."""
    into = step.get("into", "moved")
    return [
        {"get": step["move"], "into": into},
        {"if": "True", "steps": step.get("steps", [])},
        {"put": step["to"], "value": f"${{{into}}}"},
    ]


def test_a_plugins_step_becomes_core_steps(plugin: Callable[[Desugar], Plugins]) -> None:
    """At its own place; steps that are passed on keep theirs, and variables are set."""
    known = plugin(move)
    made = steps_of(
        "- {move: a, to: b,\n   steps: [{log: '${moved}'}]}\n- get: a", TOP, known=known
    )
    assert [(step.kind, step.line, step.column) for step in made] == [
        ("get", 6, 9),
        ("if", 6, 9),
        ("put", 6, 9),
        ("get", 8, 9),
    ]
    (log,) = made[1].fields["steps"]
    assert (log.kind, log.line, log.column) == ("log", 7, 18)


def test_faults_of_what_it_stands_for_are_at_the_step(
    plugin: Callable[[Desugar], Plugins],
) -> None:
    """Those of steps that were passed on are at their own places."""
    known = plugin(move)
    refused(
        with_steps("- §{move: c, to: b}\n- {move: a, to: b, steps: [{log: §'${x}'}]}", TOP),
        '"get" names "c", and there is no such queue',
        'no step of worker "w" sets "x"',
        known=known,
    )


def test_its_keys_are_checked_before(plugin: Callable[[Desugar], Plugins]) -> None:
    """Unknown and missing keys are told as those of other steps."""
    known = plugin(move)
    refused(with_steps("- {move: a, to: b, §ton: c}", TOP), 'unknown key "ton"', known=known)
    refused(with_steps("- {§move: a}", TOP), 'move lacks the key "to"', known=known)
    refused(with_steps("- §{moove: a, to: b}", TOP), 'did you mean "move"?', known=known)
    refused(with_steps("- §{move: a, to: b, get: a}", TOP), "has 2: move and get", known=known)


def test_a_value_error_is_the_users_mistake(plugin: Callable[[Desugar], Plugins]) -> None:
    """It is told at the step."""

    def picky(step: dict[str, Any]) -> list[Any]:
        raise ValueError("nothing moves today")

    refused(
        with_steps("- §{move: a, to: b}", TOP), "move: nothing moves today", known=plugin(picky)
    )


def nested(step: dict[str, Any]) -> list[Any]:
    """A step that holds itself, inside another one."""
    return [{"repeat": 1, "steps": [{"move": "a", "to": "b"}]}]


@pytest.mark.parametrize(
    ("desugar", "words"),
    [
        (lambda step: step["nothing"], "desugaring raised KeyError"),
        (lambda step: {"get": "a"}, "desugaring gave dict, not a list of steps"),
        (lambda step: [{1: "a"}], "desugaring gave the key 1"),
        (lambda step: [{"return": object()}], "desugaring gave object, not plain data"),
        (nested, "hold steps of its own without end"),
    ],
)
def test_a_broken_plugin_is_named(
    plugin: Callable[[Desugar], Plugins], desugar: Desugar, words: str
) -> None:
    """It is the plugin's fault, not the file's."""
    with pytest.raises(PluginFault, match='step kind "move"') as fault:
        loaded(with_steps("- {move: a, to: b}", TOP), plugin(desugar))
    assert words in str(fault.value)


def test_a_step_that_desugars_to_another_plugins_step(
    plugin: Callable[[Desugar], Plugins],
) -> None:
    """Only core steps may come out."""
    known = plugin(lambda step: [{"move": "a", "to": "b"}])
    refused(with_steps("- §{move: a, to: b}", TOP), "a step without a kind", known=known)


def test_a_plugin_that_cannot_be_imported() -> None:
    """It is met by the scenarios that use it, and by no others."""
    known = plugins({"move": StepSpec("move", "no_such_module_here:f", "moves")})
    assert loaded(with_steps("- get: a", TOP), known)
    with pytest.raises(PluginFault, match='cannot import "no_such_module_here:f"'):
        loaded(with_steps("- move: a", TOP), known)


def test_what_passes_through_changed_has_the_steps_place(
    plugin: Callable[[Desugar], Plugins],
) -> None:
    """A list that the plugin changes is its own."""

    def changing(step: dict[str, Any]) -> list[dict[str, Any]]:
        step["steps"].append({"get": "nowhere"})
        return [{"repeat": 1, "steps": step["steps"]}]

    refused(
        with_steps("- §{move: a, to: b, steps: [{get: a}]}", TOP),
        '"get" names "nowhere"',
        known=plugin(changing),
    )


def test_the_words_that_a_plugin_may_not_take() -> None:
    """Kinds and all of their keys."""
    assert {"put", "value", "into", "otherwise", "except", "log", "level", "as"} <= STEP_WORDS
