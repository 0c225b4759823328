"""Load texts of scenario files for tests; a § in a text stands right before each faulty place."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import dedent, indent
from typing import Any

import pytest

from scenarios.errors import Fault, ScenarioFileError
from scenarios.executors import scenarios_executors
from scenarios.loading import CHECKERS, Loaded, Plugins, load_text
from scenarios.scenario import Scenario, Step, Worker
from scenarios.specs import StepSpec

MARK = "§"
SPECS = {spec.name: spec for spec in scenarios_executors()}


def plugins(steps: Mapping[str, StepSpec] | None = None, checkers: tuple[str, ...] = ()) -> Plugins:
    """The built-in executors, with these steps and checkers."""
    return Plugins(SPECS, steps or {}, frozenset((*CHECKERS, *checkers)))


def loaded(text: str, known: Plugins | None = None, **changes: Any) -> Loaded:
    """What a text is loaded to."""
    content = dedent(text).lstrip("\n").encode()
    return load_text(content, "file.yaml", known or plugins(), **changes)


def scenario(text: str, known: Plugins | None = None, **changes: Any) -> Scenario:
    """The one scenario of a text."""
    (one,) = loaded(text, known, **changes).scenarios
    return one


def faults(text: str, known: Plugins | None = None, **changes: Any) -> tuple[Fault, ...]:
    """The faults for which a text is refused."""
    with pytest.raises(ScenarioFileError) as refusal:
        loaded(text, known, **changes)
    return refusal.value.faults


def refused(text: str, *words: str, known: Plugins | None = None, **changes: Any) -> None:
    """Assert that a text has a fault at each mark and no other, whose messages hold the words."""
    lines = dedent(text).lstrip("\n").split("\n")
    places = []
    for number, line in enumerate(lines, 1):
        for part in range(line.count(MARK)):
            places.append((number, [i for i, c in enumerate(line) if c == MARK][part] - part + 1))
    found = faults("\n".join(lines).replace(MARK, ""), known, **changes)
    shown = "\n".join(map(str, found))
    assert [(fault.line, fault.column) for fault in found] == places, shown
    assert len(words) == len(found), shown
    for word, fault in zip(words, found, strict=True):
        assert word in fault.message, shown


def with_steps(steps: str, top: str = "") -> str:
    """A file with one thread `w` that has these steps, and more at its top."""
    body = dedent(steps).strip("\n")
    return with_keys(f"executor: thread\nsteps:\n{indent(body, '  ')}", top)


def steps_of(steps: str, top: str = "", **changes: Any) -> tuple[Step, ...]:
    """The steps of the one worker of `with_steps`."""
    return scenario(with_steps(steps, top), **changes).workers["w"].steps or ()


def worker_of(keys: str, top: str = "", **changes: Any) -> Worker:
    """A worker `w` with these keys."""
    return scenario(with_keys(keys, top), **changes).workers["w"]


def with_keys(keys: str, top: str = "") -> str:
    """A file with a worker `w` that has these keys, and more at its top."""
    head = dedent(top).strip("\n")
    return (
        (head + "\n" if head else "")
        + "workers:\n  w:\n"
        + indent(dedent(keys).strip("\n"), "    ")
    )
